"""A graph as Mermaid, DOT or JSON. Names of others stand in labels and are never obeyed there."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler import __version__
from reconciler.base.text import harmless, one_line, plural, wrap
from reconciler.operations.showing.graph import Graph, Node
from reconciler.operations.showing.rebuilds import Rebuilds
from reconciler.report.facts_text import spell_push
from reconciler.report.machine import FORMAT_VERSION

_MERMAID = {"task": ('["', '"]'), "image": ('[("', '")]'), "trigger": ('(["', '"])')}
_ARROWS = {"base": "-->", "wakes": "-.->"}
_SHAPES = {"task": "box", "image": "cylinder", "trigger": "ellipse"}
_STYLES = {"base": "solid", "wakes": "dashed"}
_LONGEST = 120
# What is none of these is written as an entity: quotes, markup, links, directives.
_PLAIN_IN_MERMAID = frozenset(" -/:.,_")


def graph_mermaid(graph: Graph) -> str:
    """A Mermaid flowchart."""
    names = _names(graph)
    lines = ["flowchart LR"]
    for wave, nodes in _by_wave(graph):
        inner = "  " if wave is None else "    "
        lines += [] if wave is None else [f'  subgraph wave{wave}["wave {wave}"]']
        for node in nodes:
            before, after = _MERMAID[node.kind]
            lines.append(f"{inner}{names[node.id]}{before}{_mermaid_label(node)}{after}")
        lines += [] if wave is None else ["  end"]
    lines += [
        f"  {names[edge.source]} {_ARROWS[edge.kind]} {names[edge.target]}" for edge in graph.edges
    ]
    return "\n".join(lines)


def _mermaid_label(node: Node) -> str:
    text = one_line(node.label, _LONGEST)
    return "".join(
        letter if letter.isalnum() or letter in _PLAIN_IN_MERMAID else f"#{ord(letter)};"
        for letter in text
    )


def graph_dot(graph: Graph) -> str:
    """A DOT digraph for Graphviz."""
    names = _names(graph)
    lines = ["digraph reconciler {", "  rankdir=LR;"]
    for wave, nodes in _by_wave(graph):
        inner = "  " if wave is None else "    "
        if wave is not None:
            lines += [f"  subgraph cluster_{wave} {{", f'    label="wave {wave}";']
        lines += [
            f"{inner}{names[node.id]} [label={_dot_label(node)}, shape={_SHAPES[node.kind]}];"
            for node in nodes
        ]
        lines += [] if wave is None else ["  }"]
    lines += [
        f"  {names[edge.source]} -> {names[edge.target]} [style={_STYLES[edge.kind]}];"
        for edge in graph.edges
    ]
    return "\n".join([*lines, "}"])


def _dot_label(node: Node) -> str:
    text = one_line(node.label, _LONGEST).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _by_wave(graph: Graph) -> Iterator[tuple[int | None, list[Node]]]:
    """The nodes in their order, those of one wave together."""
    for wave, nodes in itertools.groupby(graph.nodes, key=lambda node: node.wave):
        yield wave, list(nodes)


def _names(graph: Graph) -> dict[str, str]:
    """Names of our own for the nodes: no name of others can be a word of a language."""
    return {node.id: f"n{number}" for number, node in enumerate(graph.nodes, 1)}


def graph_json(graph: Graph, rebuilds: Rebuilds | None = None) -> dict[str, Any]:
    """The output of `graph -o json`; with `rebuilds` that of `--base`."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "rebuilds": None if rebuilds is None else _rebuilds_json(rebuilds),
        "nodes": [dataclasses.asdict(node) for node in graph.nodes],
        "edges": [dataclasses.asdict(edge) for edge in graph.edges],
        "unread": [{"task": address, "why": why} for address, why in graph.unread],
    }


def unread_lines(graph: Graph, width: int) -> list[str]:
    """Of which tasks it is not drawn what they are built from, and why."""
    shown = graph.unread[:_MOST_NAMED]
    texts = [f"note: what {address} is built from is not drawn: {why}" for address, why in shown]
    if (more := len(graph.unread) - len(shown)) > 0:
        texts.append(f"note: nor is it of {plural(more, 'task')} more; -o json names them")
    return [line for text in texts for line in wrap(harmless(text), width, "  ")]


def _rebuilds_json(found: Rebuilds) -> dict[str, Any]:
    return {
        "image": found.image,
        "waves": [list(wave) for wave in found.waves],
        "at_once": found.at_once,
        "platforms": list(found.platforms),
        "left": [{"task": address, "why": why} for address, why in found.left],
        "unknown": list(found.unknown),
    }


_MOST_NAMED = 5


def rebuilds_lines(found: Rebuilds) -> list[str]:
    """What a push does, in words; then what it does not."""
    told = spell_push([*map(len, found.waves)], found.at_once, found.platforms)
    lines = [f"a push to {one_line(found.image, _LONGEST)} {told}"]
    if found.near is not None:
        lines.append(f"note: none stands on it; did you mean {one_line(found.near, _LONGEST)}?")
    for why, told in _WHY_LEFT.items():
        names = [address for address, one in found.left if one == why]
        if names:
            lines.append(f"note: {told}: {_some(names)}")
    if found.unknown:
        lines.append(f"note: not known yet what all they stand on: {_some(found.unknown)}")
    return lines


_WHY_LEFT = {
    "no trigger": "built on it without a base image trigger that is on",
    "not its kind": "it is no base of their last stage, and their trigger is of type Runtime",
    "hop limit": "not built, it would be more than 10 builds one after the other",
}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(one_line(name, _LONGEST) for name in names[:_MOST_NAMED]) + more
