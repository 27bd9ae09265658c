"""Renders Go templates over plain values, with bounded work and output. Reads no environment.

Source: https://pkg.go.dev/text/template. Read strictly, a value that is not there is an error
where it is used, unless `default`, `if` and their kin ask about it; as ACR's engine does it, it is
empty. A secret is never written: something stands for it until the words are split.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.base.text import one_line
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.template.bounds import ITEMS_PER_WORK, Bounds
from reconciler.taskfile.template.evaluate import Evaluator
from reconciler.taskfile.template.functions.kit import Function
from reconciler.taskfile.template.govalues import is_true
from reconciler.taskfile.template.parse import parse_template
from reconciler.taskfile.template.tree import (
    Branch,
    Leave,
    Part,
    Show,
    Template,
    TextPart,
    Use,
    may_have_lines,
)
from reconciler.taskfile.template.vault import Vault
from reconciler.taskfile.trace import Piece, Traced, rebuilt

_DEEPEST = 20  # beside what blocks may be nested in one template
_MOST_FAULTS = 50


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
    lines: bool = True,
    tell: Callable[[Fault], None] = lambda _: None,
    warn: Callable[[Fault], None] = lambda _: None,
) -> Traced:
    """The text with its actions done. A value of `data` that can be called is made when needed.

    `tell` hears of the values that are not there and are written as nothing (never if `strict`),
    `warn` of the branches that a secret decides which nobody has read. Unless `lines`, a value that
    is written has one line, or is indented. Raises Fault with the place in `source`.
    """
    usable = {name: function.refused is None for name, function in functions.items()}
    template, bounds = parse_template(source.text, usable), Bounds(source.text)
    evaluator = Evaluator(bounds, data, functions, vault, strict=strict)
    renderer = _Renderer(template, evaluator, bounds, lines=lines)
    found = rebuilt(source, renderer.pieces(data))
    for fault in evaluator.absent.values():
        tell(fault)
    for fault in renderer.unread.values():
        warn(fault)
    return found


class _Renderer:
    """Walks the tree once; holds the output and what was wrong with what should be written."""

    def __init__(
        self, template: Template, evaluator: Evaluator, bounds: Bounds, *, lines: bool
    ) -> None:
        self._template, self._evaluator, self._bounds = template, evaluator, bounds
        self._lines = lines
        self.unread: dict[int, Fault] = {}  # by place: branches that an unread secret decides
        self._pieces: list[Piece] = []
        self._faults: list[Fault] = []
        self._depth = 0

    def pieces(self, data: Mapping[str, Any]) -> list[Piece]:
        self._walk(self._template.parts, data)
        if self._faults:
            first, *others = self._faults
            first.others = tuple(others)
            raise first
        return self._pieces

    def _walk(self, parts: tuple[Part, ...], dot: Any) -> None:
        self._depth += 1
        try:
            with self._evaluator.scope():
                for part in parts:
                    self._bounds.spend(part.offset)
                    self._part(part, dot)
        finally:
            self._depth -= 1

    def _part(self, part: Part, dot: Any) -> None:
        match part:
            case TextPart():
                self._write(part.text, part.offset, copied=True)
            case Show() if part.pipe.declares:
                self._evaluator.pipe(part.pipe, dot)
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

    def _write(self, text: str, offset: int, *, copied: bool) -> None:
        self._bounds.lengthen(offset, len(text))
        self._pieces.append(Piece(text, offset, copied))

    def _show(self, part: Show, dot: Any) -> None:
        """Write a value. What is wrong with it is kept, so that all such places are told."""
        try:
            text = self._evaluator.printed(self._evaluator.pipe(part.pipe, dot), part.offset)
            self._check_lines(part, text)
        except Fault as fault:
            self._faults.append(fault)
            if self._bounds.spent or len(self._faults) >= _MOST_FAULTS:
                raise self._faults[0] from None
        else:
            self._write(text, part.offset, copied=False)

    def _check_lines(self, part: Show, text: str) -> None:
        """A value with lines of its own could be keys and steps of its own."""
        if self._lines or len(f"{text}.".splitlines()) < 2 or not may_have_lines(part.pipe):
            return
        fix = "in a block text (|): {{ ... | indent 6 }}; else one line: {{ ... | trim }}, toJson"
        raise self._bounds.fault(part.offset, "a value with more than one line stands here", fix)

    def _branch(self, part: Branch, dot: Any) -> None:
        with self._evaluator.scope():
            value, unread = self._evaluator.decides(part.pipe, dot)
            if unread and len(self.unread) < _MOST_FAULTS:
                message = "a secret decides here, and it is not read: a run may take the other way"
                fix = "decide by a value: --set NAME=..."
                self.unread.setdefault(part.offset, self._bounds.fault(part.offset, message, fix))
            if is_true(value):
                self._walk(part.body, value if part.keyword == "with" else dot)
            else:
                self._walk(part.otherwise, dot)

    def _range(self, part: Branch, dot: Any) -> None:
        pairs = self._evaluator.pairs(part.pipe, dot)
        self._bounds.spend(part.offset, len(pairs) // ITEMS_PER_WORK)
        try:
            for key, item in pairs:
                self._bounds.spend(part.offset)
                self._turn(part, key, item)
        except _Left:
            return
        if not pairs:
            self._walk(part.otherwise, dot)

    def _turn(self, part: Branch, key: Any, item: Any) -> None:
        """One turn of a range. Raises _Left if it is the last one."""
        with self._evaluator.scope():
            self._evaluator.bind(part.pipe, key, item)
            try:
                self._walk(part.body, item)
            except _Left as left:
                if left.keyword == "break":
                    raise

    def _use(self, part: Use, dot: Any) -> None:
        body = self._template.defined.get(part.name)
        if body is None:
            name = one_line(part.name, 40)
            raise self._bounds.fault(part.offset, f'there is no template "{name}"')
        if self._depth > _DEEPEST:
            raise self._bounds.fault(part.offset, "templates use each other too deep")
        value = self._evaluator.pipe(part.pipe, dot) if part.pipe else None
        with self._evaluator.own_scope(value):
            self._walk(body, value)
