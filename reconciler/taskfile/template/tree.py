"""The parts of a parsed Go template. Holds data only. `offset` is the place in the text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`."""

    offset: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, a number, true, false or nil."""

    value: Any
    offset: int


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`; `$` is the data at the start."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Function:
    """The name of a function."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Chain:
    """`.A.B` of something."""

    of: Operand
    names: tuple[str, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Pipe:
    """`$x := command | command`; `declares` are the names, `assigns` if `=` is written."""

    commands: tuple[Command, ...]
    offset: int
    declares: tuple[str, ...] = ()
    assigns: bool = False


Operand = Dot | Literal | Variable | Function | Chain | Pipe


@dataclass(frozen=True, slots=True)
class Command:
    """An operand and its arguments."""

    operands: tuple[Operand, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text that is copied."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Show:
    """An action that prints its value, unless it declares a variable."""

    pipe: Pipe
    offset: int


@dataclass(frozen=True, slots=True)
class Branch:
    """`if`, `with` or `range`, with what holds otherwise."""

    keyword: str
    pipe: Pipe
    body: tuple[Part, ...]
    otherwise: tuple[Part, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Leave:
    """`break` or `continue`."""

    keyword: str
    offset: int


@dataclass(frozen=True, slots=True)
class Use:
    """`{{template "name" value}}`."""

    name: str
    pipe: Pipe | None
    offset: int


_IN_LINES = frozenset(("indent", "nindent", "toPrettyJson"))


def may_have_lines(pipe: Pipe) -> bool:
    """True if what a pipeline gives comes from outside of the text and is not set into lines."""
    last = pipe.commands[-1].operands[0]
    if isinstance(last, Function) and last.name in _IN_LINES:
        return False
    return any(_from_outside(operand) for item in pipe.commands for operand in item.operands)


def _from_outside(operand: Operand) -> bool:
    if isinstance(operand, Pipe):
        return any(_from_outside(item) for part in operand.commands for item in part.operands)
    return isinstance(operand, Dot | Variable | Chain)


Part = TextPart | Show | Branch | Leave | Use


@dataclass(slots=True)
class Template:
    """The parts of the text and the templates defined in it."""

    parts: tuple[Part, ...] = ()
    defined: dict[str, tuple[Part, ...]] = field(default_factory=dict)
