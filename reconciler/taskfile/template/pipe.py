"""One pipeline of a Go template: tokens to operands and commands; evaluates nothing."""

from __future__ import annotations

from typing import Protocol

from reconciler.base.text import one_line
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.template.goliterals import read_character, read_number, read_string
from reconciler.taskfile.template.tokens import Token
from reconciler.taskfile.template.tree import (
    Chain,
    Command,
    Dot,
    Function,
    Literal,
    Operand,
    Pipe,
    Variable,
)

_WORDS = {"true": True, "false": False, "nil": None}
_DEEPEST = 30


class Names(Protocol):
    """Which names may be used where the pipeline stands, and how a fault is told."""

    def fault(self, offset: int, message: str, fix: str | None = None) -> Fault:
        """A fault at a place of the text."""

    def declare(self, name: str) -> None:
        """From here on the variable is known."""

    def check_variable(self, token: Token) -> None:
        """Raise Fault for a variable that is not declared."""

    def check_function(self, token: Token) -> None:
        """Raise Fault for a function that does not exist."""


class PipeReader:
    """Reads one pipeline from tokens."""

    def __init__(self, parser: Names, tokens: tuple[Token, ...], offset: int) -> None:
        self._parser, self._tokens, self._start = parser, tokens, offset
        self._at = 0
        self._depth = 0

    def whole(self, *, pair: bool = False) -> Pipe:
        """The pipeline that all tokens make; `pair`: it may declare two variables."""
        declares, assigns = self._declaration(pair=pair)
        pipe = self._pipe()
        if self._at < len(self._tokens):
            raise self._unexpected()
        if declares and not assigns:
            for name in declares:
                self._parser.declare(name)
        return Pipe(pipe.commands, pipe.offset, declares, assigns)

    def _declaration(self, *, pair: bool) -> tuple[tuple[str, ...], bool]:
        kinds = [token.text if token.kind == "mark" else token.kind for token in self._tokens[:4]]
        if kinds[:2] in (["variable", ":="], ["variable", "="]):
            count = 1
        elif pair and kinds in (
            ["variable", ",", "variable", ":="],
            ["variable", ",", "variable", "="],
        ):
            count = 2
        else:
            return (), False
        names = self._tokens[: 2 * count - 1 : 2]
        assigns = self._tokens[2 * count - 1].text == "="
        if assigns:
            for token in names:
                self._parser.check_variable(token)
        self._at = 2 * count
        return tuple(token.text for token in names), assigns

    def _pipe(self) -> Pipe:
        offset = self._offset()
        commands = [self._command()]
        while self._take("|"):
            commands.append(self._command())
        for command in commands[1:]:
            if not isinstance(command.operands[0], Function | Chain | Variable):
                raise self._parser.fault(command.offset, "only a function can follow |")
        return Pipe(tuple(commands), offset)

    def _command(self) -> Command:
        offset = self._offset()
        operands: list[Operand] = []
        while self._at < len(self._tokens) and self._tokens[self._at].text not in {"|", ")"}:
            operands.append(self._chained())
        if not operands:
            raise self._parser.fault(offset, "a value is missing here")
        return Command(tuple(operands), offset)

    def _chained(self) -> Operand:
        operand = self._operand()
        names: list[str] = []
        while (token := self._peek()) and token.kind == "field" and token.joined:
            names.append(token.text[1:])
            self._at += 1
        following = self._peek()
        if following and following.joined and following.text not in {"|", ")"} and self._at:
            raise self._parser.fault(following.offset, "a blank is missing here")
        if not names:
            return operand
        if isinstance(operand, Literal | Function):
            raise self._parser.fault(operand.offset, "this has no fields", "put it in parentheses")
        if isinstance(operand, Chain):
            return Chain(operand.of, (*operand.names, *names), operand.offset)
        return Chain(operand, tuple(names), operand.offset)

    def _operand(self) -> Operand:
        token = self._tokens[self._at]
        self._at += 1
        match token.kind:
            case "field":
                return Chain(Dot(token.offset), (token.text[1:],), token.offset)
            case "variable":
                self._parser.check_variable(token)
                return Variable(token.text, token.offset)
            case "word":
                return self._word(token)
            case "number" | "string" | "raw" | "char":
                return Literal(self._literal(token), token.offset)
        if token.text == ".":
            return Dot(token.offset)
        if token.text == "(":
            return self._parenthesis(token)
        self._at -= 1
        raise self._unexpected()

    def _word(self, token: Token) -> Operand:
        if token.text in _WORDS:
            return Literal(_WORDS[token.text], token.offset)
        self._parser.check_function(token)
        return Function(token.text, token.offset)

    def _literal(self, token: Token) -> object:
        readers = {"number": read_number, "char": read_character}
        try:
            return readers.get(token.kind, read_string)(token.text)
        except ValueError as error:
            raise self._parser.fault(token.offset, str(error)) from None

    def _parenthesis(self, token: Token) -> Pipe:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._parser.fault(token.offset, "parentheses are nested too deep")
        pipe = self._pipe()
        if not self._take(")"):
            raise self._parser.fault(token.offset, "the parenthesis is not closed")
        self._depth -= 1
        return pipe

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, text: str) -> bool:
        token = self._peek()
        found = token is not None and token.kind == "mark" and token.text == text
        self._at += found
        return found

    def _offset(self) -> int:
        token = self._peek()
        return token.offset if token else self._start

    def _unexpected(self) -> Fault:
        token = self._tokens[self._at]
        return self._parser.fault(token.offset, f"{one_line(token.text, 40)} cannot stand here")
