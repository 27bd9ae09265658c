"""One pass over a shell word: quotes, escapes and `$` substitutions; knows no instruction.

The rules are those of the word lexer in the Dockerfile frontend of BuildKit, quirks included:
https://docs.docker.com/reference/dockerfile/#environment-replacement
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.taskfile.dockerfile import shellpattern
from reconciler.taskfile.dockerfile.shellpattern import Budget, ShellWordError

# What the frontend calls a space; str.isspace() would add the separators U+001C to U+001F.
SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_SPACE = re.compile(f"[{SPACES}]+")
_NAME = re.compile(r"\d+|[@*#?\-$!]|\w+")
_PLAIN = {escape: re.compile(rf"[^$'\"}}/{re.escape(escape)}]+") for escape in ("\\", "`")}
_NESTING_LIMIT = 50


@dataclass(slots=True)
class Words:
    """One text and, beside it, the words that spaces outside quotes cut it into."""

    parts: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    current: list[str] = field(default_factory=list)

    def whole(self, text: str) -> None:
        """Add what no space cuts."""
        self.parts.append(text)
        self.current.append(text)

    def spread(self, text: str) -> None:
        """Add what spaces cut into words."""
        self.parts.append(text)
        first, *others = _SPACE.split(text)
        self.current.append(first)
        for other in others:
            self.done.append("".join(self.current))
            self.current = [other]

    def text(self) -> str:
        """All that was added."""
        return "".join(self.parts)

    def words(self) -> list[str]:
        """The words that are not empty."""
        return [word for word in [*self.done, "".join(self.current)] if word]


@dataclass(slots=True)
class Reader:
    """A cursor over one word; `values` are the variables.

    `keep_quotes` and `keep_escapes` leave them in the text, `keep_unset` leaves what names an
    unset variable as it is written.
    """

    source: str
    values: Mapping[str, str]
    budget: Budget
    escape: str = "\\"
    keep_quotes: bool = False
    keep_escapes: bool = False
    keep_unset: bool = False
    at: int = 0
    depth: int = 0

    def _peek(self) -> str:
        return self.source[self.at : self.at + 1]

    def _take(self) -> str:
        char = self._peek()
        self.at += len(char)
        return char

    def until(self, stop: str) -> Words:
        """Everything up to `stop`, which is consumed; up to the end for an empty `stop`.

        Raises ShellWordError for unbalanced quotes, a bad substitution or a spent budget.
        """
        out = Words()
        while char := self._peek():
            if char == stop:
                self.at += 1
                return out
            self._step(char, out)
        if stop:
            raise ShellWordError(f"missing '{stop}' in a substitution")
        return out

    def _step(self, char: str, out: Words) -> None:
        if char == "$":
            out.spread(self._dollar())
        elif char == "'":
            out.whole(self._single_quoted())
        elif char == '"':
            out.whole(self._double_quoted())
        elif char == self.escape:
            out.whole(self._escaped())
        else:
            run = _PLAIN[self.escape].match(self.source, self.at)
            text = run.group() if run else char
            self.at += len(text)
            out.spread(text)

    def _escaped(self) -> str:
        escape = self._take()
        return (escape if self.keep_escapes else "") + self._take()

    def _single_quoted(self) -> str:
        end = self.source.find("'", self.at + 1)
        if end < 0:
            raise ShellWordError("unbalanced single quote")
        text = self.source[self.at + 1 : end]
        self.at = end + 1
        return f"'{text}'" if self.keep_quotes else text

    def _double_quoted(self) -> str:
        self.at += 1
        parts: list[str] = []
        while (char := self._peek()) != '"':
            if not char:
                raise ShellWordError("unbalanced double quote")
            parts.append(self._dollar() if char == "$" else self._in_double_quotes())
        self.at += 1
        text = "".join(parts)
        return f'"{text}"' if self.keep_quotes else text

    def _in_double_quotes(self) -> str:
        char = self._take()
        if char != self.escape:
            return char
        kept = char if self.keep_escapes else ""
        following = self._peek()
        if following in {'"', "$", self.escape}:
            return kept + self._take()
        return kept + (char if following else "")

    def _dollar(self) -> str:
        self.at += 1
        if self._peek() != "{":
            name = self._name()
            return self._value(name, f"${name}") if name else "$"
        self.at += 1
        if self.depth >= _NESTING_LIMIT:
            raise ShellWordError("substitutions are nested too deeply")
        self.depth += 1
        text = self._braced()
        self.depth -= 1
        return text

    def _name(self) -> str:
        found = _NAME.match(self.source, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found.group()

    def _value(self, name: str, written: str) -> str:
        value = self.values.get(name, written if self.keep_unset else "")
        self.budget.spend(len(value))
        return value

    def _braced(self) -> str:
        if self._peek() in set("{}:"):
            raise ShellWordError("bad substitution")
        name = self._name()
        operator = self._take()
        if operator == "}":
            return self._value(name, f"${{{name}}}")
        if operator == "/":
            return self._replaced(name)
        colon = operator if operator == ":" else ""
        operator = self._take() if colon else operator
        if operator not in set("+-?#%"):
            raise ShellWordError(f"unsupported modifier '{colon}{operator}' or missing '}}'")
        return self._modified(name, colon, operator)

    def _modified(self, name: str, colon: str, operator: str) -> str:
        word = self._operand("}", keep_escapes=operator in "#%")
        value = self.values.get(name)
        if value is None and self.keep_unset:
            return f"${{{name}{colon}{operator}{word}}}"
        self.budget.spend(len(value or ""))
        if operator in "#%":
            return self._trimmed(value or "", operator, word)
        is_empty = value is None or (colon and not value)
        if operator == "?" and is_empty:
            raise ShellWordError(f"{name}: {word or 'is not allowed to be unset or empty'}")
        if operator == "+":
            return "" if is_empty else word
        return word if is_empty else value or ""

    def _trimmed(self, value: str, operator: str, word: str) -> str:
        longest = word.startswith(operator)
        pattern = word[1:] if longest else word
        trim = shellpattern.remove_prefix if operator == "#" else shellpattern.remove_suffix
        return trim(value, pattern, longest=longest, budget=self.budget)

    def _replaced(self, name: str) -> str:
        every = self._peek() == "/"
        self.at += every
        pattern = self._operand("/", keep_escapes=True)
        replacement = self._operand("}", keep_escapes=True)
        value = self.values.get(name)
        if value is None and self.keep_unset:
            return f"${{{name}/{pattern}/{replacement}}}"
        return shellpattern.replace(
            value or "", pattern, replacement, every=every, budget=self.budget
        )

    def _operand(self, stop: str, *, keep_escapes: bool) -> str:
        before, self.keep_escapes = self.keep_escapes, keep_escapes
        text = self.until(stop).text()
        self.keep_escapes = before
        return text
