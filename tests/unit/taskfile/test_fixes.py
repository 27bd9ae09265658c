"""What is told once and can be followed: the fix of a refusal is one that helps."""

from __future__ import annotations

import pytest

from reconciler.base.encoding import YamlError, decode
from tests.unit.taskfile.reading import V11, errors, read


def fixes(text: str) -> list[str]:
    return [str(item.fix) for item in read(text).diagnostics]


def test_a_secret_that_is_not_declared_is_listed_or_given_as_a_value() -> None:
    (fix,) = fixes(V11 + "steps: [{cmd: x, env: ['A={{.Secrets.q}}']}]\n")
    assert "secrets: [{id: q," in fix
    assert ".Values.q" in fix


def test_instead_of_a_pattern_there_are_functions() -> None:
    (fix,) = fixes(V11 + "steps: [{cmd: 'x {{ regexMatch `a` .Run.ID }}'}]\n")
    assert "contains" in fix
    assert "--set" not in fix


@pytest.mark.parametrize("words", ["--tga a:1 .", "--tga=a:1 ."])
def test_a_flag_that_nobody_knows_is_one_mistake(words: str) -> None:
    text = f"{V11}steps: [{{build: '{words}'}}]\n"
    assert errors(text) == ["2: docker build has no flag --tga"]
    assert fixes(text) == ['did you mean "--tag"?']


def test_a_nul_is_told_where_it_stands() -> None:
    with pytest.raises(YamlError) as raised:
        decode("a: b\ncä: d\0\n".encode())
    found = raised.value
    assert (found.message, found.line, found.column) == ("there is a NUL character", 2, 6)
    with pytest.raises(YamlError, match="not UTF-8"):
        decode("a: b\n".encode("utf-16-le"))
