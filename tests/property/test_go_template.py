"""Templates of any shape: a bounded text or a Fault, and nothing of the machine."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.taskfile.faults import Fault
from reconciler.taskfile.template.functions.catalogue import template_functions
from reconciler.taskfile.template.functions.kit import MAX_TEXT
from reconciler.taskfile.template.govalues import SecretText
from reconciler.taskfile.template.lookup import Closed
from reconciler.taskfile.template.render import render
from reconciler.taskfile.template.vault import Vault
from reconciler.taskfile.trace import Traced, untouched

FUNCTIONS = template_functions(datetime(2026, 11, 21, tzinfo=UTC))
SECRET = "correct-horse"
DATA: dict[str, Any] = {
    "Run": Closed(ID="r1"),
    "Values": {"a": "x,y", "n": 7, "l": [1, "b", [2]], "m": {"k": {"d": None}}, "f": 1.5},
    "Secrets": Closed(s=SecretText(SECRET)),
}
ATOMS = st.sampled_from(
    [
        *(".", "$", ".Run.ID", ".Values.a", ".Values.n", ".Values.l", ".Values.m", ".Values.m.k.d"),
        *(
            ".Values.gone",
            ".Secrets.s",
            ".Secrets",
            "nil",
            "true",
            "0",
            "-1",
            "3",
            "1.5",
            '""',
            '","',
        ),
        *('"abc"', "`%s %d`", "`a b`", "'a'", "99999", "now", "list", "dict"),
    ]
)
NAMES = st.sampled_from(sorted(FUNCTIONS))
CALLS = st.recursive(
    ATOMS,
    lambda inner: st.builds(
        lambda name, arguments: f"({name} {' '.join(arguments)})",
        NAMES,
        st.lists(inner, max_size=3),
    ),
    max_leaves=6,
)
PIPES = st.lists(CALLS, min_size=1, max_size=3).map(
    lambda calls: " | ".join([calls[0], *(call.strip("()") for call in calls[1:])])
)
SHOWN = PIPES.map(lambda pipe: f"{{{{ {pipe} }}}}")
PARTS = st.recursive(
    SHOWN | st.text(max_size=4),
    lambda inner: st.builds(
        "{{{{ {0} {1} }}}}{2}{{{{ else }}}}{3}{{{{ end }}}}".format,
        st.sampled_from(["if", "with", "range", "range $i, $e :="]),
        CALLS,
        inner,
        inner,
    ),
    max_leaves=5,
)
TEMPLATES = st.lists(PARTS, max_size=3).map("".join)
NOISE = st.lists(
    st.sampled_from(
        [
            *("{{", "}}", "-", " ", "$", "$x", ":=", "=", "|", "(", ")", ".", ".a", '"', "`", "'"),
            *("\\", "1", "if", "range", "with", "end", "else", "define", "template", "/*", "*/"),
            *("\n", "a", ","),
        ]
    ),
    max_size=25,
).map("".join)


def rendered(text: str, vault: Vault, *, strict: bool) -> Traced | None:
    with contextlib.suppress(Fault):
        return render(untouched(text), DATA, FUNCTIONS, vault, strict=strict)
    return None


def check(text: str, *, strict: bool) -> None:
    vault = Vault()
    found = rendered(text, vault, strict=strict)
    if found is None:
        return
    assert len(found.text) <= MAX_TEXT
    assert len(found.lines) == found.text.count("\n") + 1
    assert all(1 <= line <= text.count("\n") + 1 for line in found.lines)
    assert SECRET not in found.text
    assert SECRET not in vault.hide(found.text)


@given(TEMPLATES, st.booleans())
def test_any_template_gives_a_bounded_text_or_a_fault(text: str, strict: bool) -> None:
    check(text, strict=strict)


@given(NOISE, st.booleans())
def test_any_noise_gives_a_text_or_a_fault(text: str, strict: bool) -> None:
    check(text, strict=strict)


@given(NAMES, st.lists(ATOMS, max_size=4), st.booleans())
def test_every_function_takes_any_arguments(name: str, arguments: list[str], strict: bool) -> None:
    check(f"{{{{ {name} {' '.join(arguments)} }}}}", strict=strict)


@given(st.text(max_size=60).filter(lambda text: "{{" not in text))
def test_a_text_without_actions_stays_as_it_is(text: str) -> None:
    found = rendered(text, Vault(), strict=True)
    assert found is not None
    assert found.text == text


def fault_of(text: str) -> Fault | None:
    try:
        render(untouched(text), DATA, FUNCTIONS, Vault(), strict=True)
    except Fault as fault:
        return fault
    return None


@given(NOISE)
def test_a_fault_names_a_place_inside_of_the_text(text: str) -> None:
    if fault := fault_of(text):
        lines = text.split("\n")
        assert 1 <= fault.line <= len(lines)
        assert 1 <= fault.column <= len(lines[fault.line - 1]) + 1
