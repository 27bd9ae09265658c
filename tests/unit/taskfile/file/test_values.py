"""Values files and --set words; JSON of values in one shell word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.taskfile.faults import Fault
from reconciler.taskfile.file.values import read_settings, read_values
from tests.unit.taskfile.reading import V11, errors, words


def test_a_values_file_keeps_what_is_written() -> None:
    text = "a: 1\nb: 1.5\nv: 1.10\nt: true\no: on\nq: '7'\nn: ~\nl: [1, x]\nm: {k: {d: e}}\n"
    assert read_values(text) == {
        "a": 1,
        "b": 1.5,
        "v": "1.10",
        "t": True,
        "o": "on",
        "q": "7",
        "n": None,
        "l": [1, "x"],
        "m": {"k": {"d": "e"}},
    }
    assert read_values("") == {}


@pytest.mark.parametrize("text", ["[a]", "a: 1\na: 2\n", "a: [", "x"])
def test_what_is_no_values_file(text: str) -> None:
    with pytest.raises(Fault):
        read_values(text)


def test_set_words_are_split_at_the_first_equals() -> None:
    assert read_settings(["a=1,b=2", "b=x=y", "c=", "a=3", "d.e=1"]) == {
        "a": "3",
        "b": "x=y",
        "c": "",
        "d.e": "1",
    }


@pytest.mark.parametrize("word", ["novalue", "=k", "", " =k"])
def test_what_is_no_set_word(word: str) -> None:
    with pytest.raises(ValueError, match="NAME=value"):
        read_settings([word])


def test_a_set_value_is_a_text() -> None:
    text = V11 + "steps:\n  - cmd: x {{ if .Values.f }}yes{{ end }}\n"
    assert words(text, values=read_settings(["f=false"])) == ["x", "yes"]
    assert errors(V11 + "steps:\n  - cmd: x {{ eq .Values.n 7 }}\n", values=read_settings(["n=7"]))


def test_values_as_json_are_one_word_with_secrets_escaped() -> None:
    text = V11 + "steps:\n  - cmd: x {{.ValuesJSON}} {{.RunJSON}}\n"
    given: dict[str, Any] = {
        "values": {"a": "b c'd", "l": [1]},
        "secret_values": {"s": 'q"\n'},
    }
    assert "the words of cmd hold a secret" in errors(text, **given)[0]
    found = words(text, "acb", **given)
    assert json.loads(found[1]) == {"a": "b c'd", "l": [1], "s": 'q"\n'}
    assert json.loads(found[2])["ID"] == "r1"
    assert json.loads(found[2])["RegistryName"] == "reg"


def test_a_value_of_another_kind_is_refused() -> None:
    assert "not set" in errors(V11 + "steps:\n  - cmd: x\n", values={"a": {1}})[0]


def test_the_text_no_value_is_cut_out_only_as_the_engine_does() -> None:
    text = V11 + "steps:\n  - cmd: x 'a<no value>b' a{{ .Values.v }}b\n"
    assert words(text.replace("{{ .Values.v }}", ""))[1:] == ["a<no value>b", "ab"]
    assert words(text, "acb", values={"v": "<no value>"})[1:] == ["ab", "ab"]


def test_values_may_be_nested() -> None:
    text = V11 + "steps:\n  - cmd: x {{ .Values.n.b }}\n"
    for manner in ("strict", "acb"):
        assert words(text, manner, values=read_values("n: {b: two}"))[1] == "two"
