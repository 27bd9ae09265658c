"""Renders Go templates over plain values, with bounded work and output. Reads no environment.

Source: https://pkg.go.dev/text/template. Read strictly, a value that is not there is an error
where it is used, unless `default`, `if` and their kin ask about it; as ACR's engine does it, it is
empty. A secret is never written: something stands for it until the words are split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.base.text import did_you_mean, one_line
from reconciler.taskfile.faults import Fault, place
from reconciler.taskfile.template.functions.catalogue import call, shown
from reconciler.taskfile.template.functions.kit import MAX_TEXT, Function
from reconciler.taskfile.template.govalues import (
    Missing,
    SecretText,
    ValueFault,
    Vault,
    is_true,
    measure,
    plain_kind,
    spell,
)
from reconciler.taskfile.template.parse import parse_template
from reconciler.taskfile.template.tree import (
    Branch,
    Chain,
    Command,
    Dot,
    Leave,
    Literal,
    Operand,
    Part,
    Pipe,
    Show,
    Template,
    TextPart,
    Use,
    Variable,
)
from reconciler.taskfile.template.tree import Function as FunctionName
from reconciler.taskfile.trace import Piece, Traced, rebuilt

MAX_WORK = 200_000
_DEEPEST = 20  # beside what blocks may be nested in one template
_CHARACTERS_PER_WORK = 256  # a function pays for the texts it is given
_ITEMS_PER_WORK = 64
_MOST_FAULTS = 50
_NOTHING = object()


class Closed(dict[str, Any]):
    """A map whose names are all known: another one is a mistake, even where it is asked about."""


class _Left(Exception):
    """`break` or `continue` on its way to its range."""

    def __init__(self, keyword: str) -> None:
        self.keyword = keyword


def render(
    source: Traced,
    data: Mapping[str, Any],
    functions: Mapping[str, Function],
    vault: Vault,
    *,
    strict: bool,
) -> Traced:
    """The text with its actions done. A value of `data` that can be called is made when needed.

    Raises Fault with the place in `source`.
    """
    renderer = _Renderer(
        text=source.text,
        template=parse_template(source.text, functions),
        data=data,
        functions=functions,
        vault=vault,
        strict=strict,
    )
    return rebuilt(source, renderer.pieces())


class _Renderer:
    """Walks the tree once; holds the variables, the output and what is left of the bounds."""

    def __init__(
        self,
        *,
        text: str,
        template: Template,
        data: Mapping[str, Any],
        functions: Mapping[str, Function],
        vault: Vault,
        strict: bool,
    ) -> None:
        self._text, self._template, self._data = text, template, data
        self._functions, self._vault, self._strict = functions, vault, strict
        self._variables: list[tuple[str, Any]] = [("$", data)]
        self._pieces: list[Piece] = []
        self._faults: list[Fault] = []
        self._work, self._length, self._depth = MAX_WORK, 0, 0

    def pieces(self) -> list[Piece]:
        self._walk(self._template.parts, self._data)
        if self._faults:
            first, *others = self._faults
            first.others = tuple(others)
            raise first
        return self._pieces

    # ------------------------------------------------------------- bounds
    def _fault(self, offset: int, message: str, fix: str | None = None) -> Fault:
        return Fault(f"template: {message}", *place(self._text, offset), fix=fix)

    def _spend(self, offset: int, work: int = 1) -> None:
        self._work -= work
        if self._work < 0:
            raise self._fault(offset, "this takes too much work", "repeat less")

    def _write(self, text: str, offset: int, *, copied: bool) -> None:
        self._length += len(text)
        if self._length > MAX_TEXT:
            raise self._fault(offset, f"the text gets longer than {MAX_TEXT:,} characters")
        self._pieces.append(Piece(text, offset, copied))

    # -------------------------------------------------------------- parts
    def _walk(self, parts: tuple[Part, ...], dot: Any) -> None:
        height = len(self._variables)
        self._depth += 1
        try:
            for part in parts:
                self._spend(part.offset)
                self._part(part, dot)
        finally:
            self._depth -= 1
            del self._variables[height:]

    def _part(self, part: Part, dot: Any) -> None:
        match part:
            case TextPart():
                self._write(part.text, part.offset, copied=True)
            case Show() if part.pipe.declares:
                self._pipe(part.pipe, dot)
            case Show():
                self._show(part, dot)
            case Branch(keyword="range"):
                self._range(part, dot)
            case Branch():
                self._branch(part, dot)
            case Leave():
                raise _Left(part.keyword)
            case Use():
                self._use(part, dot)

    def _show(self, part: Show, dot: Any) -> None:
        """Write a value. What is wrong with it is kept, so that all such places are told."""
        try:
            value = self._pipe(part.pipe, dot)
            if isinstance(value, Missing) and self._strict:
                raise self._missing(value, part.offset)
            text = self._spelled(value, part.offset)
        except Fault as fault:
            self._faults.append(fault)
            if self._work < 0 or len(self._faults) >= _MOST_FAULTS:
                raise self._faults[0] from None
        else:
            self._write(text, part.offset, copied=False)

    def _spelled(self, value: Any, offset: int) -> str:
        try:
            self._spend(offset, _weight(value))
            return spell(shown(value, self._vault), nil="")
        except ValueFault as fault:
            raise self._fault(offset, str(fault)) from None

    def _missing(self, value: Missing, offset: int) -> Fault:
        fix = f"did you mean {value.near}?" if value.near else None
        name = value.path.rpartition(".")[2]
        fallback = f'give it (--set {name}=...), or write {{{{ {value.path} | default "..." }}}}'
        return self._fault(offset, f"{value.path} is not given", fix or fallback)

    def _branch(self, part: Branch, dot: Any) -> None:
        height = len(self._variables)
        value = self._pipe(part.pipe, dot)
        if is_true(value):
            self._walk(part.body, value if part.keyword == "with" else dot)
        else:
            self._walk(part.otherwise, dot)
        del self._variables[height:]

    def _range(self, part: Branch, dot: Any) -> None:
        height = len(self._variables)
        value = self._pipe(part.pipe, dot, declare=False)
        pairs = list(self._pairs(value, part))
        self._spend(part.offset, len(pairs) // _ITEMS_PER_WORK)
        for key, item in pairs:
            self._spend(part.offset)
            self._bind(part.pipe, key, item)
            try:
                self._walk(part.body, item)
            except _Left as left:
                if left.keyword == "break":
                    break
            finally:
                del self._variables[height:]
        if not pairs:
            self._walk(part.otherwise, dot)

    def _pairs(self, value: Any, part: Branch) -> Iterator[tuple[Any, Any]]:
        if isinstance(value, Missing):
            if self._strict:
                raise self._missing(value, part.pipe.offset)
        elif isinstance(value, list):
            yield from enumerate(value)
        elif isinstance(value, Mapping):
            yield from ((key, _made(value[key])) for key in sorted(value))
        elif value is not None:
            message = f"range cannot go over a {plain_kind(value)}"
            raise self._fault(part.pipe.offset, message, 'split a text: splitList "," ...')

    def _bind(self, pipe: Pipe, key: Any, item: Any) -> None:
        values = (item,) if len(pipe.declares) == 1 else (key, item)
        for name, value in zip(pipe.declares, values, strict=False):
            if pipe.assigns:
                self._assign(name, value)
            else:
                self._variables.append((name, value))

    def _use(self, part: Use, dot: Any) -> None:
        body = self._template.defined.get(part.name)
        if body is None:
            raise self._fault(part.offset, f'there is no template "{one_line(part.name, 40)}"')
        if self._depth > _DEEPEST:
            raise self._fault(part.offset, "templates use each other too deep")
        value = self._pipe(part.pipe, dot) if part.pipe else None
        outer, self._variables = self._variables, [("$", value)]
        self._walk(body, value)
        self._variables = outer

    # ------------------------------------------------------------- values
    def _pipe(self, pipe: Pipe, dot: Any, *, declare: bool = True) -> Any:
        value: Any = _NOTHING
        for command in pipe.commands:
            value = self._command(command, dot, value)
        if declare and pipe.declares:
            if pipe.assigns:
                self._assign(pipe.declares[0], value)
            else:
                self._variables.append((pipe.declares[0], value))
        return value

    def _assign(self, name: str, value: Any) -> None:
        for at in range(len(self._variables) - 1, -1, -1):
            if self._variables[at][0] == name:
                self._variables[at] = (name, value)
                return

    def _command(self, command: Command, dot: Any, final: Any) -> Any:
        self._spend(command.offset)
        first, *others = command.operands
        if isinstance(first, FunctionName):
            return self._call(first, others, dot, final)
        if others or final is not _NOTHING:
            raise self._fault(first.offset, "only a function takes arguments")
        return self._value(first, dot)

    def _call(self, name: FunctionName, others: list[Operand], dot: Any, final: Any) -> Any:
        if name.name in {"and", "or"}:
            return self._shortcut(name, others, dot, final)
        arguments = [self._value(operand, dot) for operand in others]
        if final is not _NOTHING:
            arguments.append(final)
        function = self._functions[name.name]
        try:
            self._spend(name.offset, 1 + sum(map(_weight, arguments)))
            return call(name.name, function, arguments, self._vault, strict=self._strict)
        except ValueFault as fault:
            near = next((item for item in arguments if isinstance(item, Missing)), None)
            fix = f"did you mean {near.near}?" if near and near.near else None
            raise self._fault(name.offset, str(fault), fix) from None

    def _shortcut(self, name: FunctionName, others: list[Operand], dot: Any, final: Any) -> Any:
        """`and` and `or` look at no more arguments than they need."""
        if not others and final is _NOTHING:
            raise self._fault(name.offset, f"{name.name} takes 1 or more arguments, not 0")
        value: Any = None
        for operand in others:
            value = self._value(operand, dot)
            if is_true(value) == (name.name == "or"):
                return value
        return value if final is _NOTHING else final

    def _value(self, operand: Operand, dot: Any) -> Any:
        match operand:
            case Dot():
                return dot
            case Literal():
                return operand.value
            case Variable():
                self._spend(operand.offset, len(self._variables) // 64)
                return next(v for name, v in reversed(self._variables) if name == operand.name)
            case Pipe():
                return self._pipe(operand, dot)
            case FunctionName():
                return self._call(operand, [], dot, _NOTHING)
        return self._chain(operand, dot)

    def _chain(self, chain: Chain, dot: Any) -> Any:
        value = self._value(chain.of, dot)
        path = chain.of.name if isinstance(chain.of, Variable) else ""
        for name in chain.names:
            value = self._field(value, name, path, chain.offset)
            path = f"{path}.{name}"
        return value

    def _field(self, value: Any, name: str, path: str, offset: int) -> Any:
        if isinstance(value, Missing):
            raise (
                self._missing(value, offset) if self._strict else self._no_field(path, name, offset)
            )
        if not isinstance(value, Mapping):
            if value is None:
                raise self._no_field(path, name, offset)
            message = f"{path or 'this'} is a {plain_kind(value)} and has no field {name}"
            raise self._fault(offset, message)
        if name in value:
            return _made(value[name])
        near = did_you_mean(name, value)
        missing = Missing(f"{path}.{name}", f"{path}.{near}" if near else None)
        if self._strict and isinstance(value, Closed):
            allowed = ", ".join(f"{path}.{known}" for known in list(value)[:20]) or "nothing"
            fix = f"did you mean {missing.near}?" if near else f"known are {allowed}"
            raise self._fault(offset, f"{missing.path} is not known", fix)
        return missing

    def _no_field(self, path: str, name: str, offset: int) -> Fault:
        return self._fault(offset, f"{path} is not given and has no field {name}")


def _made(value: Any) -> Any:
    return value() if callable(value) else value


def _weight(value: Any) -> int:
    """The work of looking at all of a value. Raises ValueFault if it is too big."""
    if isinstance(value, SecretText):
        value = value.value
    if isinstance(value, str):
        return len(value) // _CHARACTERS_PER_WORK
    return measure(value) // _ITEMS_PER_WORK
