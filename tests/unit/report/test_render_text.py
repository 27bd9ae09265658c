"""What `render` tells a person: long chains, hostile names, every property that is not as usual."""

from __future__ import annotations

import pytest

from reconciler.operations.rendering.render import Rendered
from reconciler.report.render_text import render_lines
from tests.unit.taskfile.reading import RUN, V11, read


def told(text: str, manner: str = "strict", width: int = 80) -> str:
    task = read(V11 + text, manner)
    assert not task.refused, task.diagnostics
    lines = render_lines(Rendered("task.yaml", RUN, task), width)
    assert max(map(len, lines)) <= width
    return "\n".join(lines)


def flat(text: str, manner: str = "strict") -> str:
    return " ".join(told(text, manner).split())


def test_of_a_long_critical_path_both_ends_are_named() -> None:
    text = "steps:\n" + "".join(f"  - {{id: s{n}, cmd: x, timeout: 60}}\n" for n in range(200))
    path = "s0 > s1 > s2 > s3 > (192 more) > s196 > s197 > s198 > s199"
    assert f"* critical path: {path}, 3 h 20 min of timeouts" in flat(text)
    nine = "steps:\n" + "".join(f"  - {{id: s{n}, cmd: x}}\n" for n in range(9))
    assert "s3 > s4 > s5" in flat(nine)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("user: '1000'", "user 1000"),
        ("cpus: '1.5'", "cpus 1.5"),
        ("entryPoint: /bin/sh", "entry point /bin/sh"),
        ("isolation: default", "isolation default"),
        ("ports: ['80:80', '81:81']", "ports 80:80, 81:81"),
        ("expose: ['80']", "exposes 80"),
        ("privileged: true", "PRIVILEGED"),
        ("pull: true", "pulls its image first"),
        ("detach: true", "in the background"),
        ("keep: true", "is kept"),
        ("ignoreErrors: true", "its failure is ignored"),
        ("disableWorkingDirectoryOverride: true", "in the image's own folder"),
        ("workingDirectory: sub", "in /workspace/sub"),
        ("retries: 1", "1 retry, 5 s apart"),
        ("retries: 2\n    retryOnErrors: [a, b]", '2 retries, 5 s apart, after "a" or "b" only'),
        ("repeat: 2", "done 3 times"),
        ("exitedWith: [0, 3]", "succeeds with 0, 3 only"),
        ("exitedWithout: [2]", "fails with 2 only"),
        ("startDelay: 90", "after 1 min 30 s"),
        ("env: ['A=x y', B=z]", "env A='x y' B=z"),
        ("timeout: 4000", "a run ends after 1 h, unless given --timeout 4000"),
        ("network: own", "on network own"),
    ],
)
def test_what_is_not_as_usual_is_said(written: str, shown: str) -> None:
    step = "networks: [{name: own, skipCreation: true}]\nsteps:\n  - cmd: image words\n"
    if not written.startswith("network"):
        step = "steps:\n  - cmd: image words\n"
    assert shown not in flat(step)
    assert shown in flat(f"{step}    {written}\n")


def test_words_are_quoted_as_they_would_be_typed() -> None:
    assert "x 'a b' \"it's\" ''" in told("steps:\n  - cmd: x 'a b' \"it's\" ''\n")


def test_text_of_others_moves_no_cursor() -> None:
    text = 'steps:\n  - cmd: "x \\e[31m \\n y"\n    env: ["A=\\u202e"]\n'
    shown = told(text, "acb")
    assert "\x1b" not in shown
    assert "\u202e" not in shown
