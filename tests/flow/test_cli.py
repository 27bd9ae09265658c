"""The command itself: help, usage, environment, streams, errors without a trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli import main
from tests.flow.project import Outcome, Project, new_project
from tests.terminal import shown


@pytest.fixture(name="project")
def with_one_task(tmp_path: Path) -> Project:
    return new_project(tmp_path / "workspace", "web-api")


def call(*words: str, capsys: pytest.CaptureFixture[str]) -> Outcome:
    code = main.run(words)
    out, err = capsys.readouterr()
    return Outcome(code, out, err)


# ------------------------------------------------------------- help and usage
def test_help_lists_the_commands_in_their_groups(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call("--help", capsys=capsys)
    heads = [line for line in outcome.out.splitlines() if line.endswith(":")]
    assert heads == ["Options:", "Workflow:", "Runs:", "Audit:", "Daemon:", "Misc:"]
    assert outcome.out.index("  plan ") < outcome.out.index("  apply ") < outcome.out.index("Runs:")
    assert outcome.code == 0


@pytest.mark.parametrize("name", [name for _, name, _, _ in main._COMMANDS])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call(name, "--help", capsys=capsys)
    assert (outcome.code, outcome.out.startswith(f"Usage: reconciler {name}")) == (0, True)


@pytest.mark.parametrize(
    "words",
    [
        ("plann",),
        ("plan", "--nope"),
        ("plan", "extra"),
        ("plan", "-o", "yaml"),
        ("plan", "--out", "."),
        ("schema", "Nothing"),
        ("--nope",),
        ("apply", "a", "b"),
        ("-C",),
    ],
)
def test_wrong_usage_is_64(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call(*words, capsys=capsys)
    assert (outcome.code, outcome.out) == (64, "")
    assert outcome.err


def test_a_mistyped_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean 'plan'?" in call("plann", capsys=capsys).err


@pytest.mark.parametrize(
    ("variable", "value", "words", "code"),
    [
        ("RECONCILER_PLAN_DETAILED_EXITCODE", "1", ("plan",), 2),
        ("RECONCILER_PLAN_OUTPUT", "json", ("plan",), 0),
        ("RECONCILER_PLAN_OUT", "p.json", ("plan",), 0),
        ("RECONCILER_PLAN_HEAL", "true", ("plan",), 0),
        ("RECONCILER_APPLY_AUTO_APPROVE", "yes", ("apply",), 0),
        ("RECONCILER_DRIFT_OUTPUT", "json", ("drift",), 0),
        ("RECONCILER_PLAN_OUTPUT", "yaml", ("plan",), 64),
    ],
)
def test_every_option_can_come_from_the_environment(
    project: Project, variable: str, value: str, words: tuple[str, ...], code: int
) -> None:
    project.environment[variable] = value
    outcome = project.run(*words)
    assert outcome.code == code
    if value == "json":
        json.loads(outcome.out)
    if value == "p.json":
        assert (project.root / "p.json").exists()


# What sets a safety rule aside is said in the very command, and so is a fault.
NOT_FROM_THE_ENVIRONMENT = {
    "override_limit": {"plan", "apply", "destroy"},
    "allow_destroy": {"plan", "apply", "destroy"},
    "reason": {"plan", "apply", "destroy"},
    "fault_point": {"apply", "destroy"},
    "auto_approve": {"destroy"},
    "confirm": {"destroy"},
    "force": {"import"},
    "allow_plain_secrets": {"import"},
}


def test_every_option_of_every_command_has_such_a_variable_but_those_of_safety() -> None:
    import click

    with click.Context(main.cli, info_name="reconciler", auto_envvar_prefix="RECONCILER") as ctx:
        for _, name, _, _ in main._COMMANDS:
            command = main.cli.get_command(ctx, name)
            assert command is not None
            for option in command.params:
                if isinstance(option, click.Option):
                    safety = name in NOT_FROM_THE_ENVIRONMENT.get(str(option.name), ())
                    assert option.allow_from_autoenv != safety, (name, option.name)


# ------------------------------------------------------------------- errors
def test_outside_a_workspace_it_is_1_with_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call("-C", str(tmp_path), "plan", capsys=capsys)
    assert outcome.code == 1
    assert "reconciler init" in outcome.err


@pytest.fixture(name="broken")
def with_a_bug(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    from reconciler.operations.planning import plan

    def fail(*_: object, **__: object) -> None:
        raise KeyError("inner detail")

    monkeypatch.setattr(plan, "make_plan", fail)
    return project


def test_an_unknown_exception_is_one_line_and_a_hint(broken: Project) -> None:
    outcome = broken.run("plan")
    assert outcome.code == 1
    assert outcome.err.startswith("error: something went wrong inside reconciler (KeyError)")
    assert "Traceback" not in outcome.err


def test_with_debug_there_is_a_trace_and_the_same_code(broken: Project) -> None:
    from reconciler.cli.main import run

    assert "Traceback" not in broken.run("plan").err
    broken.environment["RECONCILER_DEBUG"] = "1"
    outcome = broken.run("plan")
    assert (outcome.code, "inner detail" in outcome.err) == (1, True)
    assert run(["--debug", "-C", "/nonexistent/x", "plan"]) == 1


def test_debug_0_is_no_debug(broken: Project) -> None:
    broken.environment["RECONCILER_DEBUG"] = "0"
    assert "Traceback" not in broken.run("plan").err


def test_control_c_is_130(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciler.operations.planning import plan

    def interrupted(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(plan, "make_plan", interrupted)
    outcome = project.run("plan")
    assert (outcome.code, outcome.err.strip()) == (130, "interrupted")


# ------------------------------------------------------------------ streams
def shell(project: Project, line: str) -> Outcome:
    python = f"{sys.executable} -m reconciler"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line.replace('RECONCILER', python)}"],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_a_closed_pipe_ends_quietly(project: Project) -> None:
    for number in range(300):
        project.write(f"task-{number}")
    # Far more than a pipe holds: the rest cannot be written once `head` has gone.
    # Unbuffered, Python itself takes half a write for a whole one.
    outcome = shell(project, "env -u PYTHONUNBUFFERED RECONCILER plan -o json | head -1")
    assert outcome.out == "{\n"
    assert (outcome.code, outcome.err) == (141, "")


@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_error_and_never_the_database(project: Project, streams: str) -> None:
    outcome = shell(project, f"RECONCILER apply --auto-approve {streams}")
    assert (outcome.code, outcome.err) == (0, "")
    assert sorted(project.live()) == ["contoso/web-api"]


def test_a_full_disk_behind_the_output_is_1(project: Project) -> None:
    outcome = shell(project, "RECONCILER plan > /dev/full")
    assert outcome.code == 1
    assert outcome.err.startswith("error: No space left on device")
    assert "Traceback" not in outcome.err + outcome.out
    assert "Exception ignored" not in outcome.err


def test_piped_output_has_no_colours_and_80_columns(project: Project) -> None:
    outcome = project.finish("plan")
    assert "\x1b" not in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def terminal(project: Project, *words: str, columns: int = 80) -> str:
    """What a command prints on a terminal of so many columns."""
    return shown(
        lambda slave: project.spawn(*words, stdin=slave, stdout=slave, stderr=slave),
        columns=columns,
    )


def test_a_terminal_gets_colours_unless_no_color_is_set(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[32m+ contoso/web-api" in terminal(project, "plan")
    project.environment["NO_COLOR"] = "1"
    assert "\x1b" not in terminal(project, "plan")


def test_a_terminal_of_40_columns_is_not_overrun(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    project.environment["NO_COLOR"] = "1"
    for words in (("plan",), ("apply", "--auto-approve"), ("drift",), ("validate",)):
        shown = terminal(project, *words, columns=40)
        assert max(map(len, shown.splitlines())) <= 40, shown


# ------------------------------------------------------------------- hostile
HOSTILE = "\x1b]0;owned\x07 \u202egnp.exe\u2066 \x9b31m"


def test_hostile_text_reaches_no_terminal(project: Project) -> None:
    project.write(metadata={"description": HOSTILE}, logTemplate="x" * 500)
    (project.root / "specs/evil\x1b[31m\n# x.yaml").write_text(
        (project.root / "specs/web-api.yaml").read_text().replace("web-api", "evil-api")
    )
    project.actor = f"me {HOSTILE}"
    for words in (
        ("plan",),
        ("plan", "-o", "json"),
        ("plan", "-o", "markdown"),
        ("apply", "--auto-approve"),
        ("drift",),
    ):
        outcome = project.run(*words)
        shown = outcome.out + outcome.err
        assert not {"\x1b", "\x07", "\u202e", "\u2066", "\x9b"} & set(shown), words
    project.change_live(timeout=7200)
    outcome = project.run("drift")
    assert (outcome.code, "\x1b" in outcome.out) == (8, False)


def test_a_file_name_that_is_no_text_does_no_harm(project: Project) -> None:
    name = os.fsencode(project.root / "specs") + b"/bad\xff.yaml"
    with open(name, "w") as file:  # noqa: PTH123  (a path of bytes)
        file.write((project.root / "specs/web-api.yaml").read_text().replace("web-api", "bad-api"))
    for words in (("plan",), ("plan", "-o", "json"), ("apply", "--auto-approve")):
        outcome = project.run(*words)
        assert outcome.code in {0, 1}
        assert "something went wrong" not in outcome.err
