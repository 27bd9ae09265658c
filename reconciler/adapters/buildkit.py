"""BuildKit through a docker client that really works. Decides nothing about what is built."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.files import private_folder, write_private
from reconciler.adapters.owner import VARIABLE, owner_of_this_process
from reconciler.adapters.process import Ended, capture, stream
from reconciler.base.spellings import to_bytes
from reconciler.model.build import BuildRequest, BuildResult

_USUAL_PLACE = "/usr/bin/docker"
_PROBE_SECONDS = 10
# Up to this version BuildKit is part of the client; later it is the plugin buildx.
_LAST_BUILT_IN = 22
_PASSED_ON = (
    *("HOME", "PATH", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "SSL_CERT_FILE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
_ERROR_LINE = re.compile(
    r"^(?:ERROR: |error: )?((?:failed to|executor failed|process \").*)", re.MULTILINE
)
# The client itself always ends with 1; the code of the RUN that failed stands in its words.
_EXIT_CODE = re.compile(r"exit code: (\d+)")


@dataclass(frozen=True, slots=True)
class DockerClient:
    """A docker client that can build with BuildKit, and how: `buildx` or `built-in`."""

    path: Path
    kind: str


def find_client(environment: Mapping[str, str]) -> DockerClient | None:
    """The first docker client of PATH that can build with BuildKit; none is taken on trust."""
    for path in _candidates(environment.get("PATH", "")):
        kind = _kind(path, _environment(environment, None))
        if kind is not None:
            return DockerClient(path, kind)
    return None


def _candidates(search_path: str) -> Iterator[Path]:
    seen = set()
    # Relative entries of PATH are skipped: they would mean whatever lies in this folder.
    places = [Path(entry) / "docker" for entry in search_path.split(":") if entry.startswith("/")]
    for place in [*places, Path(_USUAL_PLACE)]:
        real = place.resolve()
        if place.is_file() and real not in seen:
            seen.add(real)
            yield place


def _kind(path: Path, environment: Mapping[str, str]) -> str | None:
    try:
        code, _ = capture(
            [str(path), "buildx", "version"], environment=environment, timeout=_PROBE_SECONDS
        )
        if code == 0:
            return "buildx"
        _, text = capture([str(path), "--version"], environment=environment, timeout=_PROBE_SECONDS)
    except OSError:
        return None
    match = re.search(r"Docker version (\d+)\.", text)
    return "built-in" if match and int(match[1]) <= _LAST_BUILT_IN else None


class BuildKitBuilder:
    """Builds one image for one platform; secrets are mounted from files in memory."""

    name = "buildkit"
    secrets = True
    caches = True

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
        tail = _Tail()

        def watch(chunk: bytes) -> None:
            tail.add(chunk)
            on_output(chunk)

        with private_folder() as folder:
            id_file = folder / "id"
            with _secret_files(request.secrets) as files:
                ended = stream(
                    _arguments(self._client.path, request, id_file, files),
                    environment=self._environment,
                    on_output=watch,
                    stopping=stopping,
                )
            return _result(ended, id_file, tail)


def _environment(environment: Mapping[str, str], address: str | None) -> dict[str, str]:
    """What the client may know: nothing that is not named here, no secret of ours above all."""
    passed = {name: environment[name] for name in _PASSED_ON if name in environment}
    settings = {
        VARIABLE: owner_of_this_process(),
        "DOCKER_BUILDKIT": "1",
        # The engine's own BuildKit, whatever builder a person has chosen for himself.
        "BUILDX_BUILDER": "default",
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    }
    return {**passed, **settings, **({"DOCKER_HOST": address} if address else {})}


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


@contextmanager
def _secret_files(secrets: Mapping[str, str]) -> Iterator[dict[str, Path]]:
    if not secrets:
        yield {}
        return
    with private_folder() as folder:
        files = {name: folder / str(number) for number, name in enumerate(secrets)}
        for name, path in files.items():
            write_private(path, to_bytes(secrets[name]))
        yield files


def _result(ended: Ended, id_file: Path, tail: _Tail) -> BuildResult:
    if ended.stopped:
        return BuildResult(exit_code=130, stopped=True)
    if ended.exit_code != 0:
        message = tail.error()
        code = _EXIT_CODE.search(message or "")
        return BuildResult(exit_code=int(code[1]) if code else ended.exit_code, message=message)
    return BuildResult(image_id=id_file.read_text("utf-8").strip())


class _Tail:
    """The end of the output: BuildKit says there what went wrong."""

    def __init__(self) -> None:
        self._bytes = b""

    def add(self, chunk: bytes) -> None:
        self._bytes = (self._bytes + chunk)[-8192:]

    def error(self) -> str | None:
        """The last line that names an error."""
        found = _ERROR_LINE.findall(self._bytes.decode("utf-8", "replace"))
        return str(found[-1]).strip() if found else None
