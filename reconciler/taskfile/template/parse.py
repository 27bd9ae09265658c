"""Go template text to its tree; evaluates nothing.

Source of the grammar: https://pkg.go.dev/text/template. Unknown functions and undefined variables
are refused here, in branches that are never taken too, as there.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.base.text import did_you_mean, one_line
from reconciler.taskfile.faults import Fault, place
from reconciler.taskfile.template.goliterals import read_string
from reconciler.taskfile.template.pipe import PipeReader
from reconciler.taskfile.template.tokens import Action, Text, Token, cut
from reconciler.taskfile.template.tree import (
    Branch,
    Leave,
    Part,
    Show,
    Template,
    TextPart,
    Use,
)

_BRANCHES = frozenset(("if", "with", "range"))
_DEEPEST = 60
# Names of functions are short: half of their letters are shared by chance.
_ALIKE = 0.7
_OF_HELM = frozenset(
    (
        *("toYaml", "fromYaml", "fromJson", "tpl", "required", "include", "lookup", "mustToJson"),
        *("get", "seq", "fail", "dig", "Files", "Release", "Chart"),
    )
)


def parse_template(text: str, functions: Mapping[str, bool]) -> Template:
    """The tree of a template. `functions` are the known names, and if they can be used.

    Raises Fault.
    """
    return _Parser(text, functions).template()


class _Parser:
    """Goes through the pieces of the text once; knows which variables are in scope."""

    def __init__(self, text: str, functions: Mapping[str, bool]) -> None:
        self._text = text
        self._functions = functions
        self._pieces = list(cut(text))
        self._next = 0
        self._scopes: list[set[str]] = [{"$"}]
        self._loops = 0
        self._result = Template()

    def template(self) -> Template:
        parts, end = self._parts(())
        if end is not None:
            raise self.fault(end.offset, f"{end.tokens[0].text} has nothing to end")
        self._result.parts = parts
        return self._result

    def fault(self, offset: int, message: str, fix: str | None = None) -> Fault:
        return Fault(f"template: {message}", *place(self._text, offset), fix=fix)

    def _parts(self, ends: tuple[str, ...]) -> tuple[tuple[Part, ...], Action | None]:
        """Parts up to an action that is `end`, `else` or the end of the text."""
        if len(self._scopes) > _DEEPEST:
            raise self.fault(self._offset(), f"blocks are nested deeper than {_DEEPEST} levels")
        parts: list[Part] = []
        while self._next < len(self._pieces):
            piece = self._pieces[self._next]
            self._next += 1
            if isinstance(piece, Text):
                parts.append(TextPart(piece.text, piece.offset))
                continue
            if not piece.tokens:
                raise self.fault(piece.offset, "the action is empty")
            word = piece.tokens[0]
            if word.kind == "word" and word.text in {"end", "else"}:
                return tuple(parts), piece
            parts += self._action(piece, word)
        if ends:
            raise self.fault(len(self._text), f"{ends[0]} is not ended", "add {{ end }}")
        return tuple(parts), None

    def _offset(self) -> int:
        return self._pieces[min(self._next, len(self._pieces) - 1)].offset

    def _action(self, piece: Action, word: Token) -> list[Part]:
        if word.kind == "word":
            if word.text in _BRANCHES:
                return [self._branch(word.text, piece, piece.tokens[1:])]
            if word.text in {"break", "continue"} and word.text not in self._functions:
                return [self._leave(piece, word.text)]
            if word.text == "template":
                return [self._use(piece)]
            if word.text in {"define", "block"}:
                return self._define(piece, word.text)
        return [Show(PipeReader(self, piece.tokens, piece.offset).whole(), piece.offset)]

    def _leave(self, piece: Action, keyword: str) -> Leave:
        if not self._loops:
            raise self.fault(piece.offset, f"{keyword} stands outside of a range")
        if len(piece.tokens) > 1:
            raise self.fault(piece.offset, f"{keyword} stands alone in its action")
        return Leave(keyword, piece.offset)

    # ------------------------------------------------------------- branches
    def _branch(self, keyword: str, piece: Action, tokens: tuple[Token, ...]) -> Branch:
        self._scopes.append(set())
        pipe = PipeReader(self, tokens, piece.offset).whole(pair=keyword == "range")
        self._loops += keyword == "range"
        body, end = self._parts((keyword,))
        self._loops -= keyword == "range"
        otherwise = self._otherwise(keyword, end)
        self._scopes.pop()
        return Branch(keyword, pipe, body, otherwise, piece.offset)

    def _otherwise(self, keyword: str, end: Action | None) -> tuple[Part, ...]:
        if end is None or end.tokens[0].text == "end":
            self._alone(end)
            return ()
        following = end.tokens[1:]
        if not following:
            parts, last = self._parts((keyword,))
            if last is not None and last.tokens[0].text != "end":
                raise self.fault(last.offset, "a second else", "remove it")
            self._alone(last)
            return parts
        if keyword == "range" or following[0].text != keyword:
            raise self.fault(end.offset, f"else {following[0].text} does not fit {keyword}")
        return (self._branch(keyword, end, following[1:]),)

    def _alone(self, end: Action | None) -> None:
        if end is not None and len(end.tokens) > 1:
            raise self.fault(end.offset, "end stands alone in its action")

    # ------------------------------------------------------ named templates
    def _use(self, piece: Action) -> Use:
        name, rest = self._name(piece)
        pipe = PipeReader(self, rest, piece.offset).whole() if rest else None
        return Use(name, pipe, piece.offset)

    def _define(self, piece: Action, keyword: str) -> list[Part]:
        name, rest = self._name(piece)
        if bool(rest) != (keyword == "block"):
            raise self.fault(
                piece.offset,
                f"{keyword} is written with a name" + " and a value" * (keyword == "block"),
            )
        pipe = PipeReader(self, rest, piece.offset).whole() if rest else None
        outer, self._scopes = self._scopes, [*([set()] * (len(self._scopes) - 1)), {"$"}]
        loops, self._loops = self._loops, 0
        body, end = self._parts((keyword,))
        self._scopes, self._loops = outer, loops
        if end is not None and end.tokens[0].text != "end":
            raise self.fault(end.offset, f"else does not fit {keyword}")
        self._result.defined[name] = body
        return [Use(name, pipe, piece.offset)] if keyword == "block" else []

    def _name(self, piece: Action) -> tuple[str, tuple[Token, ...]]:
        token = piece.tokens[1] if len(piece.tokens) > 1 else None
        if token is None or token.kind not in {"string", "raw"}:
            raise self.fault(piece.offset, "a template is named by a quoted text")
        return read_string(token.text), piece.tokens[2:]

    # ------------------------------------------------------- used by pipelines
    def declare(self, name: str) -> None:
        self._scopes[-1].add(name)

    def check_variable(self, token: Token) -> None:
        if not any(token.text in scope for scope in self._scopes):
            known = {name for scope in self._scopes for name in scope}
            near = did_you_mean(token.text, known)
            fix = (
                f"did you mean {near}?"
                if near and near != "$"
                else f"{token.text} := ... declares it"
            )
            raise self.fault(
                token.offset, f"the variable {one_line(token.text, 40)} is not declared", fix
            )

    def check_function(self, token: Token) -> None:
        if token.text not in self._functions:
            shown = one_line(token.text, 40)
            message, fix = f'there is no function "{shown}"', self._instead(token.text)
            raise self.fault(token.offset, message, fix)

    def _instead(self, name: str) -> str:
        """What to write instead of a function that there is not."""
        usable = (known for known, is_usable in self._functions.items() if is_usable)
        if name in _OF_HELM:
            return "Helm has it, task files do not: they have Go's and Sprig's functions"
        near = did_you_mean(name, usable, likeness=_ALIKE)
        return f'did you mean "{near}"?' if near else "a text stands in quotes"
