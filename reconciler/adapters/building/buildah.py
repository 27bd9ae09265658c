"""buildah: builds without any daemon, into a store. Decides nothing about what is built."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reconciler.adapters.building.buildah_output import WithoutOwnArguments
from reconciler.adapters.building.buildah_store import Stopping, Store
from reconciler.adapters.building.output import Tail, ignore_file, secret_files
from reconciler.adapters.files import private_folder
from reconciler.adapters.processes.process import Ended
from reconciler.model.build import BuildRequest, BuildResult
from reconciler.model.image import parse_reference
from reconciler.taskfile.dockerfile.ignore import for_old_clients

# (archive, id, names): takes a `docker save` file to an engine.
Keep = Callable[[Path, str, tuple[str, ...]], None]

_ERROR_LINE = re.compile(r"^(?:Error|error): (.*)", re.MULTILINE)
_CACHE_REFUSED = "failed pushing cache to"
_EXIT_CODE = re.compile(r"exit status (\d+)")


class BuildahBuilder:
    """Builds one image for one platform into a store; RUN is done in a chroot.

    What is wanted on an engine is handed to `keep`, if there is one.
    """

    name = "buildah"
    secrets = True
    cache = "registry"

    def __init__(self, store: Store, keep: Keep | None = None) -> None:
        self._store = store
        self._keep = keep

    def build(
        self, request: BuildRequest, on_output: Callable[[bytes], None], stopping: Stopping
    ) -> BuildResult:
        """Build, hand over the output as it comes; every process of it is ended on a stop."""
        output = WithoutOwnArguments(on_output)
        tail = Tail(output)
        with (
            contextlib.closing(output),
            private_folder() as folder,
            secret_files(request.secrets) as files,
        ):
            id_file, ignored = folder / "id", folder / "ignored"
            found = ignore_file(request)
            text = found.read_text("utf-8", "surrogateescape") if found else ""
            # It reads them as the docker client before 23 did.
            ignored.write_text(for_old_clients(text), "utf-8", "surrogateescape")
            read = [request.context, request.dockerfile.parent]
            read += {path.parent for path in files.values()}
            seen = self._store.seen
            secrets = {name: seen(path) for name, path in files.items()}
            wanted = replace(
                request, context=seen(request.context), dockerfile=seen(request.dockerfile)
            )
            words = _arguments(wanted, seen(id_file), seen(ignored), secrets)
            flags = self._cache(request, folder)

            def call(flags: Sequence[str]) -> Ended:
                argv = [*words, *flags, "--", str(wanted.context)]
                offline = request.offline
                return self._store.call(
                    argv, tail, stopping, offline=offline, read=read, write=[folder]
                )

            ended = _cached(call, flags, tail)
            if ended.stopped:
                return BuildResult(exit_code=130, stopped=True)
            if ended.exit_code != 0:
                return _failed(tail)
            built = BuildResult(image_id=_image_id(id_file.read_text("utf-8")))
        return self._kept(request, built, Tail(on_output), stopping) if request.keep else built

    def _cache(self, request: BuildRequest, folder: Path) -> list[str]:
        if request.cache is None or request.offline:
            return []
        parts = parse_reference(request.cache)
        registry = parts.registry or "docker.io"
        # buildah makes the tags itself: one for each layer, named by what it was made from.
        repository = f"{registry}/{parts.repository}"
        flags = ["--layers", f"--cache-from={repository}"]
        flags += [f"--cache-to={repository}"] if request.cache_kept else []
        return [*flags, *self._store.access(folder, registry, request.cache_login)]

    def _kept(
        self, request: BuildRequest, built: BuildResult, tail: Tail, stopping: Stopping
    ) -> BuildResult:
        """The image on the engine too, for nothing is pushed."""
        if self._keep is None:
            tail(b"note: the image is not kept: there is no engine that could take it\n")
            return built
        with private_folder(self._store.folder) as folder:
            archive = folder / "image.tar"
            words = ["push", "--quiet", str(built.image_id), f"docker-archive:{archive}"]
            ended = self._store.call(words, tail, stopping)
            if ended.stopped:
                return BuildResult(exit_code=130, stopped=True)
            if ended.exit_code != 0:
                return _failed(tail)
            self._keep(archive, str(built.image_id), request.tags)
        return built


def _cached(call: Callable[[Sequence[str]], Ended], flags: Sequence[str], tail: Tail) -> Ended:
    """Build with the cache; once more without it if a registry does not take the layers."""
    ended = call(flags)
    if not flags or ended.stopped or _CACHE_REFUSED not in tail.text():
        return ended
    tail(b"note: the cache is not kept: the registry did not take it\n")
    # The layers are in the store: they are not made again.
    return call(["--layers"])


def _arguments(
    request: BuildRequest, id_file: Path, ignored: Path, secrets: Mapping[str, Path]
) -> list[str]:
    # `--flag=value` throughout: a value that begins with a dash stays a value.
    words = ["build", "--isolation=chroot", "--format=docker", "--identity-label=false"]
    # Who may chroot leaves the one he is in, and has all of this machine.
    words += ["--cap-drop=CAP_SYS_CHROOT"]
    # The bases are there: the run has fetched them by digest.
    words += ["--pull=false", f"--iidfile={id_file}", f"--ignorefile={ignored}"]
    words += [f"--file={request.dockerfile}"]
    words += [f"--tag={tag}" for tag in request.tags]
    words += [f"--build-arg={name}={value}" for name, value in request.args.items()]
    words += [f"--label={name}={value}" for name, value in request.labels.items()]
    words += [f"--secret=id={name},src={path}" for name, path in secrets.items()]
    words += [f"--target={request.target}"] if request.target else []
    words += [f"--platform={request.platform}"] if request.platform else []
    return [*words, *(["--no-cache"] if request.no_cache else [])]


def _image_id(text: str) -> str:
    return text.strip() if text.startswith("sha256:") else f"sha256:{text.strip()}"


def _failed(tail: Tail) -> BuildResult:
    found = _ERROR_LINE.findall(tail.text())
    message = str(found[-1]).strip() if found else None
    # buildah has codes of its own; that of the RUN that failed stands at the end of its words.
    codes = _EXIT_CODE.findall(message or "")
    return BuildResult(exit_code=int(codes[-1]) if codes else 1, message=message)
