"""Reads steps that are written inside a spec: the same rules, without a text of their own.

Aliases and templates are expanded in each text by itself, after the structure is known, so that no
value can change the structure. Otherwise as `read`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.base.diagnostics import Location
from reconciler.base.source import Path
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.file.alias import Aliases, Fetch, read_aliases
from reconciler.taskfile.file.expansion import expand
from reconciler.taskfile.file.passes import Knowledge, concluded, read_with_secrets, remembering
from reconciler.taskfile.file.rendering import Rendering, check_text, rendering
from reconciler.taskfile.findings import Findings
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.steps.assemble import Expansion, assemble
from reconciler.taskfile.tasks import TaskFile
from reconciler.taskfile.template.vault import Vault
from reconciler.taskfile.trace import untouched
from reconciler.taskfile.tree.nodes import Mapping as MapNode
from reconciler.taskfile.tree.nodes import Node, Scalar, Sequence

_VALUES = ("values", "set", "setSecret")


def read_inline(
    document: Mapping[str, Any],
    *,
    locate: Callable[[Path], Location],
    manner: Manner,
    inputs: Inputs,
) -> TaskFile:
    """The task file of a spec's `inline` step, as its model gives it in the words of the file.

    `document` is `step.model_dump(mode="json", by_alias=True, exclude_none=True)`; its `values`
    and `set` join those of `inputs` (which win), its `setSecret` is the caller's to read. `locate`
    gives the place of a path inside the document. Raises nothing.
    """
    values = {**document.get("values", {}), **document.get("set", {}), **inputs.values}
    inputs = replace(inputs, values=values)
    steps = {key: value for key, value in document.items() if key not in _VALUES}
    paths: list[Path] = [()]
    node = _node(steps, (), paths)
    fetch = remembering(inputs.fetch)

    def attempt(knowledge: Knowledge) -> TaskFile:
        def read(findings: Findings, vault: Vault) -> TaskFile:
            context = rendering(inputs, knowledge, vault, findings)
            return _read(node, findings, context, fetch, inputs)

        return concluded(read, manner, knowledge, lambda line, _: locate(paths[line - 1]))

    return read_with_secrets(attempt, uses_secrets=_says_secrets(steps), inputs=inputs)


def _says_secrets(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_says_secrets, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_says_secrets, value))
    return isinstance(value, str) and ".Secrets" in value


def _node(value: Any, path: Path, paths: list[Path]) -> Node:
    """The value as nodes; a node's line is the number of its path."""
    paths.append(path)
    line = len(paths)
    if isinstance(value, Mapping):
        mapping = MapNode({}, line, 1)
        for name, item in value.items():
            if _is_default(item):
                continue
            mapping.entries[name] = _node(item, (*path, name), paths)
            mapping.keys[name] = Scalar(name, False, mapping.entries[name].line, 1)
        return mapping
    if isinstance(value, list | tuple):
        items = [_node(item, (*path, i), paths) for i, item in enumerate(value)]
        return Sequence(items, line, 1)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Scalar("" if value is None else text, not isinstance(value, str), line, 1)


def _is_default(value: Any) -> bool:
    """True for what the model has where nobody wrote anything: nothing must be said of that."""
    return value is False or (isinstance(value, list | tuple | Mapping) and not value)


def _read(
    node: Node, findings: Findings, context: Rendering, fetch: Fetch | None, inputs: Inputs
) -> TaskFile:
    aliases: Aliases | None = None
    if isinstance(node, MapNode) and _version(node) == "v1.1.0":
        block = node.get("alias")
        rest = {name: item for name, item in node.entries.items() if name != "alias"}
        node = replace(node, entries=rest, keys={name: node.keys[name] for name in rest})
        aliases = Aliases()
        if isinstance(block, MapNode):
            rendered = _expanded(block, None, findings, context)
            aliases = read_aliases(rendered, fetch, findings)  # type: ignore[arg-type] # a map stays one
    node = _expanded(node, aliases, findings, context)
    alias_of = context.image_alias(aliases)
    reveal = context.vault.reveal
    expansion = Expansion(reveal, alias_of, context.resolved, aliases is not None)
    return assemble(node, findings, expansion, inputs)


def _version(node: MapNode) -> str:
    version = node.get("version")
    return version.text.lower() if isinstance(version, Scalar) else ""


def _expanded(node: Node, aliases: Aliases | None, findings: Findings, context: Rendering) -> Node:
    """The node with aliases and templates of its texts done; problems are noted at the text."""
    if isinstance(node, MapNode):
        entries = {
            name: _expanded(item, aliases, findings, context) for name, item in node.entries.items()
        }
        return replace(node, entries=entries)
    if isinstance(node, Sequence):
        items = [_expanded(item, aliases, findings, context) for item in node]
        return replace(node, items=items)
    return node if node.plain else _expanded_text(node, aliases, findings, context)


def _expanded_text(
    node: Scalar, aliases: Aliases | None, findings: Findings, context: Rendering
) -> Scalar:
    outer = findings.locate
    findings.look_at(lambda _line, _column: outer(node.line, 1))
    try:
        check_text(node.text)
        source = untouched(node.text)
        if aliases is not None:
            source = expand(source, aliases, findings)
        return replace(node, text=context.word(source.text))
    except Fault as fault:
        findings.fault(fault)
        return node
    finally:
        findings.look_at(outer)
