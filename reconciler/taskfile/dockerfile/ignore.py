"""Which files a builder leaves out: the rules of `.dockerignore`. Reads no files.

These are the rules of Docker's own code, its corners too: https://github.com/moby/patternmatcher
(`ignorefile.ReadAll`, `MatchesUsingParentResults`). Whether a folder that is left out is looked
into for what an exception brings back is answered as BuildKit does: always.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field

import re2

from reconciler.taskfile.dockerfile.goglob import is_glob
from reconciler.taskfile.dockerfile.ignorepattern import (
    SIGNS,
    cleaned,
    is_plain,
    matcher,
    words_of,
)

# Left out of a local folder before its own rules, as ACR's client does it: histories, which may
# hold a token, and the state with its key. Two spellings: docker-py's matcher needs the plain one
# at the root. `!.git` brings a folder back.
_OURS = (".git", ".hg", ".svn", ".bzr", ".reconciler")
FIRST_RULES = "".join(f"{name}\n**/{name}\n" for name in _OURS)

# What is asked of each path of a context has an end.
_MOST_RULES = 5_000
_LONGEST_PATTERN = 1_024


class IgnoreWrong(ValueError):
    """A line that no builder can read, or that is too much. `line` counts from 1."""

    def __init__(self, line: int, pattern: str, why: str | None = None) -> None:
        super().__init__(why or f"the pattern {pattern!r} cannot be read")
        self.line, self.pattern, self.why = line, pattern, why


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: what it matches of whole paths, and whether it brings files back."""

    matches: Callable[[str], object]
    restores: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of a path: which of them match it or a folder above it."""

    ignored: bool = False
    matched: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules in file order; the last one that matches a path or a folder above it decides."""

    rules: tuple[Rule, ...] = ()
    _folders: dict[str, Verdict] = field(default_factory=dict, compare=False, repr=False)

    @property
    def restores_any(self) -> bool:
        """True if a folder that is left out may hold files that are not."""
        return any(rule.restores for rule in self.rules)

    def ignored(self, path: str) -> bool:
        """True for a path (relative, with `/`) that is left out."""
        return self.judge(path, self._above(path)).ignored

    def judge(self, path: str, above: Verdict) -> Verdict:
        """The verdict of a path from that of the folder it lies in.

        A rule that could not change the verdict is not tried, nor known to match further down: so
        `*` behind `a` and `!a/x` does not take `a/x` away again.
        """
        verdict, matched = False, []
        for number, rule in enumerate(self.rules):
            found = bool(above.matched) and above.matched[number]
            if not found and rule.restores == verdict:
                found = bool(rule.matches(path))
            matched.append(found)
            if found:
                verdict = not rule.restores
        return Verdict(verdict, tuple(matched))

    def _above(self, path: str) -> Verdict:
        folder = posixpath.dirname(path)
        if not folder:
            return Verdict()
        if folder not in self._folders:
            self._folders[folder] = self.judge(folder, self._above(folder))
        return self._folders[folder]


def parse_ignore(text: str) -> IgnoreRules:
    """The rules of a file; `#` begins a comment line, `!` brings back. Raises IgnoreWrong."""
    lines = enumerate(text.removeprefix("\ufeff").split("\n"), 1)
    rules: list[Rule] = []
    for number, line in lines:
        rule = None if line.startswith("#") else _rule(line, number)
        if rule is not None and len(rules) == _MOST_RULES:
            raise IgnoreWrong(number, line.strip(), f"more than {_MOST_RULES:,} patterns")
        rules += [rule] if rule is not None else []
    return IgnoreRules(tuple(rules))


def joined(first: IgnoreRules, then: IgnoreRules) -> IgnoreRules:
    """The rules of two files as if they were one."""
    return IgnoreRules((*first.rules, *then.rules))


def for_old_clients(text: str) -> str:
    """The same rules in words that clients before 23 read as later ones do.

    They take `+ ( ) | { }` for signs of an expression, and `**x` for a whole name.
    """
    return "\n".join(map(_old_line, text.removeprefix("\ufeff").split("\n")))


def _old_line(line: str) -> str:
    bare = line.strip()
    sign = "!" if bare.startswith("!") else ""
    pattern = cleaned(bare.removeprefix("!").strip())
    if line.startswith("#") or not pattern:
        return line
    words = words_of(pattern)
    if is_plain(words):
        ending = words[0] == "**"
        words = [*(["**/", "*"] if ending else words[:1]), *words[1:]]
        return sign + "".join(f"\\{word}" if word in SIGNS | {"^"} else word for word in words)
    return sign + "".join(f"\\{word}" if word in SIGNS else word for word in words)


def _rule(line: str, number: int) -> Rule | None:
    pattern = line.strip()
    if not pattern:
        return None
    if len(pattern) > _LONGEST_PATTERN:
        why = f"a pattern of more than {_LONGEST_PATTERN:,} characters"
        raise IgnoreWrong(number, pattern, why)
    restores = pattern.startswith("!")
    pattern = cleaned(pattern[1:].strip()) if restores else cleaned(pattern)
    if not pattern or pattern == "/":
        # `!/` is as wrong as `!`; `/` matches nothing.
        if restores:
            raise IgnoreWrong(number, line.strip())
        return None
    if not is_glob(pattern):
        raise IgnoreWrong(number, line.strip())
    try:
        return Rule(matcher(pattern), restores)
    except re2.error:
        raise IgnoreWrong(number, line.strip()) from None
