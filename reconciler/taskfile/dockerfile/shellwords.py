"""Shell words as Dockerfiles write them: quotes, escapes, `$` expansion; knows no instruction.

The rules are those of the Dockerfile frontend of BuildKit (the word lexer behind FROM, ARG and
heredoc detection), quirks included: https://docs.docker.com/reference/dockerfile/#environment-replacement
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.taskfile.dockerfile import shellpattern
from reconciler.taskfile.dockerfile.shellpattern import Budget, ShellWordError

__all__ = ["SPACES", "Budget", "ShellWordError", "assignments", "expand", "shell_words"]

# What the frontend calls a space; str.isspace() would add the separators U+001C to U+001F.
SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_SPACE = re.compile(f"[{SPACES}]+")
_NAME = re.compile(r"\d+|[@*#?\-$!]|\w+")
_PLAIN = {escape: re.compile(rf"[^$'\"}}/{re.escape(escape)}]+") for escape in ("\\", "`")}
_NESTING_LIMIT = 50


def expand(word: str, values: Mapping[str, str], *, escape: str, budget: Budget) -> str:
    """`word` with quotes removed and variables replaced; an unset variable is empty.

    Raises ShellWordError for unbalanced quotes, a bad substitution or a spent budget.
    """
    return _Reader(word, values, budget, escape=escape).until("").text()


def shell_words(line: str, *, raw: bool) -> list[str]:
    """The words of a shell line, variables left as written; `raw` keeps quotes and escapes too.

    Raises ShellWordError for unbalanced quotes or a bad substitution. The escape character is
    always the backslash: this is the shell's line, not the Dockerfile's.
    """
    budget = Budget(left=16 * len(line) + 1024)
    reader = _Reader(line, {}, budget, keep_quotes=raw, keep_escapes=raw, keep_unset=True)
    return reader.until("").words()


def assignments(text: str, *, escape: str) -> list[str]:
    """The words of an ARG instruction, split at spaces outside quotes; quotes and escapes stay."""
    words: list[str] = []
    word: list[str] = []
    at, quote = 0, ""
    while at < len(text):
        char = text[at]
        if char in SPACES and not quote:
            words.append("".join(word))
            word = []
        elif char == escape and quote != "'":
            word.append(text[at : at + 2] if at + 1 < len(text) else "")
            at += 1
        else:
            quote = _quote_after(char, quote)
            word.append(char)
        at += 1
    return [found for found in [*words, "".join(word)] if found]


def _quote_after(char: str, quote: str) -> str:
    if quote:
        return "" if char == quote else quote
    return char if char in "'\"" else ""


@dataclass(slots=True)
class _Words:
    """Collects one text and, beside it, the words that spaces outside quotes cut it into."""

    parts: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    current: list[str] = field(default_factory=list)

    def whole(self, text: str) -> None:
        self.parts.append(text)
        self.current.append(text)

    def spread(self, text: str) -> None:
        self.parts.append(text)
        first, *others = _SPACE.split(text)
        self.current.append(first)
        for other in others:
            self.done.append("".join(self.current))
            self.current = [other]

    def text(self) -> str:
        return "".join(self.parts)

    def words(self) -> list[str]:
        return [word for word in [*self.done, "".join(self.current)] if word]


@dataclass(slots=True)
class _Reader:
    """A cursor over one word."""

    source: str
    values: Mapping[str, str]
    budget: Budget
    escape: str = "\\"
    keep_quotes: bool = False
    keep_escapes: bool = False
    keep_unset: bool = False
    at: int = 0
    depth: int = 0

    def peek(self) -> str:
        return self.source[self.at : self.at + 1]

    def take(self) -> str:
        char = self.peek()
        self.at += len(char)
        return char

    def until(self, stop: str) -> _Words:
        """Everything up to `stop`, which is consumed; up to the end for an empty `stop`."""
        out = _Words()
        while char := self.peek():
            if char == stop:
                self.at += 1
                return out
            self.step(char, out)
        if stop:
            raise ShellWordError(f"missing '{stop}' in a substitution")
        return out

    def step(self, char: str, out: _Words) -> None:
        if char == "$":
            out.spread(self.dollar())
        elif char == "'":
            out.whole(self.single_quoted())
        elif char == '"':
            out.whole(self.double_quoted())
        elif char == self.escape:
            out.whole(self.escaped())
        else:
            run = _PLAIN[self.escape].match(self.source, self.at)
            text = run.group() if run else char
            self.at += len(text)
            out.spread(text)

    def escaped(self) -> str:
        escape = self.take()
        return (escape if self.keep_escapes else "") + self.take()

    def single_quoted(self) -> str:
        end = self.source.find("'", self.at + 1)
        if end < 0:
            raise ShellWordError("unbalanced single quote")
        text = self.source[self.at + 1 : end]
        self.at = end + 1
        return f"'{text}'" if self.keep_quotes else text

    def double_quoted(self) -> str:
        self.at += 1
        parts: list[str] = []
        while (char := self.peek()) != '"':
            if not char:
                raise ShellWordError("unbalanced double quote")
            parts.append(self.dollar() if char == "$" else self.in_double_quotes())
        self.at += 1
        text = "".join(parts)
        return f'"{text}"' if self.keep_quotes else text

    def in_double_quotes(self) -> str:
        char = self.take()
        if char != self.escape:
            return char
        kept = char if self.keep_escapes else ""
        following = self.peek()
        if following in {'"', "$", self.escape}:
            return kept + self.take()
        return kept + (char if following else "")

    def dollar(self) -> str:
        self.at += 1
        if self.peek() != "{":
            name = self.name()
            return self.value(name, f"${name}") if name else "$"
        self.at += 1
        if self.depth >= _NESTING_LIMIT:
            raise ShellWordError("substitutions are nested too deeply")
        self.depth += 1
        text = self.braced()
        self.depth -= 1
        return text

    def name(self) -> str:
        found = _NAME.match(self.source, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found.group()

    def value(self, name: str, written: str) -> str:
        value = self.values.get(name, written if self.keep_unset else "")
        self.budget.spend(len(value))
        return value

    def braced(self) -> str:
        if self.peek() in set("{}:"):
            raise ShellWordError("bad substitution")
        name = self.name()
        operator = self.take()
        if operator == "}":
            return self.value(name, f"${{{name}}}")
        if operator == "/":
            return self.replaced(name)
        colon = operator if operator == ":" else ""
        operator = self.take() if colon else operator
        if operator not in set("+-?#%"):
            raise ShellWordError(f"unsupported modifier '{colon}{operator}' or missing '}}'")
        return self.modified(name, colon, operator)

    def modified(self, name: str, colon: str, operator: str) -> str:
        word = self.operand("}", keep_escapes=operator in "#%")
        value = self.values.get(name)
        if value is None and self.keep_unset:
            return f"${{{name}{colon}{operator}{word}}}"
        self.budget.spend(len(value or ""))
        if operator in "#%":
            return self.trimmed(value or "", operator, word)
        is_empty = value is None or (colon and not value)
        if operator == "?" and is_empty:
            raise ShellWordError(f"{name}: {word or 'is not allowed to be unset or empty'}")
        if operator == "+":
            return "" if is_empty else word
        return word if is_empty else value or ""

    def trimmed(self, value: str, operator: str, word: str) -> str:
        longest = word.startswith(operator)
        pattern = word[1:] if longest else word
        trim = shellpattern.remove_prefix if operator == "#" else shellpattern.remove_suffix
        return trim(value, pattern, longest=longest, budget=self.budget)

    def replaced(self, name: str) -> str:
        every = self.peek() == "/"
        self.at += every
        pattern = self.operand("/", keep_escapes=True)
        replacement = self.operand("}", keep_escapes=True)
        value = self.values.get(name)
        if value is None and self.keep_unset:
            return f"${{{name}/{pattern}/{replacement}}}"
        return shellpattern.replace(
            value or "", pattern, replacement, every=every, budget=self.budget
        )

    def operand(self, stop: str, *, keep_escapes: bool) -> str:
        before, self.keep_escapes = self.keep_escapes, keep_escapes
        text = self.until(stop).text()
        self.keep_escapes = before
        return text
