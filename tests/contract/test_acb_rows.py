# ruff: noqa: E501 - the tables read best with one case a line
"""What ACR's own engine does with small files, measured on it: `render --compat acb` says the same.

Beside the recorded cases of `test_acb_conformance_commands`. A row is its number and what is in it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.flow.desk import Desk

V11 = "version: v1.1.0\n"
REFUSED = None  # the expected value of a file that is refused
RUN = ("--registry", "reg.example.io", "--run-id", "r1")


@pytest.fixture(name="desk")
def files(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    (tmp_path / "reconciler.yaml").unlink()
    desk.write({"f1": "{a: f1, b: f1, c: f1}", "f2": "{b: f2, c: f2}"})
    desk.write({"values.yaml": "{a: 1, n: {b: two}}"})
    return desk


def rendered(desk: Desk, text: str, *flags: str) -> dict[str, Any] | None:
    desk.write({"task.yaml": text})
    outcome = desk.run("render", "task.yaml", "-o", "json", "--compat", "acb", *RUN, *flags)
    assert outcome.code in {0, 1, 64}, outcome.text
    if outcome.code:
        assert "error" in outcome.text
        return REFUSED
    found: dict[str, Any] = json.loads(outcome.text)
    return found


def words(step: dict[str, Any]) -> str:
    return " ".join([*([step["image"]] if step["image"] else []), *step["argv"], *step["push"]])


def steps(*items: str) -> str:
    return V11 + "steps:\n" + "".join(f"  - {{{item}}}\n" for item in items)


def cmd(text: str, head: str = "") -> str:
    return f"{V11}{head}steps:\n  - cmd: {text}\n"


BASH = "mcr.microsoft.com/acr/bash:2ff604c"
TO_WORDS: dict[str, tuple[str, tuple[str, ...], list[str] | None]] = {
    "A1 empty": ("", (), []),
    "A2 version only": (V11, (), []),
    "A3 no version": ("steps:\n  - cmd: bash $ID\n", (), ["bash $ID"]),
    "A4 v1.0.0": ("version: v1.0.0\nsteps:\n  - cmd: bash $ID {{.Run.ID}}\n", (), ["bash $ID r1"]),
    "A5 preview": ("version: 1.0-preview-1\nsteps:\n  - cmd: x $ID\n", (), ["x $ID"]),
    "A6 capital": ("version: V1.1.0\nsteps:\n  - cmd: x $ID\n", (), ["x $ID"]),
    "A7 without v": ("version: 1.1.0\nsteps:\n  - cmd: x\n", (), REFUSED),
    "A7 later": ("version: v1.2.0\nsteps:\n  - cmd: x\n", (), REFUSED),
    "A7 alpha": ("version: v1.0.0-alpha\nsteps:\n  - cmd: x\n", (), REFUSED),
    "A8 version at the end": ("steps:\n  - cmd: x $ID\nversion: v1.1.0\n", (), ["x r1"]),
    "A9 blank before the colon": ('version : "v1.1.0"\nsteps:\n  - cmd: x $ID\n', (), ["x r1"]),
    "A10 indented version": (" version: v1.1.0\nsteps:\n  - cmd: x\n", (), []),
    "A11 unknown keys": (V11 + "a: 1\nsteps:\n  - {cmd: x, b: 2}\n", (), ["x"]),
    "A13 capital key": (steps("Cmd: x"), (), REFUSED),
    "A14 two documents": (steps("cmd: x") + "---\nsteps:\n  - cmd: y\n", (), ["x"]),
    "A16 tab": (V11 + "steps:\n\t- cmd: x\n", (), REFUSED),
    "A16 open bracket": (V11 + "steps: [\n", (), REFUSED),
    "A17 steps as a map": (V11 + "steps: {a: b}\n", (), REFUSED),
    "A18 timeout as text": (steps('cmd: x, timeout: "30"'), (), REFUSED),
    "A18 timeout with unit": (steps("cmd: x, timeout: 30s"), (), REFUSED),
    "A19 when as text": (steps("id: a, cmd: x", "cmd: y, when: a"), (), REFUSED),
    "A19 push as text": (steps('push: "a:b"'), (), REFUSED),
    "A19 env as a map": (steps("cmd: x, env: {A: 1}"), (), REFUSED),
    "B1 two kinds": (steps("cmd: x, build: ."), (), REFUSED),
    "B2 no kind": (steps("id: a"), (), REFUSED),
    "B2 empty push": (steps("push: []"), (), REFUSED),
    "B3 blank in an id": (steps('id: "a b", cmd: x'), (), REFUSED),
    "B4 reserved id": (steps("id: acb_root, cmd: x"), (), REFUSED),
    "B5 same id": (steps("id: a, cmd: x", "id: a, cmd: y"), (), REFUSED),
    "B6 a generated id": (steps("id: acb_step_1, cmd: x", "cmd: y"), (), REFUSED),
    "B8 itself": (steps("id: a, cmd: x, when: [a]"), (), REFUSED),
    "B9 a later one": (steps("id: a, cmd: x, when: [b]", "id: b, cmd: y"), (), REFUSED),
    "B10 mixed": (steps("id: b, cmd: x", 'cmd: y, when: ["-", b]'), (), REFUSED),
    "B16 retries": (steps("cmd: x, retries: -1"), (), REFUSED),
    "B16 repeat": (steps("cmd: x, repeat: -1"), (), REFUSED),
    "B19 cache": (steps("cmd: x, cache: on"), (), REFUSED),
    "B20 cache of a cmd": (steps("cmd: x, cache: enabled"), (), ["x"]),
    "C3 half a pair": (V11 + 'env: ["A=1,2"]\nsteps:\n  - cmd: x\n', (), REFUSED),
    "C6 no pair beside a task's": (V11 + "env: [A=1]\nsteps:\n  - {cmd: x, env: [B]}\n", (), REFUSED),
    "D1 unknown alias": (cmd("x $ID $unknown$ID"), (), ["x r1 $unknown$ID"]),
    "D2 escaped": (cmd("x $$ID"), (), ["x $ID"]),
    "D3 ends of names": (cmd("x $ID_x $ID-y $ID$Registry"), (), ["x r1_x r1-y r1reg.example.io"]),
    "D4 registry": (cmd("x $Registry/$RegistryName"), (), ["x reg.example.io/reg"]),
    "D5 overrides": (
        cmd("bash $Registry", 'alias: {values: {Registry: other.io, bash: "my/bash -x"}}\n'), (), ["my/bash -x other.io"],
    ),
    "D6 name": (cmd("x", "alias: {values: {a_b: x}}\n"), (), REFUSED),
    "D7 directive": (cmd("x %ID %%ID $ID", 'alias: {directive: "%"}\n'), (), ["x r1 %ID $ID"]),
    "D8 letter": (cmd("x", "alias: {directive: a}\n"), (), REFUSED),
    "D8 two": (cmd("x", 'alias: {directive: "%%"}\n'), (), REFUSED),
    "D9 sources": (cmd("x $a $b $c", "alias: {src: [f1, f2], values: {c: own}}\n"), (), ["x f1 f2 own"]),
    "D10 missing source": (cmd("x", "alias: {src: [none]}\n"), (), REFUSED),
    "D11 number": (cmd("x $n", "alias: {values: {n: 5}}\n"), (), ["x 5"]),
    "D12 more lines": (cmd("$m", "alias:\n  values:\n    m: |-\n      y\n        - cmd: z\n"), (), ["y", "z"]),
    "D13 alias before its time": ("version: v1.0.0\nalias: {values: {a: b}}\nsteps:\n  - cmd: x $a\n", (), ["x $a"]),
    "D14 image alias": (cmd("bash x"), (), [f"{BASH} x"]),
    "D14 with directive": (cmd("$bash x"), (), [f"{BASH} x"]),
    "D15 whole name": (cmd("docker.io/bash:3 x"), (), ["docker.io/bash:3 x"]),
    "D16 begins so": (cmd("acrmixed x"), (), ["acrmixed x"]),
    "D17 first word": (cmd("ID hello"), (), ["{{.Run.ID}} hello"]),
    "E1 missing": (cmd("x [{{.Values.none}}] [{{.Run.Nope}}]"), (), ["x [] []"]),
    "E2 missing and deeper": (cmd("x {{.Values.a.b}}"), (), REFUSED),
    "E3 no value": (cmd("x <no value>"), (), ["x"]),
    "E4 commas": (cmd("x {{.Values.a}}"), ("--set", "a=1,b=2"), ["x 1,b=2"]),
    "E5 first =": (cmd("x {{.Values.b}}"), ("--set", "b=x=y"), ["x x=y"]),
    "E6 no =": (cmd("x"), ("--set", "novalue"), REFUSED),
    "E6 no name": (cmd("x"), ("--set", "=k"), REFUSED),
    "E7 file and set": (cmd("x {{.Values.a}} {{.Values.n.b}}"), ("--values", "values.yaml", "--set", "a=9"), ["x 9 two"]),
    "E8 false is a text": (cmd("x {{if .Values.f}}t{{else}}f{{end}}"), ("--set", "f=false"), ["x t"]),
    "E9 base64": (cmd('x {{b64enc "a"}} [{{b64enc .Values.none}}]'), (), ["x YQ== []"]),
    "E10 no function": (cmd("x {{nosuch 1}}"), (), REFUSED),
    "E11 JSON of values": (cmd("x {{.ValuesJSON}}"), ("--set", "a=b c"), ['x {"a":"b c"}']),
    "E14 no secrets": (cmd("x [{{.Secrets.q}}]"), (), ["x []"]),
    "F1 no id": (cmd("x", "secrets: [{keyvault: 'https://k.vault.azure.net/secrets/s'}]\n"), (), REFUSED),
    "F1 no vault": (cmd("x", "secrets: [{id: a}]\n"), (), REFUSED),
    "F6 no source": (cmd("x", "volumes: [{name: v}]\n"), (), REFUSED),
    "F7 name": (cmd("x", "volumes: [{name: v/x, secret: {a: YQ==}}]\n"), (), REFUSED),
    "F7 file": (cmd("x", "volumes: [{name: v, secret: {a/b: YQ==}}]\n"), (), REFUSED),
    "H17 once each": (steps('push: [x, "x:latest", "y@sha256:11"]'), (), ["x:latest y@sha256:11"]),
}  # fmt: skip


@pytest.mark.parametrize("row", TO_WORDS)
def test_the_same_words_are_run(desk: Desk, row: str) -> None:
    text, flags, expected = TO_WORDS[row]
    found = rendered(desk, text, *flags)
    assert (found and [words(step) for step in found["steps"]]) == expected


@pytest.mark.parametrize(
    ("row", "text", "flags", "expected"),
    [
        ("C1", "[A=1]", "[A=2, B=3]", {"A": "2", "B": "3"}),
        ("C2", '["A=1,B=2"]', "[]", {"A": "1", "B": "2"}),
        ("C4", "[Z=0, A=9]", '["A=1,2"]', {"A": "1,2", "Z": "0"}),
        ("C8", "[]", '["K=v="]', {"K": "v="}),
    ],
)
def test_the_same_variables_are_given(
    desk: Desk, row: str, text: str, flags: str, expected: dict[str, str]
) -> None:
    found = rendered(desk, f"{V11}env: {text}\nsteps:\n  - {{cmd: x, env: {flags}}}\n")
    assert found is not None
    assert list(found["steps"][0]["env"].items()) == list(expected.items())


@pytest.mark.parametrize("flags", [("--env", "A=9", "--env", "B=2"), ("--env", "A=9,B=2")])
def test_c7_defaults_from_outside_come_last_and_are_split(
    desk: Desk, flags: tuple[str, ...]
) -> None:
    found = rendered(desk, V11 + "env: [A=1]\nsteps:\n  - cmd: x\n", *flags)
    assert found is not None
    assert found["steps"][0]["env"] == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("row", "items", "needs"),
    [
        ("B7", ("id: 5, cmd: x", "cmd: y, when: [5]"), [[], ["5"]]),
        ("B11", ("id: b, cmd: x", "cmd: y, when: []"), [[], ["b"]]),
        ("B12, which hangs there", ("id: a, cmd: x", "cmd: y, when: [a, a]"), [[], ["a"]]),
        (
            "B13",
            ("id: a, cmd: x", "id: b, cmd: x", "id: c, cmd: x, when: [a]", "cmd: x, when: [b, c]"),
            [[], ["a"], ["a"], ["b", "c"]],
        ),
        (
            "B14",
            ("id: a, cmd: x", 'id: p, cmd: y, when: ["-"]', "cmd: z"),
            [[], [], ["p"]],
        ),
    ],
)
def test_the_same_steps_are_waited_for(
    desk: Desk, row: str, items: tuple[str, ...], needs: list[list[str]]
) -> None:
    found = rendered(desk, steps(*items))
    assert found is not None
    assert [step["needs"] for step in found["steps"]] == needs


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        *(("1.5", 1), ("1e2", 100), ("010", 8), ("08", 8), ("0x10", 16), ("0o17", 15)),
        *(("1__0", 10), ("0.99", 600), ("-1.5", 600), ("-5", 600)),
    ],
)
def test_numbers_are_read_the_same(desk: Desk, written: str, seconds: int) -> None:
    found = rendered(desk, steps(f"cmd: x, timeout: {written}, startDelay: -5, retryDelay: -1"))
    assert found is not None
    (step,) = found["steps"]
    assert (step["timeout"], step["startDelay"], step["retryDelay"]) == (seconds, 0, 5)


NETWORKS = (
    "{name: n1}, {name: n2, isDefault: true}, {name: n3, isDefault: true, skipCreation: true}"
)


@pytest.mark.parametrize(
    ("row", "networks", "step", "flags", "made", "on"),
    [
        ("G1", "", "cmd: x", (), ["acb_default_network"], "acb_default_network"),
        ("G2", NETWORKS, "cmd: x", (), ["n1", "n2"], "n3"),
        ("G3", "{name: n1}", "cmd: x", (), ["n1"], None),
        ("G4", "", "cmd: x", ("--network", "ext1"), [], "ext1"),
        ("G4", "", "cmd: x, network: own", ("--network", "ext1"), [], "own"),
    ],
)
def test_the_same_networks_are_used(
    desk: Desk,
    row: str,
    networks: str,
    step: str,
    flags: tuple[str, ...],
    made: list[str],
    on: str | None,
) -> None:
    head = f"networks: [{networks}]\n" if networks else ""
    found = rendered(desk, f"{V11}{head}steps:\n  - {{{step}}}\n", *flags)
    assert found is not None
    assert [item["name"] for item in found["networks"] if item["create"]] == made
    assert found["steps"][0]["network"] == on


@pytest.mark.parametrize(
    ("written", "folder"),
    [
        ("workingDirectory: /abs/../d", "/d"),
        ("workingDirectory: ../up", "/up"),
        ("disableWorkingDirectoryOverride: true", None),
    ],
)
def test_g6_the_same_folder_is_worked_in(desk: Desk, written: str, folder: str | None) -> None:
    found = rendered(desk, steps(f"cmd: x, {written}"))
    assert found is not None
    assert found["steps"][0]["workingDirectory"] == folder


def test_g5_every_option_of_a_container_is_told(desk: Desk) -> None:
    text = (
        "cmd: x, detach: true, ports: ['80:80'], expose: ['81'], privileged: true, user: u, "
        "network: n, isolation: process, cpus: '1.5', entryPoint: e, keep: true, pull: true"
    )
    found = rendered(desk, steps(text))
    assert found is not None
    (step,) = found["steps"]
    expected = {
        "detach": True,
        "ports": ["80:80"],
        "expose": ["81"],
        "privileged": True,
        "user": "u",
        "network": "n",
        "isolation": "process",
        "cpus": "1.5",
        "entryPoint": "e",
        "keep": True,
        "pull": True,
    }
    assert {name: step[name] for name in expected} == expected
