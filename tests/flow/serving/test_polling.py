"""A real daemon that asks a real Git server what has moved: nobody sends it a message."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from reconciler.model.event import Source, Verdict
from reconciler.operations.doctoring.unpolled import unpolled_findings
from reconciler.store.decisions import list_decisions
from reconciler.store.runs import list_runs
from tests.flow.project import new_project
from tests.flow.serving.desk import daemon, eventually, state
from tests.live.git_server import add_commit, git, make_repository, serve_git

TOKEN = "gitpat-0123456789-planted"


def test_a_branch_that_moved_has_a_run_also_if_nobody_was_there_then(tmp_path: Path) -> None:
    work, _ = make_repository(tmp_path / "root", "app", {"a": "1"}, branch="main")
    project = new_project(tmp_path / "workspace")
    with serve_git(tmp_path / "root", username="x-access-token", password=TOKEN) as server:
        config = project.root / "reconciler.yaml"
        config.write_text(config.read_text() + f'hosts: {{"{server.host}": {{insecure: true}}}}\n')
        context = {"source": f"{server.url}/app.git#main", "token": {"secret": "env:GIT_PAT"}}
        project.write("web-api", context=context, triggers={"commit": {"poll": "10s"}})
        assert project.run("apply", "--auto-approve").code == 0
        with daemon(project.root, "--no-worker", GIT_PAT=TOKEN) as at:
            eventually(lambda: server.requests)
            eventually(lambda: _refs_known(at.root))
            assert at.stop() == 0
        commit = add_commit(work, {"a": "2"}, "second")
        git(work, "push", "--quiet", "origin", "main")
        with daemon(project.root, "--no-worker", GIT_PAT=TOKEN) as at:
            (told,) = eventually(lambda: at.told("poll"))
            with state(at.root) as opened:
                (record,) = list_runs(opened)
        assert (told["repository"], told["runs"]) == (f"{server.host}/app", record.id)
        assert (record.task, record.trigger, record.actor) == ("contoso/web-api", "commit", "poll")
        assert record.commit == commit
        with daemon(project.root, "--no-worker", GIT_PAT="wrong") as at:
            (told,) = eventually(lambda: at.told("poll"))
            assert "error" in told
            assert "wrong" not in str(told)
        with state(project.root) as opened:
            assert len(list_runs(opened)) == 1


def _refs_known(root: Path) -> bool:
    with state(root) as opened, opened.read() as connection:
        return bool(connection.exec_driver_sql("SELECT count(*) FROM polled_refs").scalar())


def test_a_host_that_does_not_answer_keeps_no_other_waiting(tmp_path: Path) -> None:
    work, _ = make_repository(tmp_path / "root", "app", {"a": "1"}, branch="main")
    project = new_project(tmp_path / "workspace")
    with serve_git(tmp_path / "root") as server, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)  # the kernel takes connections, and nobody ever answers
        other = f"127.0.0.1:{silent.getsockname()[1]}"
        config = project.root / "reconciler.yaml"
        hosts = f'"{server.host}": {{insecure: true}}, "{other}": {{insecure: true}}'
        config.write_text(config.read_text() + f"hosts: {{{hosts}}}\n")
        triggers = {"commit": {"poll": "10s"}}
        token = {"secret": "env:GIT_PAT"}
        for name, url in (
            ("web-api", f"{server.url}/app.git#main"),
            *((f"gone-{number}", f"http://{other}/{number}.git#main") for number in range(3)),
        ):
            project.write(name, context={"source": url, "token": token}, triggers=triggers)
        assert project.run("apply", "--auto-approve").code == 0
        with daemon(project.root, "--no-worker", GIT_PAT=TOKEN) as at:
            eventually(lambda: _refs_known(at.root))
            commit = add_commit(work, {"a": "2"}, "second")
            git(work, "push", "--quiet", "origin", "main")
            (told,) = eventually(lambda: at.told("poll"), 30)
            assert "error" not in told
            with state(at.root) as opened:
                assert [record.commit for record in list_runs(opened)] == [commit]


def test_a_wrong_token_of_one_task_keeps_no_other_from_being_polled(tmp_path: Path) -> None:
    work, _ = make_repository(tmp_path / "root", "app", {"a": "1"}, branch="main")
    project = new_project(tmp_path / "workspace")
    with serve_git(tmp_path / "root", username="x-access-token", password=TOKEN) as server:
        config = project.root / "reconciler.yaml"
        config.write_text(config.read_text() + f'hosts: {{"{server.host}": {{insecure: true}}}}\n')
        for name, token in (("bad-task", "env:GIT_GONE"), ("good-task", "env:GIT_PAT")):
            context = {"source": f"{server.url}/app.git#main", "token": {"secret": token}}
            project.write(name, context=context, triggers={"commit": {"poll": "10s"}})
        assert project.run("apply", "--auto-approve").code == 0
        with daemon(project.root, "--no-worker", GIT_PAT=TOKEN, GIT_GONE="wrong-0123") as at:
            eventually(lambda: _refs_known(at.root))
            commit = add_commit(work, {"a": "2"}, "second")
            git(work, "push", "--quiet", "origin", "main")
            refused, taken = eventually(lambda: len(at.told("poll")) == 2 and at.told("poll"))
            assert refused["token"] == "env:GIT_GONE"
            assert "wrong-0123" not in str(at.lines)
            assert taken["moved"] == "1"
            with state(at.root) as opened:
                found = {(record.task, record.commit) for record in list_runs(opened)}
            assert found == {("contoso/bad-task", commit), ("contoso/good-task", commit)}
            metrics = at.client.get(f"{at.url}/metrics").text
            assert "reconciler_repositories_unseen 0.0" in metrics
        whole = json.loads(project.run("tasks", "-o", "json").out)["tasks"]
        unpolled = {row["name"]: [one["token"] for one in row["unpolled"]] for row in whole}
        assert unpolled == {"bad-task": ["env:GIT_GONE"], "good-task": []}
        assert "refuses env:GIT_GONE since" in _words(project.run("show", "bad-task").out)
        assert "refuses" not in _words(project.run("show", "good-task").out)


def test_a_repository_that_lets_nobody_in_is_told_since_when_and_why(tmp_path: Path) -> None:
    make_repository(tmp_path / "root", "app", {"a": "1"}, branch="main")
    project = new_project(tmp_path / "workspace")
    with serve_git(tmp_path / "root", username="x-access-token", password=TOKEN) as server:
        config = project.root / "reconciler.yaml"
        config.write_text(config.read_text() + f'hosts: {{"{server.host}": {{insecure: true}}}}\n')
        context = {"source": f"{server.url}/app.git#main", "token": {"secret": "env:GIT_PAT"}}
        project.write("web-api", context=context, triggers={"commit": {"poll": "10s"}})
        project.write("other", context=context, triggers={"commit": {"branch": "main"}})
        assert project.run("apply", "--auto-approve").code == 0
        with daemon(project.root, "--no-worker", GIT_PAT="wrong-0123") as at:
            eventually(lambda: at.told("poll"))
            metrics = at.client.get(f"{at.url}/metrics").text
            assert "reconciler_repositories_unseen 1.0" in metrics
    repository = f"{server.host}/app"
    with state(project.root) as opened:
        (decided,) = list_decisions(opened)
    assert (decided.verdict, decided.source) == (Verdict.LOOK_FAILED, Source.POLL)
    assert (decided.subject, decided.task) == (repository, None)
    whole = json.loads(project.run("tasks", "-o", "json").out)["tasks"]
    ((one,),) = [row["unpolled"] for row in whole if row["unpolled"]]
    assert (one["repository"], one["since"], one["token"]) == (repository, None, None)
    assert one["why"] == decided.detail
    assert json.loads(project.run("show", "web-api", "-o", "json").out)["unpolled"] == [one]
    for words in (("show", "web-api"), ("tasks",)):
        told = _words(project.run(*words).out)
        assert f"{repository} does not answer polls, never answered" in told
    with project.opened() as whole_state:
        (finding,) = unpolled_findings(whole_state)
    assert finding.subject == repository
    assert finding.text.startswith("does not answer polls at all: ")
    assert finding.text.endswith("; 1 task")


def _words(text: str) -> str:
    return " ".join(text.split())
