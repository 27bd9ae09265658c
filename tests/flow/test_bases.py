"""What applied tasks stand on: read by the plan, tracked by apply, shown, and drawn as waves."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.loader.files import WorkspaceFiles
from reconciler.model.run import BaseImage, OutputImage, RunRecord, RunStatus
from reconciler.operations.running.observed import remember_observed
from reconciler.plan.planlines import change_json, read_change
from reconciler.store.runs import insert_run, update_run
from tests.flow.project import Project, new_project

SERVER = "registry.contoso.example"
HUB = "docker.io/library"
GIT = "https://git.contoso.example/web.git#main"


@pytest.fixture(name="project")
def workspace(tmp_path: Path) -> Project:
    return new_project(tmp_path / "workspace")


def dockerfile(project: Project, text: str, folder: str = "web") -> None:
    (project.root / folder).mkdir(exist_ok=True)
    (project.root / folder / "Dockerfile").write_text(text)


def docker(project: Project, name: str = "web-api", **docker: Any) -> None:
    project.write(name, context={"source": "web"}, step={"docker": docker})


def apply(project: Project, *words: str) -> None:
    outcome = project.run("apply", "--auto-approve", *words)
    assert outcome.code == 0, outcome.err


def shown(project: Project, name: str = "web-api") -> Any:
    outcome = project.run("show", name, "-o", "json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)["bases"]


def images(project: Project, name: str = "web-api") -> list[tuple[str, str, str | None]]:
    places = [
        (one["reference"], one["kind"], f"{one['file']}:{one['line']}" if one["file"] else None)
        for one in shown(project, name)["images"]
    ]
    return [(reference, kind, place) for reference, kind, place in places]


def ran(project: Project, *bases: BaseImage, name: str = "web-api", **parts: Any) -> None:
    """A run of a task that ended as the record says."""
    now = datetime.now(UTC)
    number = f"r{name.replace('-', '')}"[:7]
    record = RunRecord(
        id=number, task=f"contoso/{name}", actor="dev", status=RunStatus.RUNNING, queued=now
    )
    ended = {"status": RunStatus.SUCCEEDED, "finished": now, "bases": bases, **parts}
    with project.opened() as opened:
        insert_run(opened.database, record, host="ci", pid=1, process_started="x")
        update_run(opened.database, record.model_copy(update=ended), remember_observed)


# ------------------------------------------------------------ tracked by apply
def test_a_task_that_never_ran_shows_its_bases_and_where_they_stand(project: Project) -> None:
    dockerfile(project, "# syntax=docker/dockerfile:1\nFROM golang:1.22 AS b\nFROM alpine\n"
               "COPY --from=b /a /a\n")  # fmt: skip
    docker(project)
    apply(project)
    assert images(project) == [
        ("docker.io/docker/dockerfile:1", "buildtime", "web/Dockerfile:1"),
        (f"{HUB}/golang:1.22", "buildtime", "web/Dockerfile:2"),
        (f"{HUB}/alpine:latest", "runtime", "web/Dockerfile:3"),
    ]
    found = shown(project)
    assert (found["source"], found["unknown"]) == ("declared", None)
    text = " ".join(project.run("show", "web-api").out.split())
    assert f"bases {HUB}/alpine:latest (runtime, linux/amd64, web/Dockerfile:3)" in text


def test_arguments_and_platforms_are_those_of_the_task(project: Project) -> None:
    dockerfile(project, "ARG BASE=x\nFROM --platform=linux/arm64 a:1 AS b\nFROM $BASE\n"
               "COPY --from=b /a /a\n")  # fmt: skip
    docker(project, args={"BASE": "{{.Run.Registry}}/base:1"})
    apply(project)
    found = {one["reference"]: one["platform"] for one in shown(project)["images"]}
    assert found == {f"{HUB}/a:1": "linux/arm64", f"{SERVER}/base:1": "linux/amd64"}


def test_what_only_a_run_knows_is_said(project: Project) -> None:
    dockerfile(project, "ARG BASE\nFROM alpine:3 AS b\nFROM $BASE\nCOPY --from=b /a /a\n")
    docker(project, args={"BASE": "{{.Run.Registry}}/base:{{.Run.ID}}"})
    apply(project)
    assert [image for image, _, _ in images(project)] == [f"{HUB}/alpine:3"]
    assert shown(project)["unknown"] == f"only a run knows what {SERVER}/base:{{run id}} is"
    assert "more unknown until its first run" in project.run("show", "web-api").out


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "web/Dockerfile: cannot read the file: No such file or directory"),
        ("FROM a\nFROM\n", "web/Dockerfile:2: "),
    ],
)
def test_a_dockerfile_that_cannot_be_read_is_said(
    project: Project, text: str | None, why: str
) -> None:
    (project.root / "web").mkdir()
    if text is not None:
        dockerfile(project, text)
    docker(project)
    apply(project)
    assert shown(project)["images"] == []
    assert shown(project)["unknown"].startswith(why)


def test_a_dockerfile_that_leads_out_is_not_told(project: Project, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("FROM hidden:1\n")
    (project.root / "web").mkdir()
    (project.root / "web/Dockerfile").symlink_to(tmp_path / "secret")
    docker(project)
    apply(project)
    assert shown(project)["unknown"] == "web/Dockerfile: it leads out of the workspace"


def test_a_context_elsewhere_is_unknown_until_a_run(project: Project) -> None:
    project.write()
    apply(project)
    assert shown(project) == {
        "source": "declared",
        "at": shown(project)["at"],
        "unknown": "its context is fetched by the run",
        "images": [],
    }
    assert "unknown until its first run: its context is fetched by the run" in " ".join(
        project.run("show", "web-api").out.split()
    )


# ------------------------------------------------------------ the plan is what is applied
def test_the_bases_of_a_saved_plan_are_what_is_tracked(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkout may be another one by then: nothing of it is read."""
    dockerfile(project, "FROM alpine:3\n")
    docker(project)
    assert project.run("plan", "--out", str(project.root / "p.json")).code == 0
    dockerfile(project, "FROM other:1\n")
    read = counted(monkeypatch)
    apply(project, str(project.root / "p.json"))
    assert [image for image, _, _ in images(project)] == [f"{HUB}/alpine:3"]
    assert not [name for name in read if name.endswith("Dockerfile")]


def test_each_dockerfile_and_task_file_is_read_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    dockerfile(project, f"FROM {SERVER}/base:1\n")
    (project.root / "web/acb.yaml").write_text(
        "steps:\n  - build: -t $Registry/web:1 .\n  - push: [$Registry/web:1]\n"
    )
    for name in ("web-api", "shop-api"):
        docker(project, name)
    project.write("file-task", context={"source": "web"}, step={"file": {"path": "acb.yaml"}})
    read = counted(monkeypatch)
    apply(project, "--target", "*")
    assert {name: read[name] for name in ("web/Dockerfile", "web/acb.yaml")} == {
        "web/Dockerfile": 1,
        "web/acb.yaml": 1,
    }


def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    read: Counter[str] = Counter()
    real = WorkspaceFiles.read

    def reading(self: WorkspaceFiles, file: str) -> bytes:
        read[file] += 1
        return real(self, file)

    monkeypatch.setattr(WorkspaceFiles, "read", reading)
    return read


def test_a_change_keeps_its_bases_in_the_journal(project: Project) -> None:
    dockerfile(project, "FROM alpine:3\n")
    docker(project)
    content = json.loads(project.run("plan", "-o", "json").out)
    change = read_change(json.dumps(content["changes"][0]))
    assert change.bases is not None
    assert change.bases.images[0].reference == f"{HUB}/alpine:3"
    assert read_change(change_json(change)) == change


@pytest.mark.parametrize("when", ["before", "written", "settled"])
def test_an_apply_that_was_killed_and_resumed_tracks_what_its_plan_saw(
    project: Project, when: str
) -> None:
    dockerfile(project, "FROM alpine:3\n")
    docker(project)
    words = ("apply", "--auto-approve", "--fault-point", f"1:{when}")
    assert project.finish(*words).code == -9
    dockerfile(project, "FROM other:1\n")
    assert project.run("apply", "--resume").code == 0
    assert [image for image, _, _ in images(project)] == [f"{HUB}/alpine:3"]


def test_bases_go_with_a_rename_and_with_a_delete(project: Project) -> None:
    dockerfile(project, "FROM alpine:3\n")
    docker(project)
    apply(project)
    (project.root / "specs/web-api.yaml").unlink()
    project.write(
        "web-new",
        metadata={"movedFrom": ["web-api"]},
        context={"source": "web"},
        step={"docker": {}},
    )
    apply(project)
    assert on(project, "alpine:3") == ["contoso/web-new"]
    (project.root / "specs/web-new.yaml").unlink()
    apply(project)
    assert on(project, "alpine:3") == []


def on(project: Project, image: str) -> list[str]:
    found = json.loads(project.run("graph", "--base", image, "-o", "json").out)["rebuilds"]
    assert found["waves"] == []
    return [one["task"] for one in found["left"]]


def test_an_imported_task_is_tracked(project: Project) -> None:
    dockerfile(project, "FROM alpine:3\n")
    docker(project)
    apply(project)
    with project.opened() as opened:
        (live,) = opened.provider.read_all()
        opened.provider.create("contoso/by-hand", live.document.replace("web-api", "by-hand"))
    outcome = project.run("import", "by-hand")
    assert outcome.code == 0, outcome.err
    assert [image for image, _, _ in images(project, "by-hand")] == [f"{HUB}/alpine:3"]


# ------------------------------------------------------------ tasks with steps
def test_the_builds_of_a_task_file_are_tracked_and_its_tools_are_not(project: Project) -> None:
    dockerfile(project, "FROM alpine:3\n")
    (project.root / "web/inner").mkdir()
    (project.root / "web/inner/D").write_text(f"ARG B\nFROM $B\nCOPY --from={SERVER}/web:1 / /\n")
    (project.root / "web/acb.yaml").write_text(
        "version: v1.1.0\nsteps:\n"
        "  - cmd: bash -c 'make'\n"
        "  - build: -t $Registry/web:1 .\n"
        "  - build: -t x:1 -f inner/D --build-arg B=$Registry/base:{{.Values.tag}} inner\n"
        "  - build: -t y:1 https://git.contoso.example/y.git\n    id: far\n"
    )
    step = {"path": "acb.yaml", "set": {"tag": "7"}}
    project.write(context={"source": "web"}, step={"file": step})
    apply(project)
    assert images(project) == [
        (f"{HUB}/alpine:3", "runtime", "web/Dockerfile:1"),
        (f"{SERVER}/base:7", "runtime", "web/inner/D:2"),
    ]
    assert shown(project)["unknown"] == 'the context of step "far" is fetched by the run'


def test_inline_builds_are_tracked_and_a_task_without_a_build_has_none(project: Project) -> None:
    dockerfile(project, "FROM alpine:3\n")
    steps = [{"build": "-t $Registry/web:1 ."}]
    project.write(context={"source": "web"}, step={"inline": {"steps": steps}})
    project.write("tool-task", step={"inline": {"steps": [{"cmd": "alpine:3 true"}]}})
    apply(project)
    assert images(project) == [(f"{HUB}/alpine:3", "runtime", "web/Dockerfile:1")]
    assert shown(project, "tool-task")["images"] == []
    assert shown(project, "tool-task")["unknown"] is None
    assert "none: nothing it builds comes from an image" in project.run("show", "tool-task").out


def test_a_task_file_that_is_fetched_is_unknown(project: Project) -> None:
    project.write(step={"file": {"path": "acb.yaml"}})
    apply(project)
    assert shown(project)["unknown"] == "its context is fetched by the run"


# ------------------------------------------------------------ corrected by runs
ALPINE = BaseImage(reference="alpine:3", role="runtime", digest=f"sha256:{'1' * 64}")
TOOL = BaseImage(reference="bash:5", role="step")
OWN = BaseImage(reference=f"{SERVER}/own:1", role="buildtime")


def test_a_run_tells_what_was_unknown(project: Project) -> None:
    project.write()
    apply(project)
    made = (OutputImage(reference=f"{SERVER}/own:1"),)
    ran(project, ALPINE, TOOL, OWN, outputs=made)
    assert images(project) == [(f"{HUB}/alpine:3", "runtime", None)]
    found = shown(project)
    assert (found["source"], found["unknown"]) == ("observed", None)
    assert "seen by a run" in " ".join(project.run("show", "web-api").out.split())


@pytest.mark.parametrize(
    "parts",
    [
        {"status": RunStatus.FAILED},
        {"overrides": {"target": "x"}},
        {"rerun_of": "r1"},
        {"bases_unread": True},
    ],
)
def test_a_run_that_does_not_tell_all_of_the_task_tells_nothing(
    project: Project, parts: dict[str, Any]
) -> None:
    project.write()
    apply(project)
    ran(project, ALPINE, **parts)
    assert shown(project)["source"] == "declared"


def test_what_a_run_told_stays_until_the_build_is_another(project: Project) -> None:
    project.write()
    apply(project)
    ran(project, ALPINE)
    project.write(timeout=900)
    apply(project)
    assert shown(project)["source"] == "observed"
    known = shown(project)["images"]
    project.write(context={"source": "https://git.contoso.example/other.git#main"})
    apply(project)
    found = shown(project)
    assert (found["source"], found["unknown"]) == (
        "declared",
        "its context is fetched by the run",
    )
    assert found["images"] == known, "until its files were read: a build too many is better"
    assert "more unknown until its next run" in project.run("show", "web-api").out
    project.write(context={"source": "https://git.contoso.example/third.git#main"})
    apply(project)
    assert shown(project)["images"] == known


def test_what_the_files_here_say_now_is_not_mixed_with_what_they_said(project: Project) -> None:
    dockerfile(project, "FROM alpine:3\n")
    docker(project)
    apply(project)
    dockerfile(project, "ARG X\nFROM debian:12 AS b\nFROM $X\nCOPY --from=b / /\n")
    docker(project, args={"X": "web:{{.Run.ID}}"})
    apply(project)
    assert shown(project)["unknown"] is not None
    assert [image for image, _, _ in images(project)] == [f"{HUB}/debian:12"]


def test_the_graph_knows_what_runs_told(project: Project) -> None:
    project.write()
    apply(project)
    assert "alpine" not in project.run("graph").out
    ran(project, ALPINE)
    assert f'[("{HUB}/alpine#58;3")]' in project.run("graph").out.replace(":", "#58;")


# ------------------------------------------------------------ waves
@pytest.fixture(name="tree")
def four_tasks(project: Project) -> Project:
    """base -> (left, right) -> app; and two that a push does not build anew."""
    for name, text in (
        ("base", "FROM alpine:3\n"),
        ("left", f"FROM {SERVER}/base:1\n"),
        ("right", f"FROM {SERVER}/base:1\n"),
        ("app", f"FROM {SERVER}/left:1 AS l\nFROM {SERVER}/right:1\nCOPY --from=l / /\n"),
        ("silent", f"FROM {SERVER}/base:1\n"),
        ("tools", f"FROM {SERVER}/base:1 AS b\nFROM scratch\nCOPY --from=b / /\n"),
    ):
        dockerfile(project, text, name)
        triggers = {} if name == "silent" else {"baseImage": {"type": "All"}}
        project.write(
            f"{name}-image",
            context={"source": name},
            step={"docker": {"images": [f"{name}:1"]}},
            triggers={"baseImage": {}} if name == "tools" else triggers,
        )
    apply(project)
    return project


def test_a_push_to_a_base_is_told_in_waves(tree: Project) -> None:
    outcome = tree.run("graph", "--base", "alpine:3", "-o", "json")
    found = json.loads(outcome.out)
    assert found["rebuilds"] == {
        "image": f"{HUB}/alpine:3",
        "waves": [
            ["contoso/base-image"],
            ["contoso/left-image", "contoso/right-image"],
            ["contoso/app-image"],
        ],
        "left": [
            {"task": "contoso/silent-image", "why": "no trigger"},
            {"task": "contoso/tools-image", "why": "not its kind"},
        ],
        "at_once": 10,
        "platforms": ["linux/amd64"],
        "unknown": [],
    }
    assert {(one["source"], one["target"]) for one in found["edges"]} == {
        (f"image {HUB}/alpine:3", "task contoso/base-image"),
        ("task contoso/base-image", "task contoso/left-image"),
        ("task contoso/base-image", "task contoso/right-image"),
        ("task contoso/left-image", "task contoso/app-image"),
        ("task contoso/right-image", "task contoso/app-image"),
    }
    assert f"a push to {HUB}/alpine:3 rebuilds 4 tasks in 3 waves\n" in outcome.err
    assert "without a base image trigger that is on: contoso/silent-image" in outcome.err


def test_waves_are_drawn_in_both_languages(tree: Project) -> None:
    mermaid = tree.run("graph", "--base", f"{SERVER}/left:1").out
    assert mermaid == (
        "flowchart LR\n"
        f'  n1[("{SERVER}/left:1")]\n'
        '  subgraph wave1["wave 1"]\n'
        '    n2["contoso/app-image"]\n'
        "  end\n"
        "  n1 --> n2\n"
    )
    dot = tree.run("graph", "--base", f"{SERVER}/left:1", "-o", "dot").out
    assert '  subgraph cluster_1 {\n    label="wave 1";\n    n2 [label=' in dot


def test_tasks_of_which_nothing_is_known_are_told(tree: Project) -> None:
    tree.write("far-image")
    apply(tree)
    outcome = tree.run("graph", "--base", "alpine:3", "-o", "json")
    assert json.loads(outcome.out)["rebuilds"]["unknown"] == ["contoso/far-image"]
    assert "not known yet what all they stand on: contoso/far-image" in outcome.err


def test_an_image_that_nobody_stands_on_is_told_with_a_near_name(tree: Project) -> None:
    outcome = tree.run("graph", "--base", "alpine:4")
    assert outcome.code == 0
    assert "rebuilds no applied task" in outcome.err
    assert f"did you mean {HUB}/alpine:3?" in outcome.err


@pytest.mark.parametrize("words", [("--base", "A B"), ("--base", "a", "--target", "x")])
def test_wrong_words_are_wrong_usage(tree: Project, words: tuple[str, ...]) -> None:
    assert tree.run("graph", *words).code == 64


def test_tasks_that_build_on_each_other_are_built_once_each(project: Project) -> None:
    """Nothing declares it: only their runs told what they stand on."""
    for name in ("one", "two"):
        project.write(
            f"{name}-image",
            step={"docker": {"images": [f"{name}:1"]}},
            triggers={"baseImage": {}},
        )
    apply(project)
    for name, base in (("one", "two"), ("two", "one")):
        image = BaseImage(reference=f"{SERVER}/{base}:1", role="runtime")
        ran(project, image, name=f"{name}-image")
    found = json.loads(project.run("graph", "--base", f"{SERVER}/two:1", "-o", "json").out)
    assert sorted(name for wave in found["rebuilds"]["waves"] for name in wave) == [
        "contoso/one-image",
        "contoso/two-image",
    ]
    assert found["rebuilds"]["left"] == []
