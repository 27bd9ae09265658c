"""Templates are rendered in a child with limits; nothing of it is left behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from reconciler.loader import template
from reconciler.loader.template import TemplateProblem, render


def test_variables_loops_and_filters_work() -> None:
    text = "{% for a in items %}${{ a | upper }} {% endfor %}\n"
    assert render(text, {"items": ["x", "y"]}) == "X Y \n"


def test_the_last_newline_stays() -> None:
    assert render("a\n", {}) == "a\n"
    assert render("a", {}) == "a"


@pytest.mark.parametrize(
    "name", ["lipsum", "cycler", "joiner", "namespace", "self", "request", "os"]
)
def test_nothing_but_the_variables_is_known(name: str) -> None:
    result = render(f"${{{{ {name} }}}}", {})
    assert isinstance(result, TemplateProblem) or "Template" in result


def test_the_environment_of_the_process_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", "hunter2")
    assert isinstance(render("${{ PLANTED }}", {}), TemplateProblem)


def test_a_template_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "SECONDS", 0.3)
    result = render(
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", {}
    )
    assert isinstance(result, TemplateProblem)
    assert result.fix is not None


def test_no_child_is_left_behind() -> None:
    before = _children()
    render("a", {})
    render("${{ 'x' * 10 ** 11 }}", {})
    assert _children() <= before


def _children() -> set[str]:
    """Children of this process, zombies too: other tests may have some of their own."""
    own = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    return set(own.read_text().split())


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_pipe_is_left_open() -> None:
    before = _open_files()
    for _ in range(5):
        render("${{ nope }}", {})
    assert _open_files() == before


@pytest.mark.parametrize("answer", [b"", b'["tex', b'["text", "a', b"nonsense"])
def test_half_an_answer_is_a_problem(answer: bytes) -> None:
    assert isinstance(template._result(answer), TemplateProblem)
