"""`render` as a person calls it: its flags, its exit codes, and that it touches nothing."""

from __future__ import annotations

import io
import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.flow.desk import Desk

HEAD = "version: v1.1.0\nsteps:\n"


@pytest.fixture(name="desk")
def empty_folder(tmp_path: Path) -> Desk:
    """A folder without a workspace."""
    desk = Desk(tmp_path)
    (tmp_path / "reconciler.yaml").unlink()
    return desk


def shown(desk: Desk, text: str, *words: str, code: int = 0) -> Any:
    desk.write({"task.yaml": text})
    outcome = desk.run("render", "task.yaml", "-o", "json", *words)
    assert outcome.code == code, outcome.text
    return json.loads(outcome.text)


def words(desk: Desk, text: str, *flags: str) -> list[str]:
    (step,) = shown(desk, f"{HEAD}  - cmd: {text}\n", *flags)["steps"]
    return [step["image"], *step["argv"]]


def test_nothing_is_executed_opened_or_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("render reached out")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    before = {path.name for path in desk.root.iterdir()} | {"task.yaml"}
    shown(desk, f"{HEAD}  - cmd: bash x\n  - build: -t a:1 https://example.com/x.git\n")
    assert {path.name for path in desk.root.iterdir()} == before


def test_every_run_value_has_a_flag(desk: Desk) -> None:
    text = "x $ID $Registry $RegistryName $Commit $Branch {{.Run.TaskName}} {{.Run.TriggeredBy}}"
    flags = ["-r", "reg.example.io", "--run-id", "r1", "--commit", "4be02d1", "--branch", "main"]
    found = words(desk, text, *flags, "--task-name", "nightly")
    assert found == ["x", "r1", "reg.example.io", "reg", "4be02d1", "main", "nightly", "Manual"]


def test_a_run_without_an_id_has_one_that_is_none(desk: Desk) -> None:
    found = words(desk, "x $ID {{.Run.SharedVolume}} $OS/$Architecture")
    assert found == ["x", "r000000", "rt-r000000", "linux/amd64"]


def test_the_workspace_gives_the_registry_its_server(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    server = ["x", "registry.contoso.example"]
    assert words(desk, "x $Registry") == server
    assert words(desk, "x $Registry", "-r", "contoso") == server
    assert words(desk, "x $Registry", "-r", "other.example") == ["x", "other.example"]
    outcome = desk.run("render", "task.yaml", "-r", "contosso")
    assert outcome.code == 64
    assert "did you mean contoso?" in outcome


def test_without_a_registry_a_file_that_needs_one_is_told(desk: Desk) -> None:
    (item,) = shown(desk, f"{HEAD}  - cmd: x [$Registry]\n")["diagnostics"]
    assert item["severity"] == "note"
    assert item["fix"] == "name one: --registry LOGIN-SERVER"
    assert not shown(desk, f"{HEAD}  - cmd: x\n")["diagnostics"]


def test_set_wins_over_the_values_file_and_is_split_once(desk: Desk) -> None:
    desk.write({"values.yaml": "a: file\nn: {b: two}\nc: kept\n"})
    text = "x {{.Values.a}} {{.Values.n.b}} {{.Values.c}} {{.Values.d}}"
    flags = ("--values", "values.yaml", "--set", "a=first", "--set", "a=9,10", "--set", "d=x=y")
    assert words(desk, text, *flags) == ["x", "9,10", "two", "kept", "x=y"]


@pytest.mark.parametrize("flag", ["novalue", "=value"])
def test_a_set_that_is_no_pair_is_refused(desk: Desk, flag: str) -> None:
    desk.write({"task.yaml": f"{HEAD}  - cmd: x\n"})
    outcome = desk.run("render", "task.yaml", "--set", flag)
    assert (outcome.code, "error: --set takes NAME=value" in outcome) == (64, True)


def test_a_wrong_values_file_is_told_with_its_place(desk: Desk) -> None:
    desk.write({"values.yaml": "a: 1\nb: [\n"})
    found = shown(desk, f"{HEAD}  - cmd: x\n", "--values", "values.yaml", code=1)
    assert not found["steps"]
    (item,) = found["diagnostics"]
    assert (item["severity"], item["file"], item["line"]) == ("error", "values.yaml", 2)


def test_env_is_the_last_level_and_network_holds_where_none_is_named(desk: Desk) -> None:
    text = f"env: [A=task]\n{HEAD}  - {{cmd: x, env: [B=step]}}\n  - {{cmd: y, network: host}}\n"
    flags = ("--env", "A=flag", "--env", "B=flag", "--env", "C=a,b", "--network", "outside")
    found = shown(desk, text, *flags)
    first, second = found["steps"]
    assert first["env"] == {"B": "step", "A": "task", "C": "a,b"}
    assert (first["network"], second["network"]) == ("outside", "host")
    assert [item["create"] for item in found["networks"]] == [False]
    assert desk.run("render", "task.yaml", "--env", "A").code == 64


def test_aliases_are_read_from_where_one_stands_or_beside_the_file_and_nowhere_else(
    desk: Desk,
) -> None:
    desk.write({"here.yaml": "{a: here}", "ci/beside.yaml": "{b: beside}"})
    (desk.root.parent / "outside.yaml").write_text("{c: outside}")
    text = "version: v1.1.0\nalias: {src: [%s]}\nsteps:\n  - cmd: x $a $b\n"
    desk.write({"ci/task.yaml": text % "here.yaml, beside.yaml"})
    outcome = desk.run("render", "ci/task.yaml", "-o", "json")
    assert json.loads(outcome.text)["steps"][0]["argv"] == ["here", "beside"]
    for source in ("../outside.yaml", "none.yaml", "https://example.com/a.yaml"):
        desk.write({"ci/task.yaml": text % source})
        outcome = desk.run("render", "ci/task.yaml")
        assert outcome.code == 1
        assert f"alias source {source}" in outcome


def test_a_file_comes_from_standard_input(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.TextIOWrapper(io.BytesIO(b"steps:\n  - {cmd: x, timout: 5}\n"))
    monkeypatch.setattr("sys.stdin", given)
    outcome = desk.run("render", "-")
    assert outcome.code == 1
    assert "error: standard input:2:14: unknown key" in outcome


def test_what_cannot_be_read_is_told_without_a_trace(desk: Desk) -> None:
    desk.write({"folder/x": "", "latin.yaml": "steps: \xe9".encode("latin-1")})
    for file, told in (
        ("none.yaml", "there is no task file none.yaml"),
        ("folder", "error: folder:1:1: "),
        ("latin.yaml", "latin.yaml:1:1: this is not UTF-8 text"),
    ):
        outcome = desk.run("render", file)
        assert outcome.code == 1
        assert told in outcome
        assert "Traceback" not in outcome
    found = json.loads(desk.run("render", "latin.yaml", "-o", "json").text)
    assert [item["message"] for item in found["diagnostics"]] == ["this is not UTF-8 text"]


def test_compat_accepts_with_a_warning_what_is_refused_otherwise(desk: Desk) -> None:
    text = f"{HEAD}  - cmd: bash [{{{{.Values.none}}}}] a && b\n    unknown: 1\n"
    refused = shown(desk, text, code=1)
    assert not refused["steps"]
    accepted = shown(desk, text, "--compat", "acb")
    assert accepted["steps"][0]["argv"] == ["[]", "a", "&&", "b"]
    assert {item["severity"] for item in accepted["diagnostics"]} == {"warning"}


def test_a_byte_order_mark_turns_aliases_off_only_where_that_engine_is_followed(
    desk: Desk,
) -> None:
    text = f"\ufeff{HEAD}  - cmd: x $ID\n"
    assert shown(desk, text)["steps"][0]["argv"] == ["r000000"]
    assert shown(desk, text, "--compat", "acb")["steps"][0]["argv"] == ["$ID"]


def test_no_secret_is_asked_for_or_shown(desk: Desk) -> None:
    secret = "secrets: [{id: s, keyvault: 'https://kv.vault.azure.net/secrets/x'}]\n"
    found = shown(desk, f"{secret}{HEAD}  - {{cmd: x, env: ['K={{{{.Secrets.s}}}}']}}\n")
    assert found["steps"][0]["env"] == {"K": "***"}
    assert found["secrets"] == [{"id": "s", "keyvault": "https://kv.vault.azure.net/secrets/x"}]


def test_a_build_from_elsewhere_is_done_where_its_files_are_brought_to(desk: Desk) -> None:
    text = f"{HEAD}  - {{id: i, build: -t a:1 'https://example.com/x.git#main:sub'}}\n"
    (step,) = shown(desk, text)["steps"]
    assert (step["workingDirectory"], step["argv"][-1]) == ("/workspace/i/sub", ".")
    assert step["build"]["context"] == "https://example.com/x.git#main:sub"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--squash .", "does not do --squash"),
        ("--network host .", "does not do --network"),
        ("--ssh default .", "does not do --ssh"),
        ("https://h.example/x.tar.gz", ""),
        ("oci://h.example/x:1", ""),
        ("oci://h.example/X:1", "an artifact is oci://REGISTRY/REPOSITORY:TAG"),
        ("-f ../up https://h.example/x.tar", "Dockerfile leads out of its context"),
        ("git@h.example:x.git", "by https only"),
        ("https://h.example/x.git#main:../up", "leads out of its repository"),
        ("-f ../up https://h.example/x.git#main:sub", "Dockerfile leads out of its context"),
        ("-f sub/own https://h.example/x.git#main:sub", ""),
        ("-", "no context from standard input"),
        ("/etc", "context leads out of the workspace"),
        ("..", "context leads out of the workspace"),
        ("/workspace/sub", ""),
        ("-f ../../etc/passwd .", "Dockerfile leads out of the workspace"),
        ("-t Upper:1 .", "lower case"),
        ("-t a@sha256:" + 64 * "1" + " .", "no digest"),
        ("--platform toaster .", "--platform"),
    ],
)
def test_a_build_that_a_run_would_refuse_is_refused_by_line(
    desk: Desk, words: str, said: str
) -> None:
    text = f"{HEAD}  - build: -t a:1 .\n  - {{id: odd, build: '{words}'}}\n"
    if not said:
        assert not shown(desk, text)["diagnostics"]
        return
    (item,) = shown(desk, text, code=1)["diagnostics"]
    assert (item["severity"], item["line"], bool(item["fix"])) == ("error", 4, True)
    assert said in item["message"]
    accepted = shown(desk, text, "--compat", "acb")
    assert [step["id"] for step in accepted["steps"]][1] == "odd"
    assert [(item["severity"], said in item["message"]) for item in accepted["diagnostics"]] == [
        ("warning", True)
    ]


def test_a_privileged_step_is_refused_unless_its_spec_allows_it(desk: Desk) -> None:
    text = f"{HEAD}  - {{id: root, cmd: x, privileged: true}}\n"
    (item,) = shown(desk, text, code=1)["diagnostics"]
    assert (item["line"], "dockerSocket: true" in item["fix"]) == (3, True)
    assert shown(desk, text, "--docker-socket")["diagnostics"] == []
    (warning,) = shown(desk, text, "--compat", "acb")["diagnostics"]
    assert warning["severity"] == "warning"


@pytest.mark.parametrize("key", ["keyvault", "akv"])
def test_a_secret_of_a_vault_is_listed_and_not_read(desk: Desk, key: str) -> None:
    url = "https://kv.vault.azure.net/secrets/x"
    secret = f"secrets:\n  - id: s\n    {key}: {url}\n"
    found = shown(desk, f"{secret}{HEAD}  - {{cmd: x, env: ['K={{{{.Secrets.s}}}}']}}\n")
    assert found["secrets"] == [{"id": "s", "keyvault": url}]
    assert found["diagnostics"] == []
    assert "***" in json.dumps(found["steps"])


def test_the_version_is_told_of_a_file_whose_template_is_wrong(desk: Desk) -> None:
    for written, version in (("v1.1.0", "v1.1.0"), ("'1.0-preview-1'", "1.0-preview-1")):
        text = f"version: {written}  # ours\nsteps:\n  - cmd: x {{{{ nosuch }}}}\n"
        assert shown(desk, text, code=1)["version"] == version


def test_a_value_has_one_line_where_a_file_is_read_strictly(desk: Desk) -> None:
    desk.write({"task.yaml": f"{HEAD}  - cmd: x {{{{.Values.a}}}}\n"})
    for injected in ("y\n  - cmd: injected", "y\r  - cmd: injected", "y\n"):
        outcome = desk.run("render", "task.yaml", "--set", f"a={injected}")
        assert (outcome.code, "has more than one line" in outcome) == (64, True)
        outcome = desk.run("run", "-f", "task.yaml", "--set", f"a={injected}", ".")
        assert (outcome.code, "has more than one line" in outcome) == (64, True)
    text = f"{HEAD}  - cmd: x {{{{.Values.a}}}}\n"
    found = shown(desk, text, "--set", "a=y\n  - cmd: injected", "--compat", "acb")
    assert len(found["steps"]) == 2


def test_fixes_of_flags_can_be_followed(desk: Desk) -> None:
    desk.write({"task.yaml": f"{HEAD}  - cmd: x\n"})
    outcome = desk.run("render", "task.yaml", "--set", "novalue")
    assert (outcome.code, "--set-secret" in outcome) == (64, False)
    outcome = desk.run("render", "task.yaml", "--network", "a b")
    assert (outcome.code, "--network" in outcome) == (64, True)


def test_text_for_people_ends_with_what_is_wrong(desk: Desk) -> None:
    desk.write({"task.yaml": f"{HEAD}  - {{cmd: x, timout: 5}}\n"})
    outcome = desk.run("render", "task.yaml")
    assert outcome.code == 1
    assert outcome.text.splitlines()[-1] == "1 error; nothing would run"
    desk.write({"task.yaml": "version: v1.1.0\n"})
    outcome = desk.run("render", "task.yaml", "--compat", "acb")
    assert outcome.code == 0
    assert outcome.text.splitlines()[-1] == "1 warning; nothing would run"


@pytest.mark.parametrize("password", ["ghp_pw12345secret", "pw"])
@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_a_password_in_a_build_context_is_refused_and_never_repeated(
    desk: Desk, password: str, form: str, manner: str
) -> None:
    url = f"https://u:{password}@git.contoso.example/r.git#main"
    desk.write({"task.yaml": f"{HEAD}  - build: -t x:t {url}\n"})
    outcome = desk.run("render", "task.yaml", "--compat", manner, "-o", form)
    assert outcome.code == (1 if manner == "strict" else 0), outcome.text
    assert "holds no user, password" in " ".join(outcome.text.split())
    assert f":{password}" not in outcome.text
    assert manner == "strict" or "https://***@git.contoso.example/r.git#main" in outcome.text


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_password_of_a_url_in_a_command_is_not_shown(desk: Desk, form: str) -> None:
    step = "{cmd: bash clone https://u:pw@h.example/x, env: ['DB=postgres://me:pw@db/x']}"
    desk.write({"task.yaml": f"{HEAD}  - {step}\n"})
    outcome = desk.run("render", "task.yaml", "-o", form)
    assert "https://***@h.example/x" in outcome.text
    assert "postgres://***@db/x" in outcome.text
    assert ":pw@" not in outcome.text


@pytest.mark.parametrize(
    "words",
    [
        ("--run-id", "R 1"),
        ("--run-id", "r1\n  - cmd: evil"),
        ("--branch", "main\n  - cmd: evil"),
        ("--commit", "c0ffee\r"),
        ("--task-name", "web\x1b[1m"),
        ("--task-name", "web\udcff"),
        ("--branch", "\ue1000\ue101"),
    ],
)
def test_what_no_run_would_have_is_a_mistake_in_the_command(
    desk: Desk, words: tuple[str, str]
) -> None:
    desk.write({"task.yaml": f"{HEAD}  - cmd: x {{{{.Run.Branch}}}}\n"})
    outcome = desk.run("render", "task.yaml", *words)
    assert (outcome.code, words[0] in outcome) == (64, True)


def test_a_value_of_a_file_adds_no_step(desk: Desk) -> None:
    desk.write({"v.yaml": 'a: "y\\n  - cmd: injected"\nscript: |\n  one\n  two\n'})
    text = f"{HEAD}  - cmd: x {{{{.Values.a}}}}\n"
    (item,) = shown(desk, text, "--values", "v.yaml", code=1)["diagnostics"]
    assert (item["line"], "more than one line" in item["message"]) == (3, True)
    assert len(shown(desk, text, "--values", "v.yaml", "--compat", "acb")["steps"]) == 2
    fixed = f"{HEAD}  - cmd: |\n      sh -c '\n{{{{ .Values.script | indent 6 }}}}'\n"
    (step,) = shown(desk, fixed, "--values", "v.yaml")["steps"]
    assert step["argv"][1].split() == ["one", "two"]
    fixed = f'{HEAD}  - cmd: x \'{{{{ .Values.script | trim | replace "\\n" " " }}}}\'\n'
    assert shown(desk, fixed, "--values", "v.yaml")["steps"][0]["argv"] == ["one two"]


@pytest.mark.parametrize(
    "context",
    [
        "ssh://git@h.example/x.git",
        "file:///etc",
        "HTTPS://h.example/x.git",
        "ext::sh -c id",
        "me@h.example:x.git",
        "http://h.example/x.git",
        "http://h.example/x.tar.gz",
        "'https://h.example/x.git#--upload-pack=id'",
    ],
)
def test_a_context_that_no_run_fetches_is_refused(desk: Desk, context: str) -> None:
    found = shown(desk, f"{HEAD}  - build: {context}\n", code=1)["diagnostics"]
    assert [item["severity"] for item in found] == ["error"] * len(found)
    assert all(item["line"] == 3 for item in found)


def test_plain_http_is_for_hosts_that_the_workspace_declares(desk: Desk) -> None:
    text = f"{HEAD}  - build: http://H.example:8080/x.git\n"
    (item,) = shown(desk, text, code=1)["diagnostics"]
    assert "insecure: true" in item["fix"]
    header = "apiVersion: reconciler/v1\nkind: Workspace\n"
    desk.write({"reconciler.yaml": header + "hosts: {'h.example:8080': {insecure: true}}\n"})
    assert shown(desk, text)["diagnostics"] == []


def test_secret_values_are_given_by_name_and_read_stars(desk: Desk) -> None:
    text = (
        "volumes: [{name: v, secret: {f: '{{.Values.tok}}', g: '{{ .Values.tok | b64enc }}'}}]\n"
        f"{HEAD}  - {{cmd: x, env: ['T={{{{.Values.tok}}}}']}}\n"
    )
    assert ".Values.tok is not given" in str(shown(desk, text, code=1)["diagnostics"])
    for word in ("tok", "tok=env:NOT_SET_ANYWHERE", "tok=file:no-such-file"):
        (step,) = shown(desk, text, "--set-secret", word)["steps"]
        assert step["env"] == {"T": "***"}
    desk.write({"task.yaml": text})
    outcome = desk.run("render", "task.yaml", "--set-secret", "tok=hunter2")
    assert (outcome.code, "hunter2" in outcome) == (64, False)


def test_a_branch_that_a_secret_decides_is_told(desk: Desk) -> None:
    ways = "{{ if eq .Values.tok `a` }}\n  - cmd: x\n{{ else }}\n  - cmd: y\n{{ end }}\n"
    text = f"{HEAD}{ways}"
    (item,) = shown(desk, text, "--set-secret", "tok")["diagnostics"]
    assert (item["severity"], item["line"]) == ("warning", 3)
    assert "a run may take the other way" in item["message"]
    assert shown(desk, text, "--set", "tok=a")["diagnostics"] == []


def test_no_timeout_is_advised_that_no_run_can_have(desk: Desk) -> None:
    desk.write({"task.yaml": f"{HEAD}  - {{cmd: x, timeout: 28800, startDelay: 3600}}\n"})
    outcome = desk.run("render", "task.yaml")
    assert outcome.code == 0
    assert "9 h of timeouts and delays" in outcome
    assert "no run lasts longer than 8 h" in outcome
    assert "--timeout" not in outcome


def test_a_source_of_aliases_that_leads_out_is_told_as_a_run_tells_it(desk: Desk) -> None:
    (desk.root / "aliases.yaml").symlink_to("/etc/hostname")
    text = f"alias: {{src: [aliases.yaml]}}\n{HEAD}  - cmd: x\n".replace("v1.0.0", "v1.1.0")
    found = shown(desk, text, code=1)["diagnostics"]
    assert "leads out of its context" in str(found)
