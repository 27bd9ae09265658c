"""A buildkitd at a declared address, through its client buildctl. Decides nothing of what is built.

Words of the client: https://github.com/moby/buildkit#building-a-dockerfile-with-buildctl and
https://github.com/moby/buildkit/blob/master/docs/reference/buildctl.md
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.adapters.building.output import Tail, ended_result, secret_files
from reconciler.adapters.docker.engine import Engine
from reconciler.adapters.files import private_folder
from reconciler.adapters.login_file import write_login
from reconciler.adapters.processes.process import capture, stream
from reconciler.adapters.processes.programs import passed_on
from reconciler.model.build import BuildRequest, BuildResult
from reconciler.model.image import parse_reference
from reconciler.model.platform import PLATFORMS, canonical_platform

BUILDCTL = "buildctl"
_PROBE_SECONDS = 10


def worker_platforms(
    program: Path, address: str, environment: Mapping[str, str]
) -> tuple[str, ...]:
    """The platforms whose commands the buildkitd at an address runs; none if it does not answer."""
    words = [*_client(program, address, environment), "debug", "workers", "--format={{json .}}"]
    try:
        code, text = capture(words, environment=passed_on(environment), timeout=_PROBE_SECONDS)
    except OSError:
        return ()
    return _platforms(text) if code == 0 else ()


def _platforms(text: str) -> tuple[str, ...]:
    """What the workers of an answer can do, in our words; other platforms are left out."""
    try:
        workers = json.loads(text)
        found = {
            _spelled(item) for worker in workers for item in worker.get("platforms") or ()
        }  # fmt: skip
    except (ValueError, TypeError, AttributeError, KeyError):
        return ()
    return tuple(name for name in PLATFORMS if name in found)


def _spelled(item: Mapping[str, str]) -> str:
    parts = [item["os"], item["architecture"], item.get("variant") or ""]
    name = "/".join(filter(None, parts)).lower()
    try:
        return canonical_platform(name)
    except ValueError:
        return name


def keeps_secrets(address: str, environment: Mapping[str, str]) -> bool:
    """False for an address that a secret would reach in the clear."""
    parts = urlsplit(address)
    if parts.scheme != "tcp" or _certificates(address, environment):
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"


def _certificates(address: str, environment: Mapping[str, str]) -> list[str]:
    """The same folder and the same names of files as for an engine's address."""
    folder = environment.get("DOCKER_CERT_PATH")
    wanted = environment.get("DOCKER_TLS_VERIFY") and address.startswith("tcp:")
    return [f"--tlsdir={folder}"] if wanted and folder else []


def _client(program: Path, address: str, environment: Mapping[str, str]) -> list[str]:
    return [str(program), f"--addr={address}", *_certificates(address, environment)]


class BuildctlBuilder:
    """Builds one image for one platform and hands it to an engine; secrets are files in memory."""

    name = "buildctl"
    cache = "registry"

    def __init__(
        self, program: Path, address: str, engine: Engine, environment: Mapping[str, str]
    ) -> None:
        self._client = _client(program, address, environment)
        self._engine = engine
        self._environment = passed_on(environment)
        self.secrets = keeps_secrets(address, environment)

    def build(
        self,
        request: BuildRequest,
        on_output: Callable[[bytes], None],
        stopping: Callable[[], bool],
    ) -> BuildResult:
        """Build, hand over the output as it comes; the client's group is ended on a stop."""
        if request.secrets and not self.secrets:
            message = "a secret would reach this buildkitd in the clear; give it TLS"
            return BuildResult(exit_code=1, message=message)
        tail = Tail(on_output)
        # On a disk: the image comes as one file, and may be large.
        with private_folder(request.scratch) as folder:
            archive, facts = folder / "image.tar", folder / "metadata.json"
            with secret_files(request.secrets) as files:
                words = [*self._client, *_arguments(request, archive, facts, files)]
                environment = {**self._environment, **_login(request, folder)}
                ended = stream(words, environment=environment, on_output=tail, stopping=stopping)
            failed = ended_result(ended, tail)
            return failed or self._kept(request, archive, facts)

    def _kept(self, request: BuildRequest, archive: Path, facts: Path) -> BuildResult:
        self._engine.load(archive)
        image_id = json.loads(facts.read_text("utf-8")).get("containerimage.config.digest")
        image = self._engine.image(str(image_id))
        if image is None:
            return BuildResult(exit_code=1, message="the engine did not take the image")
        for tag in request.tags:
            self._engine.tag(image.id, tag)
        return BuildResult(image_id=image.id)


def _login(request: BuildRequest, folder: Path) -> dict[str, str]:
    """Where the client finds the login for the cache: it hands it to the buildkitd when asked."""
    if request.cache is None or request.cache_login is None:
        return {}
    registry = parse_reference(request.cache).registry or "docker.io"
    write_login(folder / "config.json", registry, request.cache_login)
    return {"DOCKER_CONFIG": str(folder)}


def _arguments(
    request: BuildRequest, archive: Path, facts: Path, secrets: Mapping[str, Path]
) -> list[str]:
    # `--flag=value` throughout: a value that begins with a dash stays a value.
    words = ["build", "--progress=plain", "--frontend=dockerfile.v0"]
    words += [f"--local=context={request.context}"]
    words += [f"--local=dockerfile={request.dockerfile.parent}"]
    words += [f"--opt=filename={request.dockerfile.name}"]
    words += [f"--opt=build-arg:{name}={value}" for name, value in request.args.items()]
    words += [f"--opt=label:{name}={value}" for name, value in request.labels.items()]
    words += [f"--secret=id={name},src={path}" for name, path in secrets.items()]
    words += [f"--opt=target={request.target}"] if request.target else []
    words += [f"--opt=platform={request.platform}"] if request.platform else []
    words += ["--no-cache"] if request.no_cache else []
    words += ["--opt=force-network-mode=none"] if request.offline else []
    words += _cache(request.cache, write=request.cache_kept) if request.cache else []
    return [*words, f"--metadata-file={facts}", f"--output=type=docker,dest={archive}"]


def _cache(name: str, *, write: bool) -> list[str]:
    # A cache that is not there yet is told in the output, and the build goes on.
    words = [f"--import-cache=type=registry,ref={name}"]
    export = f"--export-cache=type=registry,ref={name},mode=max,ignore-error=true"
    return [*words, export] if write else words
