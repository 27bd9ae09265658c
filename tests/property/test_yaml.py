"""Our YAML dialect against PyYAML, against JSON, and against noise."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.base.encoding import YamlError, decode
from reconciler.base.places import find_mark
from reconciler.base.yaml import load_documents, load_marks

# Text that YAML can carry as it is: no control characters, no surrogates, no NUL.
TEXT = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12
).filter(lambda text: "\ufeff" not in text)
# Words that every YAML reads alike: no on/off, no dates, no numbers with a leading 0.
PLAIN = st.from_regex(r"[a-z][a-z]{3,8}", fullmatch=True).filter(
    lambda word: word not in {"true", "false", "null", "none"}
)
SCALARS = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
MAPS = st.dictionaries(TEXT, VALUES, min_size=1, max_size=5)


def load(text: str) -> list[Any]:
    return [document.value for document in load_documents(text)]


@given(MAPS)
def test_json_is_read_back_as_it_was(value: dict[str, Any]) -> None:
    assert load(json.dumps(value, ensure_ascii=False)) == [value]
    assert load(json.dumps(value, ensure_ascii=False, indent=1)) == [value]


@given(MAPS, st.booleans())
def test_what_pyyaml_writes_is_read_back(value: dict[str, Any], flow: bool) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True, sort_keys=False)
    assert load(text) == [value]


@given(
    st.recursive(
        PLAIN | st.integers(0, 999) | st.booleans() | st.none(),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3)
            | st.dictionaries(PLAIN, inner, min_size=1, max_size=3)
        ),
        max_leaves=15,
    ).filter(lambda value: value is not None)
)
def test_plain_values_mean_what_they_mean_to_pyyaml(value: Any) -> None:
    text = yaml.safe_dump(value)
    assert load(text) == [yaml.safe_load(text)]


@pytest.mark.parametrize(
    "word",
    ["on", "off", "yes", "no", "012", "0x1F", "1_000", "12:30", "2027-06-30", ".inf", "=", "1e999"],
)
def test_words_that_yaml_1_1_would_change_stay_text(word: str) -> None:
    assert load(f"a: {word}") == [{"a": word}]


@given(st.binary(max_size=300))
@example(b"\xef\xbb\xbf")
@example(b"&a [*a]")
@example(b"\xff\xfea\x00")
@example(b"%YAML 9.9\n---\na")
def test_any_bytes_give_documents_or_a_yaml_error(data: bytes) -> None:
    text = ""
    with contextlib.suppress(YamlError):
        text = decode(data)
    check_text(text)


def check_text(text: str) -> None:
    """Both readers give the same documents, or refuse with a place inside of the text."""
    places: list[tuple[int, int]] = []
    for load_any in (load_documents, load_marks):
        try:
            places.append((0, len(load_any(text))))
        except YamlError as error:
            places.append((error.line, error.column))
    assert places[0] == places[1]
    assert places[0][0] <= max(len(text.splitlines()), 1)


NOISE = st.text(
    st.sampled_from("ab:-?[]{}&*!|>'\"%@`#,\n\t 0.<~é\x85\u2028\ud800\x00\x1b"), max_size=60
)


@given(NOISE)
@example("a: &a 1\nb: *a\n? *a\n: 1")
@example("a: <<\n<<: 1")
def test_any_text_gives_documents_or_a_yaml_error(text: str) -> None:
    check_text(text)


@given(st.dictionaries(PLAIN, VALUES, max_size=4), st.data())
def test_the_place_of_a_planted_key_is_found(value: dict[str, Any], data: st.DataObject) -> None:
    chunks = [yaml.safe_dump({key: inner}, allow_unicode=True) for key, inner in value.items()]
    before = data.draw(st.integers(0, len(chunks)))
    line = "".join(chunks[:before]).count("\n") + 1
    text = "".join([*chunks[:before], "planted_key: {deep: here}\n", *chunks[before:]])
    (mark,) = load_marks(text)
    found, whole = find_mark(mark, ("planted_key", "deep"))
    assert (found.line, found.column, whole) == (line, 15, True)


@given(VALUES, st.lists(PLAIN, min_size=1, max_size=6))
def test_a_path_that_is_not_written_gives_its_deepest_written_part(
    value: Any, path: list[str]
) -> None:
    nested: Any = value
    for part in reversed(path):
        nested = {part: nested}
    text = yaml.safe_dump(nested, default_flow_style=False, width=10**6)
    (mark,) = load_marks(text)
    found, whole = find_mark(mark, (*path, "not written", 3))
    assert not whole
    assert found.line == len(path)
