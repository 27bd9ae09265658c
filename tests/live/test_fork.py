"""A pull request from a fork, on the real engine: everything in its files may be a stranger's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.flow.serving.desk import daemon
from tests.live.git_server import GitServer, add_commit, git, make_repository, serve_git
from tests.live.test_serve import all_ended, left_on, spec, workspace
from tests.live.workshop import Workshop
from tests.unit.wire.payloads import pull_request, repository, user

# What a stranger's task files ask for, and what the run says.
STEP = "version: v1.1.0\nsteps:\n  - cmd: {base} sh -c '{script}'\n"
PLAIN = 'test ! -e /var/run/docker.sock && test -z "$(env | grep -i password)"'
VAULT = "secrets:\n  - id: key\n    keyvault: https://contoso.vault.azure.net/secrets/key\n"
TRIGGERS = "  triggers: {pullRequest: {forks: allow}}\n"


@pytest.fixture(name="server")
def with_a_pull_request(tmp_path: Path, base_image: str) -> Iterator[tuple[GitServer, str]]:
    """A server whose repository has a pull request 7; the commit it offers."""
    root = tmp_path / "repositories"
    work, _ = make_repository(root, "app", {"Dockerfile": f"FROM {base_image}\n"}, branch="main")
    plain = STEP.format(base=base_image, script=PLAIN)
    files = {
        "Dockerfile": f"FROM {base_image}\nRUN true\n",
        "plain.yaml": plain,
        "vault.yaml": plain.replace("steps:", f"{VAULT}steps:")
        + "    env: ['KEY={{.Secrets.key}}']\n",
        "host.yaml": plain + "    network: host\n",
        "privileged.yaml": plain + "    privileged: true\n",
    }
    head = add_commit(work, files, "a gift")
    git(work, "push", "--quiet", "origin", "HEAD:refs/pull/7/head")
    with serve_git(root) as server:
        yield server, head


def test_a_stranger_gets_no_secret_no_login_no_socket_and_no_name(
    workshop: Workshop, server: tuple[GitServer, str], engine: docker.DockerClient
) -> None:
    at_host, head = server
    source = f"  context: {{source: '{at_host.url}/app.git#main', token: {{secret: 'env:PAT'}}}}\n"
    specs = [
        spec("image-of-a-gift", source + "  step: {docker: {images: ['gift:1']}}\n" + TRIGGERS)
    ]
    for name in ("plain", "vault", "host", "privileged"):
        step = f"  step: {{file: {{path: {name}.yaml}}}}\n  dockerSocket: true\n"
        specs.append(spec(f"file-{name}", source + step + TRIGGERS))
    hosts = f'hosts: {{"{at_host.host}": {{insecure: true}}}}\n'
    workshop.environment["PAT"] = "gitpat-0123456789-planted"
    workspace(workshop, *specs, extra=hosts)
    with daemon(workshop.root, PAT=workshop.environment["PAT"]) as at:
        assert at.post(request_from_a_fork(at_host, head), "pull_request").status_code == 202
        found = {record["task"].split("/")[1]: record for record in all_ended(workshop, len(specs))}
    assert {name: record["commit"] for name, record in found.items()} == dict.fromkeys(found, head)
    assert {name: (record["status"], record["reason"]) for name, record in found.items()} == {
        "image-of-a-gift": ("Succeeded", None),
        "file-plain": ("Succeeded", None),
        "file-vault": ("Failed", "secret-denied"),
        "file-host": ("Failed", "step"),
        "file-privileged": ("Failed", "step"),
    }
    assert "a pull request from a fork is given none" in found["file-vault"]["message"]
    assert found["image-of-a-gift"]["outputs"] == []
    assert not [image for image in engine.api.images() if "gift" in str(image["RepoTags"])]
    # Nothing was fetched with the token of the task.
    assert {given for _, given in at_host.requests} == {""}
    assert left_on(engine, workshop.root) == []


def request_from_a_fork(server: GitServer, head: str) -> dict[str, Any]:
    own = repository(clone_url=f"{server.url}/app.git")
    theirs = repository(clone_url=f"{server.url}/theirs.git")
    payload = pull_request({"sha": head, "repo": theirs}, repository=own, sender=user("stranger"))
    payload["pull_request"]["base"]["repo"] = own
    return payload
