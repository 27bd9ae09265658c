"""YAML as a tree of what was written; its limits; how ACR's engine reads doubtful documents."""

from __future__ import annotations

import pytest

from reconciler.taskfile.faults import Fault
from reconciler.taskfile.tree.nodes import Mapping, Node, Scalar, Sequence
from reconciler.taskfile.tree.parse import MAX_NODES, parse_yaml


def plain(node: Node | None) -> object:
    if isinstance(node, Mapping):
        return {name: plain(item) for name, item in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node]
    return node.text if isinstance(node, Scalar) else None


def lenient(text: str) -> object:
    return plain(parse_yaml(text, lenient=True))


def refused(text: str) -> tuple[int, int, str]:
    with pytest.raises(Fault) as caught:
        parse_yaml(text)
    return caught.value.line, caught.value.column, caught.value.message


def test_texts_stay_as_they_are_written() -> None:
    text = "a: 1.10\nb: 0x10\nc: on\nd: 22:22\ne: ~\nf: 'q'\n"
    values = {"a": "1.10", "b": "0x10", "c": "on", "d": "22:22", "e": "~", "f": "q"}
    assert plain(parse_yaml(text)) == values


def test_places_count_from_one() -> None:
    node = parse_yaml("a:\n  - b\n")
    assert isinstance(node, Mapping)
    item = node.entries["a"]
    assert isinstance(item, Sequence)
    assert (item.items[0].line, item.items[0].column) == (2, 5)
    assert (node.keys["a"].line, node.keys["a"].column) == (1, 1)


def test_the_last_of_two_equal_keys_wins_and_maps_are_joined() -> None:
    assert lenient("a: 1\na: 2\n") == {"a": "2"}
    assert lenient("a: [1]\na: [2]\n") == {"a": ["2"]}
    assert lenient("m: {a: 1, b: 1}\nm: {b: 2}\n") == {"m": {"a": "1", "b": "2"}}


def test_merge_keys() -> None:
    base = "b: &b {x: 1, y: 1}\nc: &c {x: 2}\n"
    assert plain(parse_yaml(base + "d: {<<: *b, y: 3}")) == {
        "b": {"x": "1", "y": "1"},
        "c": {"x": "2"},
        "d": {"y": "3", "x": "1"},
    }
    both = base + "d: {<<: [*b, *c]}"
    found, theirs = plain(parse_yaml(both)), lenient(both)
    assert isinstance(found, dict)
    assert isinstance(theirs, dict)
    assert (found["d"]["x"], theirs["d"]["x"]) == ("1", "2")


def test_the_engine_reads_no_further_than_the_first_document() -> None:
    assert lenient("a: 1\n---\nb: [\n") == {"a": "1"}
    assert lenient("{a: 1} junk") == {"a": "1"}
    assert lenient(" version: v1.1.0\nsteps: []\n") == {"version": "v1.1.0"}
    assert refused("a: 1\n---\nb: 1\n")[2] == "a task file is one document"


REFUSED = {
    "a: !!binary x": (1, 4, "the tag !!binary is not allowed"),
    "? [a]\n: b": (1, 3, "a key is plain text here, not a list or a map"),
    "a: *b": (1, 4, "the alias *b has no anchor before it"),
    "a: &a [*a]": (1, 8, "the alias *a stands inside its own anchor"),
    "a: \x00": (1, 4, "the control character #x00 is not allowed"),
    "a:\n\t- b": (2, 1, "a tab cannot indent YAML"),
    "a: @b": (1, 4, "'@' cannot start a value"),
    "a: \ud800": (1, 4, "half a character stands here"),
    "<<: 1": (1, 1, "<< merges a map or a list of maps"),
    "[" * 100: (1, 66, "nested deeper than 64 levels"),
}


@pytest.mark.parametrize("text", REFUSED, ids=[ascii(text)[:20] for text in REFUSED])
def test_what_is_refused_and_where(text: str) -> None:
    assert refused(text) == REFUSED[text]


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert refused("\n".join(lines))[2] == f"a task file has at most {MAX_NODES:,} values"


def test_nested_aliases_count_their_depth() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [[[[*a{i - 1}]]]]" for i in range(1, 30)]
    assert refused("\n".join(lines))[2] == "nested deeper than 64 levels"


@pytest.mark.parametrize("is_lenient", [True, False])
def test_only_yaml_1_1_may_be_asked_for(is_lenient: bool) -> None:
    assert plain(parse_yaml("%YAML 1.1\n---\na: b\n", lenient=is_lenient)) == {"a": "b"}
    with pytest.raises(Fault, match=r"YAML 1\.1") as caught:
        parse_yaml("%YAML 1.2\n---\na: b\n", lenient=is_lenient)
    assert (caught.value.line, caught.value.fix) == (1, "remove the line %YAML")
