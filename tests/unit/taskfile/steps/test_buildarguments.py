"""Where the cache of a build is kept, and contexts that stand after flags."""

from __future__ import annotations

import pytest

from reconciler.base.diagnostics import Severity
from reconciler.taskfile.steps.buildarguments import cache_reference
from reconciler.taskfile.tasks import BuildStep
from tests.unit.taskfile.reading import errors, read, steps


@pytest.mark.parametrize(
    ("tags", "registry", "task", "reference"),
    [
        (["reg.io/a:1"], "r.io", "mytask", "reg.io/a:cache_mytask_s"),
        (["a:1"], "r.io", "", "r.io/a:cache_quickrun_s"),
        (["a", "h:5000/b@sha256:1"], "r.io", "t", "h:5000/b:cache_t_s"),
        (["a"], "", "t", None),
        ([], "r.io", "t", None),
        (["a"], "r.io", "t" * 130, None),
    ],
)
def test_the_place_of_the_cache(
    tags: list[str], registry: str, task: str, reference: str | None
) -> None:
    found = cache_reference(tags, registry=registry, task_name=task, step_id="s")
    assert found == reference


@pytest.mark.parametrize(
    ("written", "context"),
    [
        ("--no-cache https://h/x.git", "https://h/x.git"),
        ("--pull dir", "dir"),
        ("-t a:1 .", "."),
        ("-ta:1 -f=D sub", "sub"),
        ("-t a:1", "."),
        ("-", "-"),
    ],
)
def test_the_context_is_what_is_no_flag(written: str, context: str) -> None:
    (step,) = steps(f"steps:\n  - build: {written!r}\n", "acb")
    assert isinstance(step, BuildStep)
    assert step.build.context == context


def test_two_contexts_are_refused() -> None:
    assert "one context" in errors("steps:\n  - build: a b\n")[0]


def test_an_address_of_a_repository_that_is_taken_for_an_archive_is_told() -> None:
    text = "steps:\n  - build: -t a:1 https://github.com/o/r\n"
    assert steps(text, "acb")
    for manner, severity in (("strict", Severity.ERROR), ("acb", Severity.WARNING)):
        (item,) = read(text, manner).diagnostics
        assert (item.severity, item.found) == (severity, "https://github.com/o/r")
        assert item.fix == "end it with .git: https://github.com/o/r.git"


@pytest.mark.parametrize(
    "context",
    ["https://github.com/o/r.git", "https://github.com/o/r.git#main:sub", "github.com/o/r", "."],
)
def test_other_contexts_are_not(context: str) -> None:
    assert not read(f"steps:\n  - build: -t a:1 {context}\n").diagnostics


@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_a_context_that_is_no_url_is_refused(manner: str) -> None:
    (message,) = errors("steps:\n  - build: -t a:1 https://[x\n", manner)
    assert message == "2: the context is no URL"


def test_what_to_do_with_a_secret_build_argument_is_nothing_that_a_run_refuses() -> None:
    text = "version: v1.1.0\nsteps:\n  - build: --build-arg T={{.Values.t}} .\n"
    (item,) = read(text, secret_values={"t": "longsecretvalue"}).diagnostics
    assert item.fix is not None
    fixed = text.replace("--build-arg T={{.Values.t}}", "--secret id=NAME")
    assert "write --secret id=NAME, env: ['NAME=...'] at the step" in item.fix
    fixed += "    env: ['NAME={{.Values.t}}']\n"
    assert not read(fixed, secret_values={"t": "longsecretvalue"}).diagnostics
    assert "longsecretvalue" not in str(item)


@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_a_branch_with_a_slash_in_a_tag_is_refused_with_the_way_to_write_it(manner: str) -> None:
    text = "steps:\n  - build: -t web:{{.Run.Branch}} .\n"
    run = {"ID": "r1", "Branch": "feature/x"}
    (item,) = read("version: v1.1.0\n" + text, manner, run=run).diagnostics
    assert item.fix == 'a tag has no slash: write {{.Run.Branch | replace "/" "-"}} for a branch'
    fixed = text.replace("Branch}}", 'Branch | replace "/" "-"}}')
    assert not read("version: v1.1.0\n" + fixed, manner, run=run).diagnostics
