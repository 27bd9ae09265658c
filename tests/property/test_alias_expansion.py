"""Aliases in any text: as a slow reader of the rules does it, bounded, or a diagnostic."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.base.diagnostics import Location
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.file.alias import PREDEFINED, Aliases
from reconciler.taskfile.file.expansion import expand
from reconciler.taskfile.file.read import read_task_file
from reconciler.taskfile.findings import Findings
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.template.functions.kit import MAX_TEXT
from reconciler.taskfile.trace import Traced, untouched

MARKS = st.sampled_from("$%@!é—😀")
NAMES = st.text("abAB1", min_size=1, max_size=3)
VALUES = st.dictionaries(NAMES, st.text("ab$% \n{}", max_size=6), max_size=4)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    """A mark, and a text that is full of it."""
    mark = draw(MARKS)
    pieces = st.sampled_from([mark, mark, mark * 2, " ", "\n", "-", "_", "x"]) | NAMES
    return mark, "".join(draw(st.lists(pieces, max_size=20)))


def findings(manner: Manner) -> Findings:
    return Findings(manner, lambda line, column: Location("task.yaml", line, column))


def slowly(text: str, mark: str, values: Mapping[str, str]) -> str:
    """The rules, one character after the other."""
    if not text:
        return ""
    if text[0] != mark:
        return text[0] + slowly(text[1:], mark, values)
    if text[1:2] == mark:
        return mark + slowly(text[2:], mark, values)
    rest = text[1:].lstrip("abAB1x")
    name = text[1 : len(text) - len(rest)]
    if name in values:
        return values[name] + slowly(rest, mark, values)
    # Behind an unknown name even a known one stays as it is.
    literal = mark * bool(name and rest.startswith(mark))
    return mark + name + literal + slowly(rest[len(literal) :], mark, values)


@given(texts(), VALUES, st.sampled_from(list(Manner)))
@example(("$", "$a$b $$a$b $b$a"), {"b": "$a"}, Manner.ACB)
def test_any_text_is_expanded_by_the_rules(
    given_text: tuple[str, str], values: dict[str, str], manner: Manner
) -> None:
    mark, text = given_text
    found = findings(manner)
    expanded = expand(untouched(text), Aliases(values, mark), found)
    assert expanded.text == slowly(text, mark, values)
    assert len(expanded.lines) == expanded.text.count("\n") + 1
    assert all(1 <= line <= text.count("\n") + 1 for line in expanded.lines)
    assert found.refused <= (manner is Manner.STRICT)


@given(st.integers(1, 3_000), st.integers(0, 3_000))
def test_the_text_never_gets_longer_than_its_bound(length: int, times: int) -> None:
    expanded: Traced | None = None
    with contextlib.suppress(Fault):
        source = untouched("$a" * times)
        expanded = expand(source, Aliases({"a": "x" * length}), findings(Manner.STRICT))
    assert (expanded is None) == (length * times > MAX_TEXT)
    assert expanded is None or len(expanded.text) == length * times


@given(
    st.dictionaries(NAMES | st.sampled_from(list(PREDEFINED)), st.text(max_size=12), max_size=3),
    st.text("$ab {}.RunID|-#:\n", max_size=30),
    st.sampled_from(list(Manner)),
)
@example({"a": "$a$a"}, "$a", Manner.STRICT)
@example({"a": "{{ .Run.ID"}, "$a }}", Manner.STRICT)
@example({"ID": "\ue1000\ue101"}, "$ID", Manner.ACB)
def test_any_alias_file_gives_a_task_file_or_diagnostics(
    values: dict[str, str], words: str, manner: Manner
) -> None:
    source = "".join(f"{name}: {value!r}\n" for name, value in values.items())
    text = f"version: v1.1.0\nalias:\n  src: [f]\nsteps:\n  - cmd: x {words}\n"
    inputs = Inputs(run={"ID": "r1"}, fetch=lambda _: source)
    task = read_task_file(text, file="task.yaml", manner=manner, inputs=inputs)
    assert not (task.refused and task.steps)
    lines = text.count("\n") + 1
    assert all(item.location and 1 <= item.location.line <= lines for item in task.diagnostics)
