"""`pack build` with a stand-in for a builder: what the lifecycle is given, and what comes of it.

The stand-in is a shell script where the lifecycle's `creator` lies. As the real one it reads the
logins as root, goes on as the user of the builder, and exports straight to the registry.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from reconciler.adapters.docker.engine import open_engine
from reconciler.adapters.docker.tiny_programs import TRIED
from reconciler.adapters.docker.trial import runnable_platforms
from tests.live.conftest import SecuredRegistry
from tests.live.test_steps import of_run
from tests.live.workshop import Workshop

CREATOR = r"""#!/bin/sh
set -eu
for image; do :; done
host=${image%%/*}
rest=${image#*/}
config=$DOCKER_CONFIG/config.json
login=$(sed 's/.*"auth": "\([^"]*\)".*/\1/' "$config")
pair=$(echo "$login" | base64 -d)
password=${pair#*:}
echo "words $*"
echo "a careless line: $password, $login"
echo "started as $(id -u), logins $(stat -c '%u %a' "$config")"
case "$(cat /proc/[0-9]*/cmdline | tr '\0' ' ')" in
  *"$password"* | *"$login"*) echo "argv tells the login" ;;
  *) echo "argv is clean" ;;
esac
case "$(cat /proc/[0-9]*/environ | tr '\0' ' ')" in
  *"$password"* | *"$login"*) echo "environment tells the login" ;;
  *) echo "environment is clean" ;;
esac
su -s /bin/sh cnb -c /cnb/lifecycle/build

ask() { # method, path, type, file
  { printf '%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\n' "$1" "$2" "$host" "$login"
    printf 'Content-Type: %s\r\nContent-Length: %s\r\n' "$3" "$(wc -c < "$4")"
    printf 'Connection: close\r\n\r\n'
    cat "$4"
    sleep 1
  } | nc "${host%:*}" "${host#*:}" > /tmp/answer
  head -n 1 /tmp/answer | grep -q ' 20[012] ' || { head -n 1 /tmp/answer; exit 7; }
}
digest() { echo "sha256:$(sha256sum < "$1" | cut -d' ' -f1)"; }
blob() {
  : > /tmp/nothing
  ask POST "/v2/$name/blobs/uploads/" application/octet-stream /tmp/nothing
  place=$(tr -d '\r' < /tmp/answer | sed -n 's/^[Ll]ocation: //p' | sed 's#^http://[^/]*##')
  ask PUT "$place&digest=$(digest "$1")" application/octet-stream "$1"
}
name=${rest%:*}
oci=application/vnd.oci.image
printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["%s"]}}' \
  "$(digest /layers/app.tar)" > /tmp/config
blob /tmp/config
blob /layers/app.tar
printf '{"schemaVersion":2,"mediaType":"%s.manifest.v1+json",
"config":{"mediaType":"%s.config.v1+json","digest":"%s","size":%s},
"layers":[{"mediaType":"%s.layer.v1.tar","digest":"%s","size":%s}]}' \
  "$oci" "$oci" "$(digest /tmp/config)" "$(wc -c < /tmp/config)" \
  "$oci" "$(digest /layers/app.tar)" "$(wc -c < /layers/app.tar)" > /tmp/manifest
for image; do
  case "$image" in
    -tag=*) ask PUT "/v2/$name/manifests/${image##*:}" "$oci.manifest.v1+json" /tmp/manifest ;;
    -*) ;;
    *) ask PUT "/v2/$name/manifests/${image##*:}" "$oci.manifest.v1+json" /tmp/manifest ;;
  esac
done
"""
BUILD = r"""#!/bin/sh
set -eu
echo "building as $(id -u):$(id -g), interface $CNB_PLATFORM_API"
cat "$DOCKER_CONFIG/config.json" 2>/dev/null && echo "buildpacks see the login"
cd /workspace
echo made > made.txt
tar -cf /layers/app.tar .
"""
APIS = {"platform": {"deprecated": [], "supported": ["0.3", "0.9", "0.12", "0.99"]}}
LABEL = json.dumps({"lifecycle": {"version": "0.20.0", "apis": APIS}})


@pytest.fixture(name="builder", scope="module")
def stand_in(
    engine: docker.DockerClient, base_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    yield from made(engine, base_image, tmp_path_factory.mktemp("builder"), LABEL)


def made(client: docker.DockerClient, base: str, folder: Path, label: str | None) -> Iterator[str]:
    """A builder on the engine; without a label an image that is none."""
    name = f"builder-{uuid.uuid4().hex[:8]}:1"
    (folder / "creator").write_text(CREATOR)
    (folder / "build").write_text(BUILD)
    (folder / "Dockerfile").write_text(
        f"FROM {base}\nCOPY creator build /cnb/lifecycle/\n"
        "RUN chmod 755 /cnb/lifecycle/* && echo 'cnb:x:1234:2345::/tmp:/bin/sh' >> /etc/passwd\n"
        "ENV CNB_USER_ID=1234 CNB_GROUP_ID=2345\nUSER 1234:2345\n"
    )
    labels = {} if label is None else {"io.buildpacks.builder.metadata": label}
    client.images.build(path=str(folder), tag=name, labels=labels)
    yield name
    client.images.remove(name, force=True)


@pytest.fixture(name="app")
def with_an_app(workshop: Workshop, registry_htpasswd: SecuredRegistry) -> Path:
    pair = f"{registry_htpasswd.username}:{registry_htpasswd.password}"
    auth = {"auth": base64.b64encode(pair.encode()).decode()}
    config = json.dumps({"auths": {registry_htpasswd.address: auth}})
    workshop.environment["DOCKER_AUTH_CONFIG"] = config
    folder = workshop.root / "app"
    folder.mkdir()
    (folder / "hello.txt").write_text("hello\n")
    (folder / "left.txt").write_text("out\n")
    (folder / ".dockerignore").write_text("left.txt\n")
    (folder / "shared").symlink_to("../shared")
    return folder


def served(registry: SecuredRegistry, path: str) -> bytes:
    url = f"http://{registry.address}/v2/{path}"
    accepted = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    login = (registry.username, registry.password)
    return httpx.get(url, headers=accepted, auth=login, trust_env=False).raise_for_status().content


def packed(workshop: Workshop, registry: SecuredRegistry, *words: str) -> Any:
    where = ("-r", registry.address, "--network", "host")
    return workshop.call("pack", "build", "app", *where, *words)


def test_an_app_is_built_by_the_builders_user_and_exported(
    workshop: Workshop, app: Path, builder: str, registry_htpasswd: SecuredRegistry
) -> None:
    registry, name = registry_htpasswd, f"pack-{uuid.uuid4().hex[:8]}"
    done = packed(workshop, registry, "-b", builder, "-t", f"{name}:1", "-t", f"{name}:2")
    assert done.returncode == 0, done.stdout + done.stderr
    names = f"-tag={registry.address}/{name}:2 {registry.address}/{name}:1"
    for line in (
        f"words -app=/workspace -layers=/layers -no-color {names}",
        "a careless line: ***, ",
        "started as 0, logins 0 400",
        "argv is clean",
        "environment is clean",
        "building as 1234:2345, interface 0.12",
    ):
        assert line in done.stdout, done.stdout
    assert "buildpacks see the login" not in done.stdout
    assert "pack build  manual by" in done.stdout

    manifest = served(registry, f"{name}/manifests/1")
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    record = workshop.last()
    assert {(one["reference"], one["digest"]) for one in record["outputs"]} == {
        (f"{registry.address}/{name}:1", digest),
        (f"{registry.address}/{name}:2", digest),
    }
    assert [(step["name"], step["status"]) for step in record["steps"]] == [("pack", "succeeded")]
    layer = served(registry, f"{name}/blobs/{json.loads(manifest)['layers'][0]['digest']}")
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        members = {member.name: member.uid for member in files}
    assert members["./hello.txt"] == members["./made.txt"] == 1234
    assert "./left.txt" not in members


def test_the_login_stays_nowhere(
    workshop: Workshop,
    app: Path,
    builder: str,
    engine: docker.DockerClient,
    registry_htpasswd: SecuredRegistry,
) -> None:
    done = packed(workshop, registry_htpasswd, "-b", builder, "-t", f"x{uuid.uuid4().hex[:8]}:1")
    assert done.returncode == 0, done.stdout + done.stderr
    secret = registry_htpasswd.password.encode()
    pair = base64.b64encode(registry_htpasswd.username.encode() + b":" + secret)
    kept = [path for path in (workshop.root / ".reconciler").rglob("*") if path.is_file()]
    assert kept
    for data in (done.stdout.encode(), *(path.read_bytes() for path in kept)):
        assert secret not in data
        assert pair not in data
    assert of_run(engine, workshop.last()["id"]) == []


def test_a_build_can_be_left_to_another_process_and_done_again(
    workshop: Workshop, app: Path, builder: str, registry_htpasswd: SecuredRegistry
) -> None:
    image = f"pack-{uuid.uuid4().hex[:8]}:{{{{.Run.ID}}}}"
    left = packed(workshop, registry_htpasswd, "-b", builder, "-t", image, "--no-wait")
    assert left.returncode == 0, left.stderr
    first = left.stdout.strip()
    workshop.call("logs", "-f", first)
    again = workshop.call("rerun", first)
    assert again.returncode == 0, again.stdout + again.stderr
    second, old = workshop.records()
    assert (old["id"], old["status"], second["rerunOf"]) == (first, "Succeeded", first)
    assert second["outputs"][0]["reference"] == old["outputs"][0]["reference"].replace(
        first, second["id"]
    )


def test_an_image_that_is_no_builder_is_refused_before_anything_runs(
    workshop: Workshop, app: Path, registry_htpasswd: SecuredRegistry
) -> None:
    done = packed(workshop, registry_htpasswd, "-b", workshop.base, "-t", "x:1")
    assert done.returncode == 4
    told = " ".join(done.stderr.split())
    assert "is no builder of Cloud Native Buildpacks: it has no label" in told
    assert [step["status"] for step in workshop.last()["steps"]] == ["skipped"]


def test_a_builder_for_another_platform_is_refused_before_anything_runs(
    workshop: Workshop, app: Path, builder: str, registry_htpasswd: SecuredRegistry
) -> None:
    # Whatever the engine emulates: it has containers of linux/386 by itself.
    words = ("-b", builder, "-t", "x:1", "--platform", "linux/386")
    done = packed(workshop, registry_htpasswd, *words)
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    assert (
        f"the builder {builder} is for linux/amd64, and this task has platform: linux/386" in told
    )
    assert [step["status"] for step in workshop.last()["steps"]] == ["skipped"]


def test_a_platform_that_the_engine_does_not_run_is_refused_at_once(
    workshop: Workshop, app: Path, builder: str, registry_htpasswd: SecuredRegistry
) -> None:
    words = ("-b", builder, "-t", "x:1", "--platform", "linux/arm/v7")
    done = packed(workshop, registry_htpasswd, *words)
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    if "is for linux/amd64" not in told:  # the engine emulates it
        runs = ", ".join(runnable_platforms(open_engine(None, {}), TRIED))
        assert f"linux/arm/v7 does not run here: the engine runs {runs} only" in told
        assert "install qemu-user-static (binfmt)" in told
    assert [step["status"] for step in workshop.last()["steps"]] == ["skipped"]


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("{", "cannot be read"),
        ("{}", "knows the platform interfaces none; this version knows those up to 0.14"),
        ('{"lifecycle": {"api": {"platform": "0.99"}}}', "knows the platform interfaces 0.99"),
    ],
)
def test_a_lifecycle_that_is_not_understood_is_refused(
    workshop: Workshop,
    app: Path,
    engine: docker.DockerClient,
    registry_htpasswd: SecuredRegistry,
    tmp_path: Path,
    label: str,
    told: str,
) -> None:
    (tmp_path / "builder").mkdir()
    for name in made(engine, workshop.base, tmp_path / "builder", label):
        done = packed(workshop, registry_htpasswd, "-b", name, "-t", "x:1")
    assert done.returncode == 4
    assert told in " ".join(done.stderr.split())


def test_a_builder_that_exports_nothing_is_a_failure(
    workshop: Workshop, app: Path, builder: str, registry_htpasswd: SecuredRegistry, tmp_path: Path
) -> None:
    folder = tmp_path / "lazy"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        f"FROM {builder}\nUSER 0\nRUN echo '#!/bin/sh' > /cnb/lifecycle/creator\n"
    )
    client, name = docker.from_env(), f"lazy-{uuid.uuid4().hex[:8]}:1"
    client.images.build(path=str(folder), tag=name)
    done = packed(workshop, registry_htpasswd, "-b", name, "-t", "never:1")
    client.images.remove(name, force=True)
    client.close()
    assert done.returncode == 4
    assert "does not serve" in " ".join(done.stderr.split())
    assert workshop.last()["outputs"] == []
