"""A graph as Mermaid, DOT or JSON. Names of others stand in labels and are never obeyed there."""

from __future__ import annotations

import dataclasses
from typing import Any

from reconciler import __version__
from reconciler.base.text import one_line
from reconciler.operations.showing.graph import Graph, Node
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
    for node in graph.nodes:
        before, after = _MERMAID[node.kind]
        lines.append(f"  {names[node.id]}{before}{_mermaid_label(node)}{after}")
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
    lines += [
        f"  {names[node.id]} [label={_dot_label(node)}, shape={_SHAPES[node.kind]}];"
        for node in graph.nodes
    ]
    lines += [
        f"  {names[edge.source]} -> {names[edge.target]} [style={_STYLES[edge.kind]}];"
        for edge in graph.edges
    ]
    return "\n".join([*lines, "}"])


def _dot_label(node: Node) -> str:
    text = one_line(node.label, _LONGEST).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _names(graph: Graph) -> dict[str, str]:
    """Names of our own for the nodes: no name of others can be a word of a language."""
    return {node.id: f"n{number}" for number, node in enumerate(graph.nodes, 1)}


def graph_json(graph: Graph) -> dict[str, Any]:
    """The output of `graph -o json`."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "nodes": [dataclasses.asdict(node) for node in graph.nodes],
        "edges": [dataclasses.asdict(edge) for edge in graph.edges],
    }
