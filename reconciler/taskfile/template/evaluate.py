"""Pipelines of a Go template to their values: variables, chains of names, calls. Writes nothing.

Source: https://pkg.go.dev/text/template (arguments, pipelines, variables).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reconciler.taskfile.faults import Fault
from reconciler.taskfile.template.bounds import Bounds, weight
from reconciler.taskfile.template.functions.call import call
from reconciler.taskfile.template.functions.kit import Function
from reconciler.taskfile.template.govalues import Missing, ValueFault, is_true, spell
from reconciler.taskfile.template.lookup import Lookup
from reconciler.taskfile.template.tree import Command, Dot, Literal, Operand, Pipe, Variable
from reconciler.taskfile.template.tree import Function as FunctionName
from reconciler.taskfile.template.vault import Vault, holds_unread, shown

_NOTHING = object()
_MOST_ABSENT = 50  # as many as anybody reads


class Evaluator:
    """The values of one rendering: what its variables hold, and its functions. Raises Fault."""

    def __init__(
        self,
        bounds: Bounds,
        data: Mapping[str, Any],
        functions: Mapping[str, Function],
        vault: Vault,
        *,
        strict: bool,
    ) -> None:
        self._bounds, self._functions, self._vault, self._strict = bounds, functions, vault, strict
        self._lookup = Lookup(bounds, strict=strict)
        self._variables: list[tuple[str, Any]] = [("$", data)]
        self.absent: dict[int, Fault] = {}  # by place: what was written as nothing
        self._asks_unread = False

    # ---------------------------------------------------------- variables
    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is declared inside is gone after it."""
        height = len(self._variables)
        try:
            yield
        finally:
            del self._variables[height:]

    @contextmanager
    def own_scope(self, data: Any) -> Iterator[None]:
        """Nothing from outside is seen inside; `$` is `data`."""
        outer, self._variables = self._variables, [("$", data)]
        try:
            yield
        finally:
            self._variables = outer

    def bind(self, pipe: Pipe, key: Any, item: Any) -> None:
        """Give the variables of a `range` what they hold in one turn of it."""
        values = (item,) if len(pipe.declares) == 1 else (key, item)
        for name, value in zip(pipe.declares, values, strict=False):
            self._set(pipe, name, value)

    def _set(self, pipe: Pipe, name: str, value: Any) -> None:
        if not pipe.assigns:
            self._variables.append((name, value))
            return
        for at in range(len(self._variables) - 1, -1, -1):
            if self._variables[at][0] == name:
                self._variables[at] = (name, value)
                return

    # ------------------------------------------------------------- values
    def pipe(self, pipe: Pipe, dot: Any) -> Any:
        """The value of a pipeline, given to the variable that it declares or assigns."""
        value = self.undeclared(pipe, dot)
        if pipe.declares:
            self._set(pipe, pipe.declares[0], value)
        return value

    def undeclared(self, pipe: Pipe, dot: Any) -> Any:
        """The value of a pipeline, its variables left alone."""
        value: Any = _NOTHING
        for command in pipe.commands:
            value = self._command(command, dot, value)
        return value

    def decides(self, pipe: Pipe, dot: Any) -> tuple[Any, bool]:
        """The value of a pipeline, and whether a secret that nobody has read went into it."""
        self._asks_unread = False
        value = self.pipe(pipe, dot)
        return value, self._asks_unread or holds_unread(value)

    def pairs(self, pipe: Pipe, dot: Any) -> list[tuple[Any, Any]]:
        """What a `range` goes over: keys (or numbers from 0) and items."""
        return list(self._lookup.pairs(self.undeclared(pipe, dot), pipe.offset))

    def printed(self, value: Any, offset: int) -> str:
        """The value as it is written; for a secret, what stands for it."""
        if isinstance(value, Missing):
            self._tell_absent(value, offset)
        try:
            self._bounds.spend(offset, weight(value))
            return spell(shown(value, self._vault), nil="")
        except ValueFault as fault:
            raise self._bounds.fault(offset, str(fault)) from None

    def _tell_absent(self, value: Missing, offset: int) -> None:
        if self._strict:
            raise self._lookup.missing(value, offset)
        if offset not in self.absent and len(self.absent) < _MOST_ABSENT:
            self.absent[offset] = self._lookup.missing(value, offset)

    def _command(self, command: Command, dot: Any, final: Any) -> Any:
        self._bounds.spend(command.offset)
        first, *others = command.operands
        if isinstance(first, FunctionName):
            return self._call(first, others, dot, final)
        if others or final is not _NOTHING:
            raise self._bounds.fault(first.offset, "only a function takes arguments")
        return self._value(first, dot)

    def _call(self, name: FunctionName, others: list[Operand], dot: Any, final: Any) -> Any:
        if name.name in {"and", "or"}:
            return self._shortcut(name, others, dot, final)
        arguments = [self._value(operand, dot) for operand in others]
        if final is not _NOTHING:
            arguments.append(final)
        function = self._functions[name.name]
        self._asks_unread |= any(map(holds_unread, arguments))
        try:
            self._bounds.spend(name.offset, 1 + sum(map(weight, arguments)))
            return call(name.name, function, arguments, self._vault, strict=self._strict)
        except ValueFault as fault:
            fix = _fix_of_call(name.name, function, arguments)
            raise self._bounds.fault(name.offset, str(fault), fix) from None

    def _shortcut(self, name: FunctionName, others: list[Operand], dot: Any, final: Any) -> Any:
        """`and` and `or` look at no more arguments than they need."""
        if not others and final is _NOTHING:
            message = f"{name.name} takes 1 or more arguments, not 0"
            raise self._bounds.fault(name.offset, message)
        value: Any = None
        for operand in others:
            value = self._value(operand, dot)
            self._asks_unread |= holds_unread(value)
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
                self._bounds.spend(operand.offset, len(self._variables) // 64)
                return next(v for name, v in reversed(self._variables) if name == operand.name)
            case Pipe():
                return self.pipe(operand, dot)
            case FunctionName():
                return self._call(operand, [], dot, _NOTHING)
        path = operand.of.name if isinstance(operand.of, Variable) else ""
        return self._lookup.names(self._value(operand.of, dot), operand.names, path, operand.offset)


def _fix_of_call(name: str, function: Function, arguments: list[Any]) -> str:
    if function.refused and name.startswith("regex"):
        return "compare with eq, contains, hasPrefix or hasSuffix, or change it with replace, trim"
    if function.refused:
        return "give it as a value: --set NAME=..., and write {{ .Values.NAME }}"
    absent = next((item for item in arguments if isinstance(item, Missing)), None)
    if absent is None:
        return f"check what is given to {name}"
    if absent.near:
        return f"did you mean {absent.near}?"
    return f'give it, or write {{{{ {absent.path} | default "..." | {name} }}}}'
