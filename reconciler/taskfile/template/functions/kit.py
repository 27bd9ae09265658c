"""What template functions are made of: checks of arguments, limits. Holds no function by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.taskfile.template.govalues import MAX_ITEMS, Missing, ValueFault, plain_kind

MAX_TEXT = 1_000_000


class Secrecy(StrEnum):
    """What a function does with secrets among its arguments.

    READS: gets their bytes, and what it makes of them is secret too. JOINS: gets what stands for
    them in the text, so that the result shows where they are. KEEPS: hands values on untouched.
    """

    READS = "reads"
    JOINS = "joins"
    KEEPS = "keeps"


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how many arguments it takes (`most` None: any), and how it treats some.

    `absent`: it may be asked about a value that is not there. `refused`: why it cannot be used.
    """

    run: Callable[..., Any]
    least: int = 0
    most: int | None = None
    secrecy: Secrecy = Secrecy.READS
    absent: bool = False
    refused: str | None = None


def takes(
    count: int, run: Callable[..., Any], secrecy: Secrecy = Secrecy.READS, *, absent: bool = False
) -> Function:
    """A function of exactly so many arguments."""
    return Function(run, count, count, secrecy, absent)


def text(value: Any) -> str:
    """The argument as a text."""
    if not isinstance(value, str):
        raise ValueFault(f"a text is needed, not a {plain_kind(value)}")
    return value


def size(value: Any) -> int:
    """The argument as a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueFault(f"a whole number is needed, not a {plain_kind(value)}")
    return value


def items(value: Any) -> list[Any]:
    """The argument as a list."""
    if not isinstance(value, list):
        raise ValueFault(f"a list is needed, not a {plain_kind(value)}")
    return value


def table(value: Any) -> dict[str, Any]:
    """The argument as a map."""
    if not isinstance(value, dict):
        raise ValueFault(f"a map is needed, not a {plain_kind(value)}")
    return value


def bounded_text(length: int) -> None:
    """Refuse a result of so many characters before it is made."""
    if length > MAX_TEXT:
        raise ValueFault(f"the result has more than {MAX_TEXT:,} characters")


def bounded_items(count: int) -> None:
    """Refuse a result of so many items before it is made."""
    if count > MAX_ITEMS:
        raise ValueFault(f"the result has more than {MAX_ITEMS:,} items")


def is_empty(value: Any) -> bool:
    """`empty`: absent, nothing, false, 0 and everything without content."""
    return (
        value is None
        or isinstance(value, Missing)
        or (not isinstance(value, Mapping | list | str | bool | int | float))
        or not value
    )
