"""Shell patterns (`*`, `?`) for `${V#p}`, `${V%p}`, `${V/p/r}`; knows no variable and no file.

Own matcher, not `re`: the pattern comes from a stranger, and a backtracking engine can be made to
run for ever. All work is paid from a `Budget`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_STAR = "any text"
_ANY = "any character"

# Far above what an honest file needs, and still under a second or two of work.
WORK_LIMIT = 2 * 1024 * 1024


class ShellWordError(ValueError):
    """A word that the Dockerfile frontend would refuse; the message says why, without a line."""


@dataclass(slots=True)
class Budget:
    """Work (characters produced, matching steps) that may still be spent on one file."""

    left: int = WORK_LIMIT

    def spend(self, amount: int) -> None:
        """Take `amount` from the budget; ShellWordError when nothing is left."""
        self.left -= amount
        if self.left < 0:
            raise ShellWordError("variables expand to too much text")


def remove_prefix(value: str, pattern: str, *, longest: bool, budget: Budget) -> str:
    """`${V#pattern}`, or `${V##pattern}` with `longest`."""
    end = _end(_tokens(pattern), value, 0, longest=longest, budget=budget)
    return value if end is None else value[end:]


def remove_suffix(value: str, pattern: str, *, longest: bool, budget: Budget) -> str:
    """`${V%pattern}`, or `${V%%pattern}` with `longest`."""
    end = _end(_tokens(pattern)[::-1], value[::-1], 0, longest=longest, budget=budget)
    return value if end is None else value[: len(value) - end]


def replace(value: str, pattern: str, replacement: str, *, every: bool, budget: Budget) -> str:
    """`${V/pattern/replacement}`: the leftmost longest match, or each one with `every`."""
    tokens, out, at, last = _tokens(pattern), [], 0, -1
    while at <= len(value):
        end = _end(tokens, value, at, longest=True, budget=budget)
        found = end is not None and (end, at) != (last, last)
        if end is not None and found:
            budget.spend(len(replacement))
            out.append(replacement)
            if not every:
                return "".join([*out, value[end:]])
        if end is not None and end > at:
            at = last = end
        else:
            out.append(value[at : at + 1])
            at += 1
    return "".join(out)


def _tokens(pattern: str) -> list[str]:
    """Wildcards as names longer than one character, everything else as itself."""
    wildcards = {"*": _STAR, "?": _ANY}
    tokens, at = [], 0
    while at < len(pattern):
        char, after = pattern[at], pattern[at + 1 : at + 2]
        if char != "\\":
            tokens.append(wildcards.get(char, char))
        elif after in set("*?\\}/"):
            tokens.append(after)
            at += 1
        else:
            raise ShellWordError(f"invalid escape '\\{after}' in a pattern")
        at += 1
    return tokens


def _end(tokens: list[str], text: str, start: int, *, longest: bool, budget: Budget) -> int | None:
    end = None
    for end in _ends(tokens, text, start, budget):
        if not longest:
            return end
    return end


def _ends(tokens: list[str], text: str, start: int, budget: Budget) -> Iterator[int]:
    """Every end, ascending, of a match that begins at `start`: all alternatives walk together."""
    states = _with_empty_stars({0}, tokens)
    for at in range(start, len(text) + 1):
        budget.spend(len(states) + 1)
        if len(tokens) in states:
            yield at
        if at == len(text) or not states:
            return
        states = _with_empty_stars(_step(states, tokens, text[at]), tokens)


def _step(states: set[int], tokens: list[str], char: str) -> set[int]:
    after = set()
    for state in states:
        token = tokens[state] if state < len(tokens) else ""
        if token == _STAR:
            after.add(state)
        elif token in {_ANY, char}:
            after.add(state + 1)
    return after


def _with_empty_stars(states: set[int], tokens: list[str]) -> set[int]:
    every = set(states)
    for state in states:
        following = state
        while following < len(tokens) and tokens[following] == _STAR:
            following += 1
            if following in every:
                break
            every.add(following)
    return every
