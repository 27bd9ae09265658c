"""What masking looks for: the forms of some values, and the machine that finds them.

It is made once for equal values, as long as anybody looks for them: of a large value it takes a
second, and hundreds of megabytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any
from weakref import WeakValueDictionary

from reconciler.base.rows import SHORTEST_PIECE
from reconciler.base.spellings import (
    Shared,
    escaped_reach,
    in_order,
    shared_letters,
    to_bytes,
    variants,
)

# Letters of a form at the end of a line from which on it is held back; with the letter before them
# they are as many as a piece must have that is masked.
_BEGUN = SHORTEST_PIECE - 1


class Sought:
    """The forms of a fixed set of values. No printed form of it shows them.

    `longest` is the longest form in bytes; `reach` is how many bytes can stand before the last one
    of a secret. `breaks`: a form can lie on more than one line. `machine` is None without a form.
    """

    def __init__(self, values: frozenset[str]) -> None:
        self.forms = sorted(
            set().union(*(variants(value, known) for value, known in in_order(values)))
        )
        # Base64 with the letters beside it has at most two for each byte of a value, as hexadecimal
        # has.
        self.longest = max(map(len, self.forms), default=1)
        self.reach = max(self.longest, *map(escaped_reach, values), 1) - 1
        self.breaks = any(b"\n" in form for form in self.forms)
        shared = shared_letters(values)
        self.shared: list[Shared | None] = [shared.get(form) for form in self.forms]
        self.letters = bytes(set(b"".join(map(to_bytes, values))))
        self.machine = _machine(self.forms)

    def __repr__(self) -> str:
        return "Sought(***)"

    @cached_property
    def heads(self) -> tuple[Any, dict[bytes, list[bytes]]]:
        """The forms by their first letters, and what finds these."""
        found: dict[bytes, list[bytes]] = {}
        for form in self.forms:
            found.setdefault(form[:_BEGUN], []).append(form)
        return _machine(list(found)), found


_KNOWN: WeakValueDictionary[frozenset[str], Sought] = WeakValueDictionary()


def sought(values: Iterable[str]) -> Sought:
    """What is looked for to mask some values."""
    key = frozenset(values)
    found = _KNOWN.get(key)
    if found is None:
        found = _KNOWN[key] = Sought(key)
    return found


def _machine(forms: list[bytes]) -> Any:
    if not forms:
        return None
    # Late: only a run with secrets needs the library.
    from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind  # noqa: PLC0415

    # Of few forms it would make a DFA, whose making takes the square of a form that repeats itself.
    kind = Implementation.ContiguousNFA
    return BytesAhoCorasick(forms, matchkind=MatchKind.Standard, implementation=kind)
