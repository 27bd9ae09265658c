"""Which files a builder leaves out: the rules of `.dockerignore`. Reads no files.

Source: https://docs.docker.com/build/concepts/context/#dockerignore-files (Docker's rules, where a
trailing or leading slash changes nothing, unlike ACR's own packer).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Left out of a local folder before its own rules, as ACR's client does it: histories, which may
# hold a token, and the state with its key. Two spellings: docker-py's matcher needs the plain one
# at the root. `!.git` brings a folder back.
_OURS = (".git", ".hg", ".svn", ".bzr", ".reconciler")
FIRST_RULES = "".join(f"{name}\n**/{name}\n" for name in _OURS)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: a pattern over the whole path, and whether it brings files back."""

    pattern: re.Pattern[str]
    restores: bool


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules in file order; the last one that matches a path or a folder above it decides."""

    rules: tuple[Rule, ...] = ()

    @property
    def restores_any(self) -> bool:
        """True if a folder that is left out may hold files that are not."""
        return any(rule.restores for rule in self.rules)

    def ignored(self, path: str) -> bool:
        """True for a path (relative, with `/`) that is left out."""
        verdict = False
        parts = path.split("/")
        above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        # A rule that could not change the verdict is not tried.
        for rule in self.rules:
            if rule.restores == verdict and any(map(rule.pattern.fullmatch, above)):
                verdict = not rule.restores
        return verdict


def parse_ignore(text: str) -> IgnoreRules:
    """The rules of a file; `#` begins a comment line, `!` brings back."""
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    rules = [_rule(line) for line in lines if line and not line.startswith("#")]
    return IgnoreRules(tuple(rule for rule in rules if rule is not None))


def _rule(line: str) -> Rule | None:
    restores = line.startswith("!")
    path = "/".join(_clean(line[restores:].strip()))
    try:
        return Rule(re.compile(_regex(path), re.DOTALL), restores) if path else None
    except re.error:
        return None  # the builder refuses such a pattern in its own words


def _clean(path: str) -> list[str]:
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in {"", ".", ".."}:
            parts.append(part)
    return parts


_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[\^?[^]]*\]|\\.|.", re.DOTALL)


def _regex(path: str) -> str:
    return "".join(_piece(token) for token in _TOKEN.findall(path))


def _piece(token: str) -> str:
    fixed = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in fixed:
        return fixed[token]
    if len(token) > 2 and token.startswith("["):
        return "[" + token[1:-1].replace("\\", "\\\\").replace("[", "\\[") + "]"
    return re.escape(token[-1]) if len(token) == 2 else re.escape(token)
