"""BuildKit through a docker client that really works. Decides nothing about what is built."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.adapters.building.output import Tail, ended_result, for_old_client, secret_files
from reconciler.adapters.files import private_folder
from reconciler.adapters.processes.process import capture, stream
from reconciler.adapters.processes.programs import passed_on, programs
from reconciler.model.build import BuildRequest, BuildResult

_USUAL_PLACE = "/usr/bin/docker"
_PROBE_SECONDS = 10
# Up to this version BuildKit is part of the client; later it is the plugin buildx.
_LAST_BUILT_IN = 22


@dataclass(frozen=True, slots=True)
class DockerClient:
    """A docker client that can build with BuildKit, and how: `buildx` or `built-in`."""

    path: Path
    kind: str
    version: str = field(default="", compare=False)


def find_client(environment: Mapping[str, str]) -> DockerClient | None:
    """The first docker client of PATH that can build with BuildKit; none is taken on trust."""
    for path in _candidates(environment):
        found = _asked(path, _environment(environment, None))
        if found is not None:
            return found
    return None


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    seen = set()
    for place in [*programs("docker", environment), Path(_USUAL_PLACE)]:
        real = place.resolve()
        if place.is_file() and real not in seen:
            seen.add(real)
            yield place


def _asked(path: Path, environment: Mapping[str, str]) -> DockerClient | None:
    try:
        code, text = capture(
            [str(path), "buildx", "version"], environment=environment, timeout=_PROBE_SECONDS
        )
        if code == 0:
            return DockerClient(path, "buildx", _version(text))
        _, text = capture([str(path), "--version"], environment=environment, timeout=_PROBE_SECONDS)
    except OSError:
        return None
    match = re.search(r"Docker version (\d+)\.", text)
    if match and int(match[1]) <= _LAST_BUILT_IN:
        return DockerClient(path, "built-in", _version(text))
    return None


def _version(text: str) -> str:
    match = re.search(r"\bv?(\d+\.\d+[^\s,]*)", text)
    return match[1] if match else ""


class BuildKitBuilder:
    """Builds one image for one platform; secrets are mounted from files in memory."""

    name = "buildkit"
    secrets = True
    cache = "inline"

    def __init__(self, client: DockerClient, address: str, environment: Mapping[str, str]) -> None:
        self._client = client
        self._environment = _environment(environment, address)

    def build(
        self,
        request: BuildRequest,
        on_output: Callable[[bytes], None],
        stopping: Callable[[], bool],
    ) -> BuildResult:
        """Build, hand over the output as it comes; the client's group is ended on a stop."""
        tail = Tail(on_output)
        with private_folder() as folder:
            id_file = folder / "id"
            if self._client.kind == "built-in":
                request = replace(request, dockerfile=for_old_client(request, folder))
            with secret_files(request.secrets) as files:
                ended = stream(
                    _arguments(self._client.path, request, id_file, files),
                    environment=self._environment,
                    on_output=tail,
                    stopping=stopping,
                )
            failed = ended_result(ended, tail)
            return failed or BuildResult(image_id=id_file.read_text("utf-8").strip())


def _environment(environment: Mapping[str, str], address: str | None) -> dict[str, str]:
    settings = {
        "DOCKER_BUILDKIT": "1",
        # The engine's own BuildKit, whatever builder a person has chosen for himself.
        "BUILDX_BUILDER": "default",
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    }
    told = {**passed_on(environment), **settings}
    return {**told, "DOCKER_HOST": address} if address else told


def _arguments(
    client: Path, request: BuildRequest, id_file: Path, secrets: Mapping[str, Path]
) -> list[str]:
    # `--flag=value` throughout: a value that begins with a dash stays a value.
    words = [str(client), "build", "--progress=plain", f"--iidfile={id_file}"]
    words += [f"--file={request.dockerfile}"]
    words += [f"--tag={tag}" for tag in request.tags]
    words += [f"--build-arg={name}={value}" for name, value in request.args.items()]
    words += [f"--label={name}={value}" for name, value in request.labels.items()]
    words += [f"--secret=id={name},src={path}" for name, path in secrets.items()]
    words += [f"--target={request.target}"] if request.target else []
    words += [f"--platform={request.platform}"] if request.platform else []
    words += ["--no-cache"] if request.no_cache else []
    words += ["--network=none"] if request.offline else []
    words += _cache(request.cache) if request.cache else []
    return [*words, "--", str(request.context)]


def _cache(name: str) -> list[str]:
    # The argument makes BuildKit write into the image which layers are whose; it stays in no image.
    return [f"--cache-from={name}", f"--tag={name}", "--build-arg=BUILDKIT_INLINE_CACHE=1"]
