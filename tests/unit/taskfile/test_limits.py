"""Big and hostile task files are refused or read, and never computed for minutes."""

from __future__ import annotations

import pytest

from reconciler.taskfile.dockerfile.acbscan import scan
from reconciler.taskfile.dockerfile.logicallines import DockerfileError
from tests.unit.taskfile.reading import V11, errors, read, steps

HOSTILE = {
    "open actions": V11 + "{{" * 400_000,
    "closed actions": V11 + "{{}}" * 200_000,
    "unknown aliases": V11 + "$a" * 400_000,
    "unknown keys": V11 + "".join(f"kye{i}: 1\n" for i in range(10_000)),
    "unknown dependencies": V11
    + "steps:\n"
    + "".join(f"  - {{id: s{i}, cmd: x, when: [z{i}]}}\n" for i in range(10_000)),
    "steps without end": V11 + "steps:\n" + "  - cmd: x\n" * 15_000,
    "networks without end": V11 + "networks:\n" + "  - {name: a}\n" * 5_000,
    "variables without end": V11 + "env: [" + "A=1, " * 20_000 + "]\nsteps: [{cmd: x}]\n",
    "variables in one text": V11 + "env: ['" + "A=1," * 100_000 + "']\nsteps: [{cmd: x}]\n",
    "open quotes": V11 + "steps:\n  - cmd: |\n      x " + "\\'" * 200_000 + "'\n",
    "operators": V11 + "steps:\n  - cmd: |\n      x " + ";" * 400_000 + "\n",
    "brackets": V11 + "[" * 400_000,
    "blanks": " " * 900_000 + "version: v1.1.0\nx",
    "line breaks": "\n" * 200_000,
    "comments": "#\n" * 200_000,
    "block headers": V11 + "a: | | |\n" * 50_000,
    "alias blocks": V11 + "alias:\nb:\n" * 50_000,
    "colons": ":" * 900_000,
    "quotes": '"' * 900_001,
    "digits": V11 + "{{ " + "1" * 500_000 + " }}",
    "missing values": V11 + "{{ range until 10000 }}{{ .Values.a }}{{ end }}\nsteps: [{cmd: x}]",
    "tags": V11 + "a: [" + "!x y, " * 30_000 + "]\nsteps: [{cmd: x}]",
    "aliases without aliases": "steps: [{cmd: x " + "$ID " * 200_000 + "}]",
    "numbers": V11 + "steps:\n" + "  - {cmd: x, timeout: 1.5, keep: yes}\n" * 900,
    "two megabytes": "#" * 2_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("manner", ["strict", "acb"])
@pytest.mark.timeout(30)  # a loop without end, not slowness
def test_a_hostile_file_is_read_to_an_end(name: str, manner: str) -> None:
    task = read(HOSTILE[name], manner)
    assert task.refused or task.diagnostics or manner == "acb"


def test_a_file_has_a_thousand_steps_at_most() -> None:
    text = V11 + "steps:\n" + "  - cmd: x\n" * 1000
    assert len(steps(text)) == 1000
    assert errors(text + "  - cmd: x\n") == ["1003: a task file has at most 1,000 steps"]


@pytest.mark.parametrize("name", ["a" * 1000 + "!", "a-" * 500, "A" * 1000 + "/", "a/" * 500])
def test_a_hostile_image_name_is_refused(name: str) -> None:
    with pytest.raises(DockerfileError):
        scan(f"FROM {name}\n")
