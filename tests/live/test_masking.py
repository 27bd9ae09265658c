"""Secrets in the output of real steps: in the log, on the terminal and in the state."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.live.test_steps import run, statuses, task
from tests.live.workshop import Workshop

SECRET = "longsecretvalue99"
TOKEN = 'tok<en>&1234"5678\\abc/def'


def kept(workshop: Workshop) -> str:
    """Everything that is stored of the runs, as text."""
    found = [path.read_bytes() for path in state(workshop).rglob("*") if path.is_file()]
    return b"".join(found).decode("utf-8", "replace")


def state(workshop: Workshop) -> Path:
    (found,) = workshop.root.rglob("state.db")
    return found.parent


def secret(folder: Path, value: str) -> tuple[str, str]:
    file = folder / "secret-value"
    file.write_text(value)
    return "--set-secret", f"t=file:{file}"


@pytest.mark.parametrize(
    "printing",
    [
        r"printf 'longsecret\033[1m%s\033[0m\n' value99",
        "echo longsecretvalue99 | sed 's/se/\x1b[31mse\x1b[0m/'",
        r"printf 'long\033]0;title\007secret%s\n' value99",
        r"printf 'long\0secret%s\n' value99",
        r"printf '%s' longsecretvalue99 | od -An -tx1",
    ],
)
def test_a_secret_with_something_between_its_letters_is_masked_where_it_is_kept_and_shown(
    workshop: Workshop, tmp_path: Path, printing: str
) -> None:
    script = workshop.context("ctx") / "print.sh"
    script.write_text(printing + "\n")
    path = task(workshop, {"id": "a", "cmd": "sh /workspace/print.sh"})
    done = workshop.call("run", "-f", path, "ctx", *secret(tmp_path, SECRET))
    assert done.returncode == 0, done.stdout + done.stderr
    again = workshop.call("logs", workshop.last()["id"], "--step", "a").stdout
    for text in (done.stdout, again, kept(workshop)):
        assert "***" in text
        assert "value99" not in text
        assert "6c 6f 6e" not in text


def test_what_encoders_make_of_a_secret_is_masked(workshop: Workshop, tmp_path: Path) -> None:
    spelled = [
        r"go tok\u003cen\u003e\u00261234\"5678\\abc/def",
        r"php tok<en>&1234\"5678\\abc\/def",
        r"twice tok<en>&1234\\\"5678\\\\abc/def",
        r"python tok<en>&1234\"5678\\\\abc/def",
    ]
    (workshop.context("ctx") / "said").write_text("".join(f"{line}\n" for line in spelled))
    path = task(workshop, {"id": "a", "cmd": "cat /workspace/said"})
    done = workshop.call("run", "-f", path, "ctx", *secret(tmp_path, TOKEN))
    assert done.returncode == 0, done.stdout + done.stderr
    for text in (done.stdout, kept(workshop)):
        assert "1234" not in text
    for word in ("go", "php", "twice", "python"):
        assert f"| {word} ***" in done.stdout


def test_the_files_of_a_secret_volume_are_masked(workshop: Workshop) -> None:
    content = b"user: literal-user\npass: literalsecretvalue\n"
    volumes = [{"name": "v", "secret": {"f": base64.b64encode(content).decode()}}]
    mounts = [{"name": "v", "mountPath": "/s"}]
    step = {"id": "a", "cmd": "sh -c 'cat /s/f; base64 /s/f'", "volumeMounts": mounts}
    done = run(workshop, step, volumes=volumes)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("***") >= 3
    for text in (done.stdout, kept(workshop)):
        assert "literal" not in text
        assert base64.b64encode(content).decode()[:40] not in text


def test_a_secret_that_is_too_short_is_warned_of_once_before_the_first_step(
    workshop: Workshop, tmp_path: Path
) -> None:
    volumes = [{"name": "v", "secret": {"f": "YWI=", "same": "eHl6", "none": ""}}]
    path = task(workshop, {"id": "a", "cmd": "echo begun"}, volumes=volumes)
    done = workshop.call("run", "-f", path, "ctx", *secret(tmp_path, "xyz"))
    assert done.returncode == 0, done.stdout + done.stderr
    before, _, _ = done.stdout.partition("| begun")
    warned = [line for line in before.splitlines() if "too short" in line]
    assert [line.partition("the ")[2].partition(" is ")[0] for line in warned] == [
        "secret t",
        "file f of volume v",
    ]


@pytest.mark.parametrize("password", ["ghp_pw12345secret", "pw"])
@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_a_password_in_a_build_context_is_neither_kept_nor_shown(
    workshop: Workshop, password: str, manner: str
) -> None:
    url = f"https://u:{password}@127.0.0.1:28999/r.git#main"
    path = task(workshop, {"id": "a", "build": f"-t x:t {url}"})
    done = workshop.call("run", "-f", path, "ctx", "--compat", manner)
    assert done.returncode == 4, done.stdout + done.stderr
    shown = done.stdout + done.stderr + workshop.call("runs", "-o", "json").stdout
    for text in (shown, kept(workshop)):
        assert f":{password}@" not in text
        assert "ghp_" not in text
    assert statuses(workshop).get("a", "skipped") in {"skipped", "failed"}


@pytest.mark.parametrize("dump", ["od -c", "xxd", "hexdump -C", "fold -w 40", "base64 -w 20"])
def test_a_secret_that_a_build_breaks_over_lines_is_masked(
    workshop: Workshop, tmp_path: Path, dump: str
) -> None:
    value = "".join(f"Letters{number:03d}" for number in range(15))
    (tmp_path / "value").write_text(value)
    workshop.context("ctx", f"RUN --mount=type=secret,id=t {dump} /run/secrets/t")
    given = f"t=file:{tmp_path / 'value'}"
    done = workshop.call("build", "ctx", "--secret", given, "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    for text in (done.stdout, kept(workshop)):
        assert text.count("***") >= 4
        for plain in ("Letters0", "L   e   t   t   e", "4c 65 74 74", "4c65 7474", "TGV0dGVyc"):
            assert plain not in text
