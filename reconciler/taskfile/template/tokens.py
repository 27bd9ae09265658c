"""Cuts a Go template into texts and actions, and actions into tokens. Knows no grammar.

Source: https://pkg.go.dev/text/template (actions, text and spaces, comments).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.taskfile.faults import Fault, place

_SPACES = " \t\r\n"
_OPEN, _CLOSE = "{{", "}}"
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<number>[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+
                          |[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9_]+)?
                          |\.[0-9][0-9_]*(?:[eE][-+]?[0-9_]+)?)(?!\w))
      | (?P<field>\.[^\W\d]\w*)
      | (?P<variable>\$\w*)
      | (?P<word>[^\W\d]\w*)
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<raw>`[^`]*`)
      | (?P<char>'(?:\\.|[^'\\\n])+')
      | (?P<mark>:=|[=|(),.])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an action; `joined` if no blank stands before it; `offset` in the text."""

    kind: str
    text: str
    offset: int
    joined: bool


@dataclass(frozen=True, slots=True)
class Text:
    """Text between actions, blanks trimmed where an action says so; `offset` of its first."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Action:
    """What stands between `{{` and `}}`."""

    tokens: tuple[Token, ...]
    offset: int


def cut(template: str) -> Iterator[Text | Action]:
    """Texts and actions in order; comments are left out. Raises Fault."""
    at, trim = 0, False
    while True:
        start = template.find(_OPEN, at)
        end = len(template) if start < 0 else start
        inner = start + len(_OPEN)
        trims_before = start >= 0 and _is_trim(template, inner)
        yield from _text(template, at, end, trim_left=trim, trim_right=trims_before)
        if start < 0:
            return
        inner += 2 if trims_before else 0
        if template.startswith("/*", inner):
            at, trim = _comment(template, start, inner)
        else:
            tokens, at, trim = _tokens(template, start, inner)
            yield Action(tokens, start)


def _is_trim(template: str, at: int) -> bool:
    return template[at : at + 1] == "-" and template[at + 1 : at + 2] in {*_SPACES}


def _text(
    template: str, start: int, end: int, *, trim_left: bool, trim_right: bool
) -> Iterator[Text]:
    text = template[start:end]
    if trim_left:
        start += len(text) - len(text.lstrip(_SPACES))
        text = text.lstrip(_SPACES)
    if trim_right:
        text = text.rstrip(_SPACES)
    if text:
        yield Text(text, start)


def _comment(template: str, start: int, at: int) -> tuple[int, bool]:
    """Where the text goes on after a comment, and whether blanks are trimmed there."""
    end = template.find("*/", at)
    if end < 0:
        raise _fault(template, start, "the comment is not closed", "close it with */}}")
    end += 2
    for close, trim in (("}}", False), (" -}}", True), ("\t-}}", True), ("\n-}}", True)):
        if template.startswith(close, end):
            return end + len(close), trim
    raise _fault(template, start, "a comment stands alone in its action", "end it with */}}")


def _tokens(template: str, start: int, at: int) -> tuple[tuple[Token, ...], int, bool]:
    """The tokens of one action, where the text goes on, and whether blanks are trimmed there."""
    tokens: list[Token] = []
    joined = True
    while True:
        if template.startswith(_CLOSE, at):
            return tuple(tokens), at + len(_CLOSE), False
        if not joined and template.startswith("-" + _CLOSE, at):
            return tuple(tokens), at + 1 + len(_CLOSE), True
        match = _TOKEN.match(template, at)
        if match is None:
            raise _no_token(template, start, at)
        kind, at = match.lastgroup or "", match.end()
        if kind != "space":
            tokens.append(Token(kind, match[0], match.start(), joined))
        joined = kind != "space"


def _no_token(template: str, start: int, at: int) -> Fault:
    if at >= len(template):
        return _fault(template, start, "the action is not closed", "close it with }}")
    if template[at] in "\"'`":
        return _fault(template, at, "the text is not closed", "close the quote on its line")
    message = f"{template[at]!r} cannot stand in an action"
    return _fault(template, at, message, "quote it, or write {{`{{`}} for the characters {{")


def _fault(template: str, at: int, message: str, fix: str) -> Fault:
    return Fault(f"template: {message}", *place(template, at), fix=fix)
