"""Which files a builder leaves out: the rules of `.dockerignore`. Reads no files.

These are the rules of Docker's own code, its corners too: https://github.com/moby/patternmatcher
(`ignorefile.ReadAll`, `MatchesUsingParentResults`). Whether a folder that is left out is looked
into for what an exception brings back is answered as BuildKit does: always.

Go's expressions are RE2's: its library reads them as Docker does, and takes linear time for a
pattern that somebody wrote to keep a builder busy.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import re2

# Left out of a local folder before its own rules, as ACR's client does it: histories, which may
# hold a token, and the state with its key. Two spellings: docker-py's matcher needs the plain one
# at the root. `!.git` brings a folder back.
_OURS = (".git", ".hg", ".svn", ".bzr", ".reconciler")
FIRST_RULES = "".join(f"{name}\n**/{name}\n" for name in _OURS)

_SIGNS = frozenset("+()|{}")
_ESCAPED = _SIGNS | frozenset(".$")

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
    pattern = _clean(bare.removeprefix("!").strip())
    if line.startswith("#") or not pattern:
        return line
    words = _words(pattern)
    if _is_plain(words):
        ending = words[0] == "**"
        words = [*(["**/", "*"] if ending else words[:1]), *words[1:]]
        return sign + "".join(f"\\{word}" if word in _SIGNS | {"^"} else word for word in words)
    return sign + "".join(f"\\{word}" if word in _SIGNS else word for word in words)


def _is_plain(words: list[str]) -> bool:
    """True if Docker compares it as text: at most one `**`, at its beginning or its end."""
    if any(word in {"*", "?", "[", "]"} or word[:1] == "\\" for word in words):
        return False
    stars = [place for place, word in enumerate(words) if word.startswith("**")]
    return stars in ([], [0], [len(words) - 1])


def _rule(line: str, number: int) -> Rule | None:
    pattern = line.strip()
    if not pattern:
        return None
    if len(pattern) > _LONGEST_PATTERN:
        why = f"a pattern of more than {_LONGEST_PATTERN:,} characters"
        raise IgnoreWrong(number, pattern, why)
    restores = pattern.startswith("!")
    pattern = _clean(pattern[1:].strip()) if restores else _clean(pattern)
    if not pattern or pattern == "/":
        # `!/` is as wrong as `!`; `/` matches nothing.
        if restores:
            raise IgnoreWrong(number, line.strip())
        return None
    if not _is_glob(pattern):
        raise IgnoreWrong(number, line.strip())
    try:
        return Rule(_matcher(pattern), restores)
    except re2.error:
        raise IgnoreWrong(number, line.strip()) from None


def _clean(path: str) -> str:
    """A pattern without `.`, `..`, doubled and leading slashes."""
    if not path:
        return ""
    clean = re.sub("^//", "/", posixpath.normpath(path))
    return clean.removeprefix("/") if len(clean) > 1 else clean


# ------------------------------------------------------------------ patterns
def _matcher(pattern: str) -> Callable[[str], object]:
    """What a pattern matches; the short ways of Docker's code are its meaning, too."""
    words = _words(pattern)
    if _is_plain(words):
        return _comparison(pattern)
    last = len(words) - 1
    regex = "".join(_piece(word, last=place == last) for place, word in enumerate(words))
    matches: Callable[[str], object] = re2.compile(_text(regex), _options()).fullmatch
    return lambda path: matches(_text(path))


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False  # it would write on standard error
    return options


def _text(name: str) -> str:
    """A name whose bytes are no UTF-8, as Go reads it."""
    return name if name.isascii() else _NO_TEXT.sub("\ufffd", name)


def _comparison(pattern: str) -> Callable[[str], object]:
    if pattern.startswith("**"):
        return _ending(pattern[2:])
    if pattern.endswith("**"):
        beginning = pattern[:-2]
        return lambda path: path.startswith(beginning)
    return pattern.__eq__


def _ending(end: str) -> Callable[[str], object]:
    whole = end.removeprefix("/") if end.startswith("/") else None
    return lambda path: path.endswith(end) or path == whole


_NO_TEXT = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"\*\*/?|\\.|.", re.DOTALL)


def _words(pattern: str) -> list[str]:
    return _WORD.findall(pattern)


def _piece(word: str, *, last: bool) -> str:
    if word.startswith("**"):
        return ".*" if last else "(?:.*/)?"
    if word in {"*", "?"}:
        return "[^/]*" if word == "*" else "[^/]"
    return f"\\{word}" if word in _ESCAPED else word


def _is_glob(pattern: str) -> bool:
    """True if Go's `filepath.Match` can read it: every class is closed and holds something."""
    rest = pattern
    while rest:
        if rest[0] == "\\":
            if len(rest) == 1:
                return False
            rest = rest[2:]
        elif rest[0] == "[":
            left = _after_class(rest[1:])
            if left is None:
                return False
            rest = left
        else:
            rest = rest[1:]
    return True


_MEMBER = r"(?:\\.|[^\]\\-])"
_CLASS = re.compile(rf"\^?(?:{_MEMBER}(?:-{_MEMBER})?)+\]", re.DOTALL)


def _after_class(rest: str) -> str | None:
    match = _CLASS.match(rest)
    return rest[match.end() :] if match else None
