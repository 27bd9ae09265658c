"""A declared task is tried before it is applied, with other values than its own."""

from __future__ import annotations

import subprocess
import uuid

import pytest

from tests.live.workshop import Workshop


@pytest.fixture
def declared(workshop: Workshop) -> Workshop:
    """A workshop with a task that is declared and was never applied."""
    workshop.context("app")
    (workshop.root / "app" / "Dockerfile").write_text(
        f"FROM {workshop.base} AS app\nARG WHO=nobody\nCOPY mark /\nRUN cat /mark; echo by-$WHO\n"
        "FROM app AS last\nRUN echo the-last-stage\n"
    )
    (workshop.root / "app" / "mark").write_text(f"own-{uuid.uuid4()}")
    (workshop.root / "specs").mkdir()
    (workshop.root / "specs" / "web.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Task\nmetadata: {name: web-api, registry: contoso}\n"
        "spec:\n  context: {source: app}\n  step: {docker: {images: [tried]}}\n"
    )
    return workshop


def tried(workshop: Workshop, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = workshop.call("run", "web-api", *words)
    assert done.returncode == code, done.stderr + done.stdout
    return done


def test_a_task_is_tried_as_its_spec_on_disk_has_it_before_it_is_applied(
    declared: Workshop,
) -> None:
    assert "once it is applied" in tried(declared, code=1).stderr
    done = tried(declared, "--no-push", "--arg", "WHO=me", "--target", "app")
    assert "by-me" in done.stdout
    assert "the-last-stage" not in done.stdout
    assert declared.last()["overrides"] == {
        "spec": "specs/web.yaml", "push": "false", "target": "app", "args.WHO": "me",
    }  # fmt: skip
    assert [output["digest"] for output in declared.last()["outputs"]] == [None]


def test_a_task_is_tried_on_another_folder(declared: Workshop) -> None:
    other = declared.root / "other"
    other.mkdir()
    (other / "Dockerfile").write_text((declared.root / "app" / "Dockerfile").read_text())
    (other / "mark").write_text(f"other-{uuid.uuid4()}\n")
    done = tried(declared, "--context", "../" + declared.root.name + "/other", "--no-push")
    assert (other / "mark").read_text().strip() in done.stdout
    assert declared.last()["overrides"]["context"].endswith("/other")


def test_a_wrong_spec_is_told_and_no_older_one_is_run(declared: Workshop) -> None:
    spec = declared.root / "specs" / "web.yaml"
    assert declared.call("apply", "--auto-approve").returncode == 0
    spec.write_text(spec.read_text().replace("images", "imges"))
    done = tried(declared, "--no-push", code=1)
    assert "specs/web.yaml:6:19" in done.stderr + done.stdout
    assert declared.records() == []


def test_what_fails_a_mandatory_rule_is_tried_but_not_published(declared: Workshop) -> None:
    (declared.root / "policies").mkdir()
    (declared.root / "policies" / "rules.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Policy\nrules: [{name: ownership}]\n"
    )
    done = tried(declared, "--arg", "WHO=me", code=3)
    assert "specs/web.yaml:" in done.stderr
    assert "[ownership" in done.stderr
    assert "3 policy failures" in done.stderr
    assert declared.records() == []
    assert "by-me" in tried(declared, "--arg", "WHO=me", "--no-push").stdout
    (declared.root / "policies" / "waiver.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Waiver\nrule: ownership\n"
        "match: {address: contoso/web-api}\nowner: security@contoso.example\n"
        "reason: it is new\nexpires: 2099-01-01\n"
    )
    tried(declared, "--arg", "WHO=me")
    assert declared.last()["outputs"][0]["digest"].startswith("sha256:")


def test_wrong_policies_are_told_before_a_try(declared: Workshop) -> None:
    (declared.root / "policies").mkdir()
    (declared.root / "policies" / "rules.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Policy\nrules: [{name: ownrship}]\n"
    )
    assert "policies/rules.yaml:3" in tried(declared, "--arg", "WHO=me", code=1).stderr
    assert declared.records() == []
