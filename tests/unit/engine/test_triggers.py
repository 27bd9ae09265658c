from __future__ import annotations

from typing import Any

import pytest

from reconciler.engine.triggers import Decision, decide, listening
from reconciler.model.event import PullRequest, Push, Verdict
from reconciler.model.task import Task

KEY = "github.com/contoso/web"
AFTER = "2" * 40
SOURCE = "https://github.com/contoso/web.git#main:api"


def task(source: str = SOURCE, status: str = "Enabled", **triggers: Any) -> Task:
    return Task.model_validate(
        {
            "apiVersion": "reconciler/v1",
            "kind": "Task",
            "metadata": {"name": "web-api", "registry": "contoso"},
            "spec": {
                "status": status,
                "context": {"source": source, "token": {"secret": "env:PAT"}},
                "step": {"docker": {"images": ["web:1"]}},
                "triggers": triggers,
            },
        }
    )


def push(ref: str = "refs/heads/main", **other: Any) -> Push:
    given = {"repository": KEY, "ref": ref, "before": "1" * 40, "after": AFTER}
    return Push(**({"default_branch": "main"} | given | other))


def request(**other: Any) -> PullRequest:
    given = {"repository": KEY, "number": 7, "action": "opened", "target": "main", "head": AFTER}
    return PullRequest(**(given | {"fork": False, "default_branch": "main"} | other))


def verdict(event: Push | PullRequest, of: Task) -> str:
    (found,) = decide(event, listening("contoso/web-api", of))
    return found.verdict.value


def test_a_push_to_its_branch_queues_a_task() -> None:
    found = decide(push(files=("api/x",)), listening("contoso/web-api", task(commit={})))
    assert found == [Decision("contoso/web-api", "commit", "default", Verdict.QUEUED)]


def test_nobody_else_is_asked() -> None:
    both = task(commit={}, pullRequest={})
    assert [one.name for one in listening("a/b", both)] == ["commit", "pullRequest"]
    assert decide(push(repository="github.com/contoso/other"), listening("a/b", both)) == []
    assert [one.trigger for one in decide(push(), listening("a/b", both))] == ["commit"]
    assert [one.trigger for one in decide(request(), listening("a/b", both))] == ["pullRequest"]


@pytest.mark.parametrize(
    ("source", "branch", "pushed", "expected"),
    [
        (SOURCE, None, "main", "queued"),
        (SOURCE, None, "other", "other-branch"),
        (SOURCE, "release", "release", "queued"),
        (SOURCE, "release", "main", "other-branch"),
        (SOURCE, "release/*", "release/1/x", "queued"),
        (SOURCE, "release/*", "release", "other-branch"),
        (SOURCE.partition("#")[0], None, "main", "queued"),
        (SOURCE.partition("#")[0], None, "dev", "other-branch"),
        (SOURCE.replace("main", ""), None, "main", "queued"),
        (SOURCE.replace("main", "refs/heads/main"), None, "main", "queued"),
    ],
)
def test_which_branch(source: str, branch: str | None, pushed: str, expected: str) -> None:
    trigger = {} if branch is None else {"branch": branch}
    assert verdict(push(f"refs/heads/{pushed}"), task(source, commit=trigger)) == expected


def test_without_a_branch_anywhere_none_is_taken_by_chance() -> None:
    bare = task(SOURCE.partition("#")[0], commit={})
    assert verdict(push(default_branch=None), bare) == "other-branch"


def test_tags_and_deletes_are_left_out_unless_asked_for() -> None:
    tag = push("refs/tags/v1")
    assert verdict(tag, task(commit={})) == "tag"
    assert verdict(tag, task(commit={"tags": True})) == "queued"
    assert verdict(push("refs/notes/x"), task(commit={"tags": True})) == "tag"
    assert verdict(push(after=None), task(commit={})) == "deleted"
    assert verdict(push("refs/tags/v1", after=None), task(commit={"tags": True})) == "deleted"


@pytest.mark.parametrize(
    ("files", "paths", "expected"),
    [
        (("api/a.py",), {"include": ["api/**"]}, "queued"),
        (("web/a.py",), {"include": ["api/**"]}, "path-filter"),
        (("api/README.md",), {"include": ["api/**"], "exclude": ["**/*.md"]}, "path-filter"),
        (("README.md", "api/a.py"), {"exclude": ["**/*.md"]}, "queued"),
        (("README.md",), {"exclude": ["**/*.md"]}, "path-filter"),
        (("docs/a/b.md",), {"exclude": ["docs/"]}, "path-filter"),
        ((), {"include": ["api/**"]}, "path-filter"),
        (None, {"include": ["api/**"]}, "queued"),
        (("anything",), {}, "queued"),
    ],
)
def test_which_files(files: tuple[str, ...] | None, paths: dict[str, Any], expected: str) -> None:
    assert verdict(push(files=files), task(commit={"paths": paths})) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (request(), "queued"),
        (request(action="synchronize"), "queued"),
        (request(action="reopened"), "queued"),
        (request(action="ready_for_review"), "queued"),
        (request(action="edited", retargeted=True), "queued"),
        (request(action="edited"), "action"),
        (request(action="closed"), "action"),
        (request(action="labeled"), "action"),
        (request(target="release"), "other-branch"),
        (request(fork=True), "fork"),
    ],
)
def test_which_pull_requests(event: PullRequest, expected: str) -> None:
    assert verdict(event, task(pullRequest={})) == expected


def test_forks_run_where_that_is_declared() -> None:
    assert verdict(request(fork=True), task(pullRequest={"forks": "allow"})) == "queued"
    assert (
        verdict(request(fork=True, action="closed"), task(pullRequest={"forks": "allow"}))
        == "action"
    )


def test_what_is_switched_off_says_so_first() -> None:
    off = task(commit={"status": "Disabled"})
    assert verdict(push("refs/heads/other"), off) == "trigger-off"
    assert verdict(push(), task(status="Disabled", commit={})) == "task-off"


def test_each_of_several_triggers_decides_for_itself() -> None:
    own = {"name": "docs", "repository": "https://github.com/contoso/docs.git#pages"}
    both = task(commit=[{}, {"branch": "dev"}, own])
    assert [one.name for one in listening("a/b", both)] == ["commit", "commit-2", "docs"]
    found = [(one.trigger, one.verdict.value) for one in decide(push(), listening("a/b", both))]
    assert found == [("commit", "queued"), ("commit-2", "other-branch")]
    other = push("refs/heads/pages", repository="github.com/contoso/docs")
    assert verdict(other, both) == "queued"


def test_a_decision_names_the_pool_of_the_task() -> None:
    own = task(commit={})
    spec = own.spec.model_copy(update={"agent": own.spec.agent.model_copy(update={"pool": "arm"})})
    (found,) = decide(push(), listening("a/b", own.model_copy(update={"spec": spec})))
    assert found.pool == "arm"


def test_a_task_without_a_repository_listens_to_nothing() -> None:
    assert list(listening("a/b", task(source="."))) == []


@pytest.mark.parametrize(
    ("source", "event", "expected"),
    [
        (SOURCE, push(), False),
        (SOURCE, push("refs/heads/release/1"), True),
        (SOURCE, push("refs/tags/main"), False),  # a name may mean either
        ("https://github.com/contoso/web.git#refs/heads/main", push(), False),
        ("https://github.com/contoso/web.git", push(), False),
        ("https://github.com/contoso/web.git", push("refs/heads/next"), True),
        ("https://github.com/contoso/web.git", push("refs/heads/x", default_branch=None), False),
        ("https://github.com/contoso/web.git#v1", push(), True),
        ("https://github.com/contoso/else.git#main", push("refs/heads/next"), False),
        ("app", push("refs/heads/next"), False),
        (SOURCE, request(), True),
        ("https://github.com/contoso/else.git#main", request(), False),
    ],
)
def test_what_is_built_apart_from_the_other_runs_of_its_task(
    source: str, event: Push | PullRequest, expected: bool
) -> None:
    trigger = {"branch": "*", "repository": "https://github.com/contoso/web.git"}
    of = task(source, commit=trigger, pullRequest=trigger)
    found = decide(event, listening("contoso/web-api", of))
    assert [one.apart for one in found] == [expected]
