"""`validate` on files that are wrong in every way: exit 1, a place, a reason, and never a crash."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.flow.desk import TASK, WORKSPACE, Desk, task

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcde", "bcdef", strict=True)
)

BYTES: list[tuple[str, bytes | str, str]] = [
    ("tab", TASK.replace("  step", "\tstep"), "specs/a.yaml:6:1: a tab cannot indent YAML"),
    ("inner tab", "a:\n  b: 1\n\tc: 2\n", "specs/a.yaml:3:1: a tab cannot indent YAML"),
    ("utf-16", TASK.encode("utf-16"), "specs/a.yaml:1:1: this is not UTF-8 text"),
    ("utf-16 without mark", TASK.encode("utf-16-le"), "1:1: this is not UTF-8 text"),
    ("latin-1", b"a: b\nc: \xe9\n", "specs/a.yaml:2:1: this is not UTF-8 text"),
    ("binary", bytes(range(256)) * 20, "specs/a.yaml:1:1: this is not UTF-8 text"),
    ("control", b"a: b\nc: \x1b[31m\n", "specs/a.yaml:2:1: the control character #x1b"),
    ("NUL by escape", 'a: "x\\0y"\n', "specs/a.yaml:1:4: the character NUL is not allowed"),
    ("10 MB", TASK + "#" * 10_000_000, "specs/a.yaml:1:1: the file has 10.0 MB"),
    ("alias bomb", BOMB, "specs/a.yaml:5:16: a document has at most 50,000 values"),
    ("deep", "a: " + "[" * 100_000, "specs/a.yaml:1:68: nested deeper than 64 levels"),
    ("deep by aliases", "a: &a " + "[" * 60 + "]" * 60 + "\nb: " + "[" * 9 + "*a", "deeper than"),
    ("duplicate key", TASK + "kind: Task\n", "specs/a.yaml:7:1: the key 'kind' stands twice"),
    ("tag", "a: !!python/object:os.system x\n", "specs/a.yaml:1:4: the tag !!python/object"),
    ("own tag", "a: !vault x\n", "specs/a.yaml:1:4: the tag !vault is not allowed"),
    ("self alias", "a: &a [*a]\n", "specs/a.yaml:1:8: the alias *a stands inside its own anchor"),
    ("unknown alias", "a: *b\n", "specs/a.yaml:1:4"),
    ("list as key", "? [a, b]\n: c\n", "specs/a.yaml:1:3: a key is plain text here"),
    ("unclosed", "a: [1, 2\nb: 3\n", "specs/a.yaml:2:"),
    ("no map", "- a\n- b\n", "specs/a.yaml:1:1: a document is a map"),
    ("many documents", "--- 1\n" * 10_001, "a file has at most 10,000 documents"),
]


@pytest.mark.parametrize(("content", "said"), [row[1:] for row in BYTES], ids=[r[0] for r in BYTES])
def test_a_file_that_is_no_good_yaml_is_refused_with_its_place(
    desk: Desk, content: str | bytes, said: str
) -> None:
    outcome = desk.validate(content)
    assert outcome.code == 1
    assert said in outcome


def spec(old: str, new: str) -> str:
    assert old in TASK
    return TASK.replace(old, new)


MODELS: list[tuple[str, str, tuple[str, ...]]] = [
    ("typo", spec("context:", "contxt:"), ("a.yaml:5:3: unknown key 'contxt'", "mean 'context'?")),
    ("deep typo", spec("images:", "imgs:"), ("a.yaml:6:19: unknown key 'imgs'", "mean 'images'?")),
    ("step typo", spec("docker:", "dokcer:"), ("a.yaml:6:3", "did you mean 'docker'?")),
    ("empty step", spec('{docker: {images: ["web:1"]}}', "{docker: }"), ("docker is not a map",)),
    ("kind", spec("kind: Task", "kind: task"), ("a.yaml:2:1: unknown kind", "mean 'Task'?")),
    ("kind list", spec("kind: Task", "kind: [a]"), ("a.yaml:2:1: unknown kind",)),
    ("no kind", spec("kind: Task\n", ""), ("a.yaml:1:1: kind is missing",)),
    ("no version", spec("apiVersion: reconciler/v1\n", ""), ("a.yaml:1:1: the key 'apiVersion'",)),
    ("version", spec("r/v1", "r/v2"), ("a.yaml:1:1: apiVersion is not one of the allowed words",)),
    ("quoted number", TASK + '  timeout: "600"\n', ("a.yaml:7:3: spec.timeout is not a whole",)),
    ("fraction", TASK + "  agent: {cpu: 2.5}\n", ("a.yaml:7:11: spec.agent.cpu is not a whole",)),
    ("flag", TASK + "  protect: yes\n", ("a.yaml:7:3: spec.protect is not true or false",)),
    ("number", TASK + "  platform: 5\n", ("a.yaml:7:3: spec.platform is not text",)),
    ("range", TASK + "  timeout: 5\n", ("spec.timeout is too small", "at least 300")),
    ("day", task(reviewBy="2027-02-30"), ("metadata.reviewBy: a date is written year-month-day",)),
    ("day as number", task(reviewBy="86400"), ("metadata.reviewBy: a date is written",)),
    ("label", task(labels="{tier: 1}"), ("a.yaml:3:55: metadata.labels.tier is not text",)),
    ("name", task(name="web"), ("metadata.name: a task name has 5 to 50 letters",)),
    ("registry", task().replace("try: contoso", "try: contos"), ("did you mean 'contoso'?",)),
    ("image", task(image="Web:1"), ("a.yaml:6:28: spec.step.docker.images.0: an image name",)),
    ("no URL", spec("source: web", 'source: "https://[x"'), ("a.yaml:5:13", "this is no URL")),
    ("two steps", spec("{docker", "{file: {path: x}, docker"), ("a.yaml:6:3: spec.step: a step",)),
]


@pytest.mark.parametrize(("content", "said"), [r[1:] for r in MODELS], ids=[r[0] for r in MODELS])
def test_a_wrong_value_is_told_with_its_place_and_the_fix(
    desk: Desk, content: str, said: tuple[str, ...]
) -> None:
    outcome = desk.validate(content)
    assert outcome.code == 1
    assert [part for part in said if part not in outcome] == []


def test_a_good_spec_passes(desk: Desk) -> None:
    outcome = desk.validate(TASK)
    assert (outcome.code, "0 errors, 0 warnings in 1 task" in outcome) == (0, True)


def test_a_byte_order_mark_is_accepted(desk: Desk) -> None:
    assert desk.validate(b"\xef\xbb\xbf" + TASK.encode()).code == 0


def test_merge_keys_and_aliases_are_accepted(desk: Desk) -> None:
    text = "spec:\n  context: &web {source: web}\n  step: {docker: {args: &args {A: a}}}\n"
    text = task().split("spec:")[0] + text + "---\n" + task(name="other-api", image="web:2")
    assert desk.validate(text).code == 0
    merged = TASK.replace("{source: web}", "\n    <<: {source: web}")
    assert desk.validate({"specs/a.yaml": merged}).code == 0


@pytest.mark.parametrize("content", ["", "# only a comment\n", "---\n---\n", "~\n"])
def test_a_file_that_says_nothing_is_a_warning(desk: Desk, content: str) -> None:
    outcome = desk.validate(content)
    assert outcome.code == 0
    assert "warning: specs/a.yaml:1:1: the file says nothing" in outcome


def test_many_wrong_keys_are_told_up_to_a_limit(desk: Desk) -> None:
    outcome = desk.validate(TASK + "".join(f"wrong{n}: {n}\n" for n in range(5000)))
    assert outcome.code == 1
    assert "4,950 more problems in this document" in outcome
    assert len(outcome.text.splitlines()) < 300


def test_a_key_of_a_megabyte_is_cut(desk: Desk) -> None:
    outcome = desk.validate(TASK + f"{'k' * 1000}: 1\n" + f"? {'x' * 1_000_000}\n: 1\n")
    assert outcome.code == 1
    assert len(outcome.text) < 2000


# ---------------------------------------------------------------- all together
def test_two_tasks_with_one_address_name_both_places(desk: Desk) -> None:
    outcome = desk.validate({"specs/a.yaml": TASK, "specs/b.yaml": task(image="web:2")})
    assert outcome.code == 1
    assert "specs/b.yaml:3:12: two tasks have the address contoso/web-api" in outcome
    assert "specs/a.yaml:3:12" in outcome


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ("{}", "{}", 1),
        ('{sharedTag: "true"}', "{}", 1),
        ("{}", '{sharedTag: "true"}', 1),
        ('{sharedTag: "true"}', '{sharedTag: "true"}', 0),
    ],
)
def test_one_tag_is_written_by_one_task_unless_both_say_so(
    desk: Desk, first: str, second: str, code: int
) -> None:
    other = "registry.contoso.example/web:1"
    files: dict[str, str | bytes] = {
        "specs/a.yaml": task(labels=first),
        "specs/b.yaml": task(name="other-api", image=other, labels=second),
    }
    outcome = desk.validate(files)
    assert outcome.code == code
    assert ("both write registry.contoso.example/web:1" in outcome) == bool(code)


def test_an_image_may_only_name_a_registry_that_the_task_can_push_to(desk: Desk) -> None:
    outcome = desk.validate({"specs/a.yaml": task(image="evil.example/web:1")})
    assert outcome.code == 1
    assert "the image evil.example/web:1 names the registry evil.example" in outcome
    assert "specs/a.yaml:" in outcome
    named = task(image="{{.Run.Registry}}/web:1")
    assert desk.validate({"specs/a.yaml": named}).code == 0


MOUNTING = """\
apiVersion: reconciler/v1
kind: Task
metadata: {name: web-api, registry: contoso}
spec:
  context: {source: web}
  platform: linux/arm64
  step:
    inline:
      volumes: [{name: v, secret: {k: AAEC}}]
      steps:
        - cmd: "app"
        - cmd: "app"
          volumeMounts: [{name: v, mountPath: /keys}]
"""


@pytest.mark.parametrize("verb", ["validate", "plan"])
def test_a_secret_volume_is_refused_where_the_declared_engine_is_another_machine(
    desk: Desk, verb: str
) -> None:
    remote = WORKSPACE + 'platforms: {linux/arm64: {engine: "tcp://builder:2376"}}\n'
    desk.write({"reconciler.yaml": remote, "specs/a.yaml": MOUNTING})
    outcome = desk.run(verb)
    assert outcome.code == 1
    assert "specs/a.yaml:13:" in outcome
    assert "another machine: tcp://builder:2376" in outcome
    desk.write({"specs/a.yaml": MOUNTING.replace("arm64", "amd64")})
    assert desk.run(verb).code == 0


def test_a_secret_volume_is_refused_where_docker_host_is_another_machine(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://builder")
    assert "another machine: ssh://builder" in desk.validate({"specs/a.yaml": MOUNTING})
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/other.sock")
    assert desk.validate({"specs/a.yaml": MOUNTING}).code == 0


def test_tags_that_differ_from_run_to_run_do_not_collide(desk: Desk) -> None:
    image = "web:{{.Run.ID}}"
    files: dict[str, str | bytes] = {
        "specs/a.yaml": task(image=image),
        "specs/b.yaml": task(name="other-api", image=image),
    }
    assert desk.validate(files).code == 0


def test_a_former_name_that_is_still_declared_is_refused(desk: Desk) -> None:
    moved = task(name="new-api", image="web:2", movedFrom="web-api")
    outcome = desk.validate({"specs/a.yaml": TASK, "specs/b.yaml": moved})
    assert outcome.code == 1
    assert "contoso/new-api says it was contoso/web-api" in outcome


def test_a_chain_of_renames_is_told_in_which_order_it_is_done(desk: Desk) -> None:
    old: dict[str, str | bytes] = {
        "specs/a.yaml": task(name="web-a"),
        "specs/b.yaml": task(name="web-b", image="web:2"),
    }
    desk.write(old)
    assert desk.run("apply", "--auto-approve").code == 0
    last = task(name="web-c", image="web:2", movedFrom="web-b")
    outcome = desk.validate(
        {"specs/a.yaml": task(name="web-b", movedFrom="web-a"), "specs/b.yaml": last}
    )
    assert outcome.code == 1
    assert (
        "fix rename one after the other, with an apply each: first contoso/web-b to "
        "contoso/web-c, while contoso/web-a keeps its name; then remove movedFrom from "
        "contoso/web-c, and rename contoso/web-a to contoso/web-b"
    ) in " ".join(outcome.text.split())
    desk.write({"specs/a.yaml": task(name="web-a"), "specs/b.yaml": last})
    assert desk.run("apply", "--auto-approve").code == 0
    desk.write({"specs/a.yaml": task(name="web-b", movedFrom="web-a")})
    desk.write({"specs/b.yaml": task(name="web-c", image="web:2")})
    outcome = desk.run("apply", "--auto-approve")
    assert outcome.code == 0, outcome.text
    assert "contoso/web-a" in outcome
    assert json.loads(desk.run("plan", "-o", "json").text)["unchanged"] == 2


def test_tasks_that_exchange_their_names_are_told_another_way(desk: Desk) -> None:
    outcome = desk.validate(
        {
            "specs/a.yaml": task(name="web-a", movedFrom="web-b"),
            "specs/b.yaml": task(name="web-b", image="web:2", movedFrom="web-a"),
        }
    )
    assert outcome.code == 1
    told = " ".join(outcome.text.split())
    assert told.count("remove movedFrom from them, and each is updated in place") == 2


def test_documents_in_the_wrong_folder_are_told_where_they_belong(desk: Desk) -> None:
    policy = "apiVersion: reconciler/v1\nkind: Policy\nrules: [{name: ownership}]\n"
    waiver = "apiVersion: reconciler/v1\nkind: Waiver\n"
    outcome = desk.validate(
        {
            "specs/p.yaml": policy,
            "specs/w.yaml": waiver,
            "specs/r.yaml": WORKSPACE,
            "policies/a.yaml": TASK,
        }
    )
    assert outcome.code == 1
    assert "specs/p.yaml:2:1: a Policy belongs in the folder policies/" in outcome
    assert "specs/w.yaml:2:1: a Waiver belongs in the folder policies/" in outcome
    assert "specs/r.yaml:2:1: a Workspace belongs in reconciler.yaml" in outcome
    assert "policies/a.yaml:2:1: a Task belongs in the folder specs/" in outcome


# ------------------------------------------------------------------- the disk
def test_a_linked_folder_is_an_error_and_not_left_out_in_silence(desk: Desk) -> None:
    elsewhere = desk.root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.yaml").write_text(TASK)
    (desk.root / "specs" / "linked").symlink_to(elsewhere)
    outcome = desk.run("validate")
    assert outcome.code == 1
    assert "specs/linked:1:1: a linked folder is not read" in outcome
    assert "0 specs" in outcome


def test_a_linked_specs_folder_is_an_error(desk: Desk) -> None:
    (desk.root / "specs").rmdir()
    (desk.root / "specs").symlink_to(desk.root.parent)
    assert "specs:1:1: cannot read the folder" in desk.run("validate")


def test_a_link_out_of_the_workspace_is_not_read(desk: Desk) -> None:
    outside = desk.root.parent / "secret.yaml"
    outside.write_text("password: hunter2\n")
    (desk.root / "specs" / "a.yaml").symlink_to(outside)
    outcome = desk.run("validate")
    assert outcome.code == 1
    assert "specs/a.yaml:1:1: the link leads out of the workspace" in outcome
    assert "hunter2" not in outcome
    assert "password" not in outcome


def test_a_link_inside_the_workspace_is_read(desk: Desk) -> None:
    desk.write({"shared/a.txt": TASK})
    (desk.root / "specs" / "a.yaml").symlink_to(desk.root / "shared" / "a.txt")
    assert "1 spec," in desk.run("validate")


@pytest.mark.parametrize("target", ["a.yaml", "missing.yaml"])
def test_an_unreadable_file_is_an_error(desk: Desk, target: str) -> None:
    (desk.root / "specs" / "a.yaml").symlink_to(target)
    outcome = desk.run("validate")
    assert outcome.code == 1
    assert "specs/a.yaml:1:1: cannot read the file" in outcome


def test_a_pipe_does_not_stop_us(desk: Desk) -> None:
    os.mkfifo(desk.root / "specs" / "a.yaml")
    assert "specs/a.yaml:1:1: this is not a regular file" in desk.run("validate")


def test_an_unreadable_folder_is_an_error(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def refuse(path: Path) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    desk.write({"specs/closed/a.yaml": TASK})
    monkeypatch.setattr(os, "scandir", refuse)
    outcome = desk.run("validate")
    assert outcome.code == 1
    assert "specs/closed:1:1: cannot read the folder: Permission denied" in outcome


@pytest.mark.parametrize("name", [b"\xff.yaml", b"\x1b[31m\nerror: x.yaml", b"\xe2\x80\xae.yaml"])
def test_hostile_file_names_never_reach_the_terminal_raw(desk: Desk, name: bytes) -> None:
    path = os.path.join(os.fsencode(desk.root), b"specs", name)  # noqa: PTH118  (bytes)
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"kind: Task\n")
    outcome = desk.run("validate")
    assert outcome.code == 1
    assert outcome.text.isprintable() or not {"\x1b", "\u202e", "\udcff"} & set(outcome.text)
    outcome.text.encode()


def test_terminal_escapes_in_values_never_reach_the_terminal_raw(desk: Desk) -> None:
    outcome = desk.validate(task(name='"web\\e[31mapi"', owner='{"\\e[2J": "\\u202e"}'))
    assert outcome.code == 1
    assert "\x1b" not in outcome
    assert "\u202e" not in outcome


# ------------------------------------------------------------- reconciler.yaml
WORKSPACES: list[tuple[str, str, str]] = [
    ("empty", "", "reconciler.yaml:1:1: reconciler.yaml holds exactly one document"),
    ("two", WORKSPACE + "---\n" + WORKSPACE, "exactly one document of kind Workspace"),
    ("broken", "a: [", "reconciler.yaml:1:1: YAML: did not find"),
    ("kind", WORKSPACE.replace("Workspace", "Task"), "reconciler.yaml:2:1: kind is not one of"),
    ("typo", WORKSPACE + "limts: {}\n", "reconciler.yaml:5:1: unknown key 'limts'"),
    ("name twice", WORKSPACE + "  - {name: contoso, loginServer: b}\n", "have the name contoso"),
    (
        "server twice",
        WORKSPACE + "  - {name: other, loginServer: Registry.contoso.example}\n",
        "reconciler.yaml:3:1: registries: two registries have the login server",
    ),
    ("variable", WORKSPACE + "vars: {a: [1]}\n", "reconciler.yaml:5:8: vars.a: a variable is"),
    ("price", WORKSPACE + "prices: {linux: -1}\n", "5:10: prices.linux: a price is a number"),
    ("price of", WORKSPACE + "prices: {mac: 1}\n", "5:10: prices.mac is not one of the allowed"),
    ("state", WORKSPACE + "state: mysql://h/d\n", "reconciler.yaml:5:1: state: state is sqlite"),
]


@pytest.mark.parametrize(
    ("text", "said"), [r[1:] for r in WORKSPACES], ids=[r[0] for r in WORKSPACES]
)
def test_a_broken_workspace_file_is_told_with_its_place(desk: Desk, text: str, said: str) -> None:
    outcome = desk.validate({"reconciler.yaml": text, "specs/a.yaml": TASK})
    assert outcome.code == 1
    assert said in outcome


def test_without_a_workspace_it_says_how_to_make_one(desk: Desk) -> None:
    (desk.root / "reconciler.yaml").unlink()
    outcome = desk.run("validate")
    assert outcome.code == 1
    assert "reconciler init" in outcome


# ------------------------------------------------------------------------ JSON
def test_json_has_every_diagnostic_with_its_place(desk: Desk) -> None:
    outcome = desk.validate(TASK + "  timeout: 5\n", "-o", "json")
    content = json.loads(outcome.text)
    assert (outcome.code, content["valid"]) == (1, False)
    (only,) = content["diagnostics"]
    assert (only["file"], only["line"], only["column"]) == ("specs/a.yaml", 7, 3)


@pytest.mark.parametrize(
    "schedule", ["@daily", "0 0 L * *", "0 0 31 2 *", "0 0 * * 7", "* * * *", "60 * * * *"]
)
def test_a_bad_schedule_is_told_at_its_timer(desk: Desk, schedule: str) -> None:
    timers = f'  triggers:\n    timers:\n      nightly: "{schedule}"\n'
    outcome = desk.validate(TASK + timers)
    assert outcome.code == 1
    assert "error: specs/a.yaml:9:7: spec.triggers.timers.nightly: " in outcome
    assert f"'{schedule}'" in outcome
