"""Words of a command line as a POSIX shell would split them, without running any shell.

Quotes and backslashes mean what they mean there. Nothing is expanded: `$HOME`, `*`, `~` and
`$(date)` stay as they are. What a shell would act on outside quotes is told, not obeyed.
Source: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_02
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.taskfile.faults import Fault, place

_OPERATORS = ";&|<>()`"
_ESCAPED_IN_QUOTES = frozenset('$`"\\\n')
_MOST_OPERATORS = 20  # as many as anybody reads
_LONGEST_OPERATOR = 4
# What means itself, outside and inside of double quotes: nearly all of every text.
_LITERAL = re.compile(r"[^'\"\\\s;&|<>()`]+")
_LITERAL_IN_QUOTES = re.compile(r'[^"\\]+')


@dataclass(frozen=True, slots=True)
class Operator:
    """Characters outside quotes that a shell would act on (`&&`, `>`), and their place."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Words:
    """The words, and the operators found in them (which stay in the words)."""

    words: tuple[str, ...]
    operators: tuple[Operator, ...] = ()


def split_words(text: str) -> Words:
    """Split once. A line break outside quotes ends a word and counts as an operator.

    Raises Fault for a quote that is not closed.
    """
    reader = _Reader(text)
    reader.read()
    return Words(tuple(reader.words), tuple(reader.operators))


def unquote(text: str) -> str:
    """One word with its quotes removed, blanks kept: what the shell makes of `K=text`.

    Raises Fault for a quote that is not closed.
    """
    reader = _Reader(text, whole=True)
    reader.read()
    return "".join(reader.words)


class _Reader:
    """Reads a text once from left to right; `whole` keeps blanks and line breaks in the word."""

    def __init__(self, text: str, *, whole: bool = False) -> None:
        self._text, self._at, self._whole = text.rstrip("\n") if not whole else text, 0, whole
        self._word: list[str] | None = None
        self.words: list[str] = []
        self.operators: list[Operator] = []
        self._operator_end = -1

    def read(self) -> None:
        while self._at < len(self._text):
            if self._literal(_LITERAL):
                continue
            char = self._text[self._at]
            self._at += 1
            if char == "'":
                self._add(self._until("'"))
            elif char == '"':
                self._double()
            elif char == "\\":
                self._backslash()
            elif char in " \t\r\n" and not self._whole:
                self._separator(char)
            else:
                self._plain(char)
        self._end_word()

    def _literal(self, pattern: re.Pattern[str]) -> bool:
        """Take what stands here and means itself; false if nothing does."""
        found = pattern.match(self._text, self._at)
        if found is None:
            return False
        self._add(found[0])
        self._at = found.end()
        return True

    def _add(self, text: str) -> None:
        self._word = self._word or []
        self._word.append(text)

    def _end_word(self) -> None:
        if self._word is not None:
            self.words.append("".join(self._word))
        self._word = None

    def _separator(self, char: str) -> None:
        if char == "\n" and (self.words or self._word is not None):
            self._note("\n")
        self._end_word()

    def _plain(self, char: str) -> None:
        if char in _OPERATORS and not self._whole:
            self._note(char)
        self._add(char)

    def _note(self, char: str) -> None:
        last = self.operators[-1] if self.operators else None
        if last and char != "\n" and self._at - 1 == self._operator_end:
            if len(last.text) < _LONGEST_OPERATOR:
                self.operators[-1] = Operator(last.text + char, last.line, last.column)
        elif len(self.operators) < _MOST_OPERATORS:
            self.operators.append(Operator(char, *place(self._text, self._at - 1)))
        self._operator_end = self._at if char != "\n" else -1

    def _backslash(self) -> None:
        following = self._text[self._at : self._at + 1]
        self._at += 1
        if following != "\n":  # a backslash before a line break joins the lines
            self._add(following or "\\")

    def _until(self, quote: str) -> str:
        end = self._text.find(quote, self._at)
        if end < 0:
            raise self._open(quote)
        start, self._at = self._at, end + 1
        return self._text[start:end]

    def _double(self) -> None:
        start = self._at
        self._add("")
        while self._at < len(self._text):
            if self._literal(_LITERAL_IN_QUOTES):
                continue
            char = self._text[self._at]
            self._at += 1
            if char == '"':
                return
            if char == "\\" and self._text[self._at : self._at + 1] in _ESCAPED_IN_QUOTES:
                char = self._text[self._at].replace("\n", "")
                self._at += 1
            self._add(char)
        self._at = start
        raise self._open('"')

    def _open(self, quote: str) -> Fault:
        fix = f"close the quote, or write \\{quote} for the character itself"
        return Fault(f"the quote {quote} is not closed", *place(self._text, self._at - 1), fix=fix)
