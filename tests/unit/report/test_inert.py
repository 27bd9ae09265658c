"""Lines in the log of a CI service: whatever is quoted in them, they command nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.base.text import harmless_json
from reconciler.report.inert import code, no_commands

HOSTILE = [
    "::error::x",
    "  ::set-output name=a::b",
    "fine\n::add-mask::x",
    "fine\r\u00a0::add-mask::x",
    "\u200b::error::x",
    ":\u200d:error::x",
    "text ##[error]x",
    "text ##vso[task.setvariable variable=a]b",
    "text ##VSO[task.setvariable variable=a]b",
    "#\u200b#v\u00adso[task.complete]",
]


def seen(text: str) -> str:
    """The text as a comparison sees it that passes over what nobody sees."""
    return "".join(letter for letter in text if letter not in "\u200b\u200d\u00ad").lower()


def obeyed(text: str) -> bool:
    lines = seen(text).replace("\r", "\n").split("\n")
    return any(line.lstrip().startswith("::") or "##[" in line or "##vso" in line for line in lines)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_line_is_a_command(text: str) -> None:
    assert obeyed(text)
    assert not obeyed(no_commands(text))


@given(st.lists(st.sampled_from([":", "#", "[", "vso", " ", "\n", "\r", "\u200b", "x"])))
def test_no_mix_of_their_signs_is_a_command(parts: list[str]) -> None:
    assert not obeyed(no_commands("".join(parts)))


@pytest.mark.parametrize(
    "text", ["a::b", "std::string::x", "## Heading", "# [a](b)", "\u00fc: 1", "{::}", "#1 #2"]
)
def test_other_lines_stay_as_they_are(text: str) -> None:
    assert no_commands(text) == text


def test_inline_code_and_json_hold_no_command_in_their_middle() -> None:
    hostile = "a##vso[task.setvariable variable=a]b"
    assert not obeyed(code(hostile))
    text = harmless_json(json.dumps({"a": [hostile, "###"]}))
    assert not obeyed(text)
    assert json.loads(text) == {"a": [hostile, "###"]}


def test_a_very_long_line_of_blanks_is_looked_at_once() -> None:
    text = "\x1f \u200b" * 100_000
    assert no_commands(text + "::") == text + ": :"
