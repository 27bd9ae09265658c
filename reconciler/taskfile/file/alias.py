"""Aliases of a task file (`$ID`, `$Registry`, own ones): the block and its values. Expands none.

Sources are read through a function that is handed in. Source of the rules:
https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-aliases
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.base.errors import ReconcilerError
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.file.preparation import HELD_HASH
from reconciler.taskfile.findings import Findings
from reconciler.taskfile.template.govalues import ValueFault
from reconciler.taskfile.template.vault import check_reserved
from reconciler.taskfile.trace import Traced
from reconciler.taskfile.tree.fields import Fields
from reconciler.taskfile.tree.nodes import Mapping as MapNode
from reconciler.taskfile.tree.nodes import Node, Scalar
from reconciler.taskfile.tree.parse import parse_yaml

Fetch = Callable[[str], str]

PREDEFINED = {
    name: f"{{{{.Run.{name}}}}}"
    for name in (
        *("ID", "SharedVolume", "Registry", "RegistryName", "Date"),
        *("OS", "Architecture", "Commit", "Branch"),
    )
}
_IMAGES = "mcr.microsoft.com/acr"
IMAGES = {
    "acr": f"{_IMAGES}/acr-cli:0.19",
    "az": f"{_IMAGES}/azure-cli:2ff604c",
    "bash": f"{_IMAGES}/bash:2ff604c",
    "curl": f"{_IMAGES}/curl:2ff604c",
    "cssc": f"{_IMAGES}/cssc:2ff604c",
}
_BUILT_IN = {**PREDEFINED, **IMAGES}
_NAME = re.compile(r"[A-Za-z0-9]+")
_KEY_LINE = re.compile(rf"[\"']?[^\s#{HELD_HASH}\"'\-\[{{][^:]*:(\s|$)")
_MOST_SOURCES = 20


@dataclass(frozen=True, slots=True)
class Aliases:
    """The aliases of one file: every name with its text, and the character that marks a name."""

    values: Mapping[str, str] = field(default_factory=lambda: dict(_BUILT_IN))
    directive: str = "$"


def cut_blocks(source: Traced) -> tuple[list[Traced], Traced]:
    """The alias blocks and the rest. A block reaches from `alias:` to the next key at column 1."""
    blocks: list[list[tuple[str, int]]] = []
    rest: list[tuple[str, int]] = []
    target = rest
    for line in zip(source.text.split("\n"), source.lines, strict=True):
        starts = re.match(r"[\"']?alias[\"']?\s*:(\s|$)", line[0]) is not None
        if target is not rest and _KEY_LINE.match(line[0]):
            target, starts = rest, False
        if starts and target is rest:
            target = []
            blocks.append(target)
        target.append(line)
    return [_traced(block) for block in blocks], _traced(rest)


def _traced(lines: list[tuple[str, int]]) -> Traced:
    text = "\n".join(line for line, _ in lines)
    return Traced(text, tuple(number for _, number in lines) or (1,))


def read_block(block: Traced, fetch: Fetch | None, findings: Findings) -> Aliases:
    """The aliases of a block (rendered already) and of its sources, on top of the predefined."""
    try:
        node = parse_yaml(block.text, lenient=not findings.strict, tell=findings.passed_over)
    except Fault as fault:
        findings.fault(fault)
        return Aliases()
    alias = node.get("alias") if isinstance(node, MapNode) else None
    if alias is not None and not isinstance(alias, MapNode):
        fix = "write alias: {values: {NAME: text}}"
        findings.error(alias, '"alias" is a map of src, values and directive', fix=fix)
        return Aliases()
    return Aliases() if alias is None else read_aliases(alias, fetch, findings)


def merged(found: Sequence[Aliases]) -> Aliases:
    """The aliases of several blocks; later ones win."""
    own = [
        {name: text for name, text in item.values.items() if _BUILT_IN.get(name) != text}
        for item in found
    ]
    values = dict(_BUILT_IN)
    for item in own:
        values |= item
    return Aliases(values, found[-1].directive if found else "$")


def read_aliases(node: MapNode, fetch: Fetch | None, findings: Findings) -> Aliases:
    """The aliases of an alias map: its values win over later, those over earlier sources."""
    fields = Fields(node, findings, ("src", "values", "directive"), "alias", str)
    values = dict(_BUILT_IN)
    sources = fields.scalars("src")
    if len(sources) > _MOST_SOURCES:
        fix = "put them into one file"
        findings.error(sources[-1], f"there are more than {_MOST_SOURCES} alias sources", fix=fix)
    for source in sources[:_MOST_SOURCES]:
        values |= _from_source(source, fetch, findings)
    own = fields.map("values")
    if own is not None:
        values |= _texts(own, own, findings)
    return Aliases(values, _directive(fields, findings))


def _directive(fields: Fields, findings: Findings) -> str:
    text = fields.word("directive") or "$"
    if len(text) == 1 and not text.isalnum() and not text.isspace() and text not in "{}":
        return text
    allowed, fix = "one character that is no letter and no digit", 'write directive: "$"'
    message = "this is no alias directive"
    findings.error(fields.place("directive"), message, found=text, allowed=allowed, fix=fix)
    return "$"


def _from_source(source: Scalar, fetch: Fetch | None, findings: Findings) -> dict[str, str]:
    if fetch is None:
        fix = "write the values under alias: values"
        findings.error(source, "alias sources cannot be read here", found=source.text, fix=fix)
        return {}
    try:
        text = fetch(source.text)
        check_reserved(text)
        node = parse_yaml(text, lenient=not findings.strict)
    except ReconcilerError as error:
        findings.error(source, f"alias source {source.text}: {error.message}", fix=error.hint)
    except ValueFault as error:
        findings.error(source, f"alias source {source.text}: {error}")
    except Fault as fault:
        where = f"{source.text}:{fault.line}:{fault.column}"
        findings.error(source, f"alias source {where}: {fault.message}", fix=fault.fix)
    else:
        if isinstance(node, MapNode):
            return _texts(node, source, findings)
        message = f"alias source {source.text} is no map of names and texts"
        findings.error(source, message, fix="write NAME: text lines into it")
    return {}


def _texts(node: MapNode, at: MapNode | Scalar, findings: Findings) -> dict[str, str]:
    own = at is node
    found: dict[str, str] = {}
    for key in node.repeated:
        fix = "remove one of the two"
        findings.doubt(key if own else at, f'the alias "{key.text}" is given twice', fix=fix)
    for name, value in node.entries.items():
        place_of = node.keys[name] if own else at
        if not _NAME.fullmatch(name):
            message, allowed = "this is no name of an alias", "letters and digits"
            fix = f'write "{re.sub(r"[^A-Za-z0-9]", "", name) or "NAME"}"'
            findings.error(place_of, message, found=name, allowed=allowed, fix=fix)
        elif (text := _text(value)) is None:
            message, fix = f'the alias "{name}" is a text', "write it as one text"
            findings.error(value if own else at, message, fix=fix)
        else:
            found[name] = text
    return found


def _text(node: Node) -> str | None:
    if not isinstance(node, Scalar):
        return None
    return "" if node.is_null else node.text
