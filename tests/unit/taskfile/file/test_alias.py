"""Aliases: expansion, precedence, sources, image aliases, and what the engine makes of them."""

from __future__ import annotations

import pytest

from reconciler.base.errors import SecretUnavailable
from tests.unit.taskfile.reading import V11, errors, words


def said(text: str, manner: str = "strict", block: str = "", **inputs: object) -> str:
    return words(f"{V11}{block}steps:\n  - cmd: \"x '{text}'\"\n", manner, **inputs)[1]


EXPANDED = {
    "$ID": "r1",
    "$$ID": "$ID",
    "$ID_x $ID-y $ID$Registry": "r1_x r1-y r1reg.example.io",
    "$Registry/$RegistryName": "reg.example.io/reg",
    "$ $( $? ${ID}": "$ $( $? ${ID}",
    "{{ $ID := 1 }}{{ $ID }}": "1",
}


@pytest.mark.parametrize("text", EXPANDED)
def test_names_are_replaced(text: str) -> None:
    assert said(text) == EXPANDED[text]


def test_the_engine_leaves_unknown_names() -> None:
    assert said("$ID $unknown$ID", "acb") == "r1 $unknown$ID"


def test_an_unknown_name_is_refused_with_two_ways_out() -> None:
    (message,) = errors(V11 + "steps:\n  - cmd: x $Regstry\n")
    assert message == "3: unknown alias $Regstry"


def test_own_values_win_over_predefined_ones() -> None:
    block = "alias:\n  values: {Registry: other.io, bash: my/bash -x, n: 5, v: 1.10}\n"
    assert said("$Registry $n $v", block=block) == "other.io 5 1.10"
    assert words(V11 + block + "steps:\n  - cmd: bash y\n") == ["my/bash", "-x", "y"]


def test_another_directive() -> None:
    assert said("%ID %%ID $ID", block="alias:\n  directive: '%'\n") == "r1 %ID $ID"


@pytest.mark.parametrize("directive", ["a", "7", "{", "' '"])
def test_what_cannot_be_a_directive(directive: str) -> None:
    assert errors(f"{V11}alias:\n  directive: {directive}\nsteps:\n  - cmd: x\n")


SOURCES = {
    "f1": "{a: one, b: one, c: one}",
    "f2": "{b: two, c: two}",
    "list": "[a]",
    "odd": "a: [1",
}


def fetch(source: str) -> str:
    if source not in SOURCES:
        raise SecretUnavailable(f"{source} cannot be read", hint="look again")
    return SOURCES[source]


def test_later_sources_win_and_own_values_win_over_them() -> None:
    block = "alias:\n  src: [f1, f2]\n  values: {c: local}\n"
    assert said("$a $b $c", block=block, fetch=fetch) == "one two local"


@pytest.mark.parametrize("source", ["gone", "list", "odd"])
@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_a_source_that_cannot_be_used_is_told(source: str, manner: str) -> None:
    text = f"{V11}alias:\n  src: [{source}]\nsteps:\n  - cmd: x\n"
    assert errors(text, manner, fetch=fetch)[0].startswith(f"3: alias source {source}")
    assert errors(text, manner)


def test_a_source_is_fetched_once() -> None:
    asked: list[str] = []

    def counting(source: str) -> str:
        asked.append(source)
        return fetch(source)

    said("{{ .Secrets | len }}$a", block="alias: {src: [f1]}\n", fetch=counting)
    assert asked == ["f1"]


def test_a_value_of_several_lines_may_be_steps() -> None:
    block = "alias:\n  values:\n    st: |\n      id: zz\n          cmd: y\n"
    assert words(V11 + block + "steps:\n  - $st\n") == ["y"]


def test_values_are_not_expanded_again() -> None:
    assert said("$a", "acb", "alias:\n  values: {a: $b, b: 1}\n") == "$b"


@pytest.mark.parametrize(
    ("first", "image"),
    [
        ("bash", "mcr.microsoft.com/acr/bash:2ff604c"),
        ("$bash", "mcr.microsoft.com/acr/bash:2ff604c"),
        ("docker.io/bash:3", "docker.io/bash:3"),
        ("acrmixed", "acrmixed"),
        ("  az", "mcr.microsoft.com/acr/azure-cli:2ff604c"),
    ],
)
def test_image_aliases_as_the_first_word(first: str, image: str) -> None:
    assert words(f'{V11}steps:\n  - cmd: "{first} x"\n') == [image, "x"]


def test_image_aliases_are_of_v110_only() -> None:
    assert words("steps:\n  - cmd: bash $ID {{.Run.ID}}\n") == ["bash", "$ID", "r1"]


def test_a_template_in_the_first_word_is_rendered_here_and_not_by_the_engine() -> None:
    assert words(V11 + "steps:\n  - cmd: ID hello\n") == ["r1", "hello"]
    assert words(V11 + "steps:\n  - cmd: ID hello\n", "acb") == ["{{.Run.ID}}", "hello"]


def test_a_first_word_from_a_value_is_an_alias_too() -> None:
    text = V11 + "steps:\n  - cmd: '{{.Values.i}} x'\n"
    assert words(text, values={"i": "bash"})[0] == "mcr.microsoft.com/acr/bash:2ff604c"


def test_two_blocks_are_joined_by_the_engine_and_an_error_here() -> None:
    text = (
        V11
        + "alias: {values: {a: '1'}}\nenv: []\n"
        + "alias: {values: {b: '2'}}\nsteps:\n  - cmd: x $a $b\n"
    )
    assert words(text, "acb") == ["x", "1", "2"]
    assert errors(text) == ["4: a second alias block"]


def test_the_version_line_decides_by_its_text_for_the_engine() -> None:
    text = "steps:\n  - cmd: x $ID\n"
    assert words(text + V11, "acb")[1] == "r1"
    assert words('version : "v1.1.0"\n' + text, "acb")[1] == "r1"
    assert words("version: V1.1.0\n" + text, "acb")[1] == "$ID"
    assert words("version: V1.1.0\n" + text)[1] == "r1"
    assert words("version: |-\n  v1.0.0\n" + text, "acb")[1] == "r1"
    assert words('{"version": "v1.1.0", "steps": [{"cmd": "x $ID"}]}', "acb")[1] == "$ID"


def test_a_template_of_the_block_is_rendered_first() -> None:
    assert said("$a", block="alias:\n  values: {a: 'b{{.Run.ID}}'}\n") == "br1"


def test_aliases_cannot_make_the_text_endless() -> None:
    block = f"alias:\n  values: {{a: {'y' * 4000}}}\n"
    assert "longer than" in errors(f"{V11}{block}steps:\n  - cmd: x {'$a ' * 300}\n")[0]
