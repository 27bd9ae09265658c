"""Words of the command line become a request, or an error that says what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.base.diagnostics import Location
from reconciler.base.errors import WrongUsage
from reconciler.base.source import Located, Source
from reconciler.model.task import Task
from reconciler.model.workspace import Workspace
from reconciler.operations.running.run_overrides import Declares, TaskWords, checked_location
from reconciler.operations.running.run_requests import (
    BuildWords,
    UnknownTask,
    build_request,
    find_task,
    new_run_id,
    secret_reference,
    task_request,
)
from reconciler.providers.base import LiveTask
from reconciler.runner.request import RunRequest

REGISTRY = {"name": "contoso", "loginServer": "registry.contoso.example"}


def workspace(*registries: dict[str, str]) -> Workspace:
    fields = {"apiVersion": "reconciler/v1", "kind": "Workspace", "registries": registries}
    return Workspace.model_validate(fields)


def build(**words: Any) -> RunRequest:
    return build_request(BuildWords("app", **words), workspace(REGISTRY), "dev")


def test_a_registry_is_found_by_its_name() -> None:
    assert build(registry="contoso", images=["web"]).login_server == "registry.contoso.example"


@pytest.mark.parametrize("server", ["other.example", "127.0.0.1:5000", "localhost", "host:80"])
def test_a_registry_can_be_a_login_server(server: str) -> None:
    assert build(registry=server, images=["web"]).login_server == server


def test_the_only_registry_needs_no_word() -> None:
    assert build(images=["web"]).login_server == "registry.contoso.example"


def test_a_misspelt_registry_is_told_with_the_right_name() -> None:
    with pytest.raises(WrongUsage) as caught:
        build(registry="contosso", images=["web"])
    assert caught.value.hint == "did you mean contoso?"


def test_a_push_without_any_registry_is_wrong_usage() -> None:
    with pytest.raises(WrongUsage, match="needs a registry"):
        build_request(BuildWords("app", images=["web"]), workspace(), "dev")


def test_without_an_image_no_registry_is_needed_and_nothing_is_pushed() -> None:
    request = build_request(BuildWords("app"), workspace(), "dev")
    assert (request.pushes, request.login_server) == (False, None)


def test_words_become_the_step() -> None:
    request = build(args=["A=1=2"], secrets=["NPM"], target="t", no_cache=True, images=["web"])
    step = request.step
    assert step.args == {"A": "1=2"}
    assert step.secrets == {"NPM": "env:NPM"}
    assert (step.target, step.no_cache, request.pushes) == ("t", True, True)


@pytest.mark.parametrize(
    "words",
    [
        {"args": ["A"]},
        {"args": ["=1"]},
        {"images": ["UPPER"]},
        {"platform": "plan9"},
        {"timeout": 0},
        {"timeout": 30000},
        {"args": ["A=1"], "secrets": ["A"]},
        {"file": ""},
    ],
)
def test_wrong_words_are_wrong_usage(words: dict[str, Any]) -> None:
    with pytest.raises(WrongUsage):
        build(**words)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("NPM", ("NPM", "env:NPM")),
        ("NPM=env:X", ("NPM", "env:X")),
        ("npm-token=file:/run/x", ("npm-token", "file:/run/x")),
    ],
)
def test_a_secret_is_a_reference(text: str, pair: tuple[str, str]) -> None:
    assert secret_reference(text) == pair


@pytest.mark.parametrize("text", ["NPM=planted", "planted value", "=env:X", "A=vault:planted"])
def test_a_secret_value_on_the_command_line_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        secret_reference(text)
    assert "planted" not in f"{caught.value.message}{caught.value.hint}"


def test_a_token_like_argument_is_refused_and_not_repeated() -> None:
    with pytest.raises(WrongUsage) as caught:
        build(args=["T=ghp_0123456789abcdefplanted"])
    assert "planted" not in caught.value.message


def test_run_ids_are_short_and_safe_in_tags() -> None:
    assert re.fullmatch(r"r[a-z0-9]{6}", new_run_id())


# --------------------------------------------------------------------- tasks
def document(name: str, registry: str = "contoso", **spec: Any) -> LiveTask:
    from reconciler.base.canonical import canonical_json

    step = {"docker": {"images": ["web"], "args": {"A": "1"}}}
    body = {"context": {"source": "app"}, "step": step, "timeout": 600, **spec}
    fields = {
        "apiVersion": "reconciler/v1",
        "kind": "Task",
        "metadata": {"name": name, "registry": registry},
        "spec": body,
    }
    return LiveTask(f"{registry}/{name}", canonical_json(fields), None, None)


@dataclass
class Live:
    """A provider that only reads."""

    tasks: list[LiveTask] = field(default_factory=list)

    def read_all(self) -> Iterable[LiveTask]:
        return self.tasks

    def read(self, address: str) -> LiveTask | None:
        return next((task for task in self.tasks if task.address == address), None)


def live(*tasks: LiveTask) -> Any:
    return Live(list(tasks))


@pytest.mark.parametrize("name", ["contoso/web-api", "web-api"])
def test_a_task_is_found_by_its_address_or_its_name(name: str) -> None:
    assert find_task(name, live(document("web-api"))).address == "contoso/web-api"


def test_a_name_of_two_tasks_needs_the_address() -> None:
    with pytest.raises(WrongUsage, match="2 tasks"):
        find_task("web-api", live(document("web-api"), document("web-api", "other")))


def test_an_unknown_task_is_told_with_the_nearest_name() -> None:
    with pytest.raises(UnknownTask) as caught:
        find_task("web-apl", live(document("web-api")))
    assert caught.value.hint == "did you mean web-api?"


def request(words: TaskWords, task: LiveTask) -> RunRequest:
    return task_request(words, workspace(REGISTRY), live(task), "dev")


def test_a_run_takes_everything_from_its_task() -> None:
    found = request(TaskWords("web-api"), document("web-api", network={"egress": "none"}))
    assert (found.task, found.source, found.timeout, found.offline) == (
        "contoso/web-api",
        "app",
        600,
        True,
    )
    assert (found.login_server, found.overrides) == ("registry.contoso.example", {})


def test_overrides_are_used_and_written_down() -> None:
    words = TaskWords("web-api", push=False, no_cache=True, timeout=5)
    found = request(words, document("web-api"))
    assert (found.step.push, found.step.no_cache, found.timeout) == (False, True, 5)
    assert found.overrides == {"push": "false", "no_cache": "true", "timeout": "5"}


def disk(**spec: Any) -> Declares:
    task = Task.model_validate_json(document("web-api", **spec).document)
    source = Source("specs/web.yaml", 1, lambda _path: Location("specs/web.yaml"))
    return lambda name: Located(task, source) if name == "web-api" else None


def tried(declares: Declares, **words: Any) -> RunRequest:
    wanted = TaskWords("web-api", **words)
    return task_request(wanted, workspace(REGISTRY), live(document("web-api")), "dev", declares)


@pytest.mark.parametrize(
    "words", [{"context": "."}, {"args": ["A=1"]}, {"target": "test"}, {"push": False}]
)
def test_a_task_that_is_tried_is_the_one_on_disk_and_that_is_written_down(
    words: dict[str, Any],
) -> None:
    found = tried(disk(timeout=900), **words)
    assert (found.timeout, found.overrides["spec"]) == (900, "specs/web.yaml")


@pytest.mark.parametrize("words", [{}, {"no_cache": True}, {"timeout": 5}])
def test_a_task_that_is_only_run_is_the_applied_one(words: dict[str, Any]) -> None:
    found = tried(disk(platform="linux/arm64"), **words)
    assert (found.platform, "spec" in found.overrides) == ("linux/amd64", False)


def test_a_task_without_a_spec_on_disk_is_tried_as_it_was_applied() -> None:
    found = tried(lambda _name: None, target="test")
    assert (found.timeout, found.step.target, found.overrides) == (600, "test", {"target": "test"})


def test_arguments_are_added_to_the_tasks_own_and_written_down() -> None:
    own = {"docker": {"images": ["web:1"], "args": {"A": "1", "B": "1"}}}
    found = tried(disk(step=own), args=["B=2", "C=x=y"])
    assert found.step.args == {"A": "1", "B": "2", "C": "x=y"}
    assert found.step.images == ("web:1",)
    assert found.overrides == {"spec": "specs/web.yaml", "args.B": "2", "args.C": "x=y"}


@pytest.mark.parametrize("word", ["A", "=1", "A=https://x:ghp_0123456789@h.example/"])
def test_an_argument_that_is_none_or_a_credential_is_wrong_usage(word: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        tried(disk(), args=[word])
    assert "ghp_" not in str(caught.value)


def test_values_of_task_files_are_refused_for_a_docker_step() -> None:
    with pytest.raises(WrongUsage, match="docker step") as caught:
        tried(disk(), settings=["a=b"])
    assert "--arg" in str(caught.value.hint)


def test_a_folder_that_a_person_names_is_relative_to_where_he_stands() -> None:
    found = tried(disk(), context="../x", folder="/somewhere")
    assert (found.source, found.folder) == ("../x", "/somewhere")


PRIVATE = {"source": "https://git.example/web.git", "token": {"secret": "env:PAT"}}


@pytest.mark.parametrize(
    ("context", "sent"),
    [
        (None, True),
        ("https://git.example/fork.git#x", True),
        ("https://GIT.example/fork.git#x", True),
        ("https://evil.example/web.git", False),
        ("https://git.example.evil.example/web.git", False),
        ("http://git.example/web.git", False),
        ("https://git.example:8443/web.git", False),
        (".", False),
    ],
)
def test_the_tasks_token_goes_to_no_other_host(context: str | None, sent: bool) -> None:
    found = tried(disk(context=PRIVATE), context=context, target="t")
    assert (found.token is not None) is sent


def test_a_context_with_a_credential_is_refused_and_not_repeated() -> None:
    text = "https://user:planted@git.example/web.git"
    with pytest.raises(WrongUsage) as caught:
        tried(disk(), context=text)
    assert "planted" not in str(caught.value)
    with pytest.raises(WrongUsage) as caught:
        build_request(BuildWords(text), workspace(REGISTRY), "dev")
    assert "planted" not in str(caught.value)


FILE = {"file": {"path": "task.yaml", "set": {"a": "1", "b": "1"}}}


def test_values_are_added_to_those_of_a_task_file_and_written_down() -> None:
    found = tried(disk(step=FILE), settings=["b=2"])
    assert found.multi is not None
    assert found.multi.source.set == {"a": "1", "b": "2"}
    assert found.overrides == {"spec": "specs/web.yaml", "set.b": "2"}


@pytest.mark.parametrize("words", [{"args": ["A=1"]}, {"target": "t"}, {"no_cache": True}])
def test_words_of_a_docker_step_are_refused_for_a_task_file(words: dict[str, Any]) -> None:
    with pytest.raises(WrongUsage, match="docker step"):
        request(TaskWords("web-api", **words), document("web-api", step=FILE))


def test_a_task_of_an_undeclared_registry_is_refused() -> None:
    with pytest.raises(UnknownTask, match=r"not in reconciler\.yaml"):
        request(TaskWords("web-api"), document("web-api", "gone"))


def test_an_empty_location_is_told_with_what_is_one() -> None:
    with pytest.raises(WrongUsage, match="this is no context: it is empty; a context is a folder"):
        checked_location("")
