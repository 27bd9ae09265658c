"""What no run of this version does although a task file may ask for it: one list for all readers.

A reader tells it by line, the runner refuses it where a file was read as ACR's engine reads it, and
the page on task files lists it. Looks at no file and fetches nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.context import (
    GIT_REF,
    GIT_REF_RULE,
    ContextKind,
    artifact_location,
    context_kind,
    git_location,
)
from reconciler.model.image import parse_reference
from reconciler.model.platform import canonical_platform
from reconciler.taskfile.steps.buildcontext import repository_of_page
from reconciler.taskfile.tasks import DEFAULT_WORKING_DIRECTORY, BuildArguments, CmdStep

_FETCHED = "build a folder of the workspace, or https://HOST/REPOSITORY.git#REF:FOLDER"
_KEEP_OUT = "do what needs the key in a cmd step, and build from what that makes"
_BEFORE = "do what needs it in a cmd step before the build"
_PUSH = "name the image with -t, and add a push step"
_CACHE = "write cache: enabled at the step"
_REMOVE = "remove it"
# Flags of `docker build` that are not done, and what to do instead.
UNDONE_FLAGS = {
    "ssh": _KEEP_OUT,
    **dict.fromkeys(("network", "add-host", "build-context", "allow", "security-opt"), _BEFORE),
    **dict.fromkeys(("output", "push"), _PUSH),
    **dict.fromkeys(("cache-from", "cache-to", "no-cache-filter"), _CACHE),
    **dict.fromkeys(
        (
            *("annotation", "attest", "builder", "cgroup-parent", "cpu-period", "cpu-quota"),
            *("cpu-shares", "cpuset-cpus", "cpuset-mems", "iidfile", "isolation", "memory"),
            *("memory-swap", "metadata-file", "provenance", "sbom", "shm-size", "squash"),
            "ulimit",
        ),
        _REMOVE,
    ),
}
# These change nothing of what is made.
HARMLESS_FLAGS = frozenset(
    ("compress", "disable-content-trust", "force-rm", "load", "progress", "quiet", "rm")
)
# What is written like an address and is no folder: ssh://, file://, HTTPS://, ext::, name@host:
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://|:)|[^/\s]+@[^/\s]+:")
_BY_HTTP = ("https://", "http://")
_ALLOW = "remove privileged, or allow it in the task's spec with dockerSocket: true"


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that is not done: what, as it was written, and what to do instead."""

    message: str
    found: str
    fix: str


def build_limits(build: BuildArguments, working_directory: str | None) -> Iterator[Limit]:
    """What of an image build is not done; nothing if a run would begin it."""
    yield from _context_limits(build, working_directory or DEFAULT_WORKING_DIRECTORY)
    yield from _name_limits(build)
    for flag in dict.fromkeys(word.partition("=")[0] for word in build.options):
        name = flag.lstrip("-")
        if name not in HARMLESS_FLAGS:
            fix = UNDONE_FLAGS.get(name, _REMOVE)
            yield Limit(f"this version does not do {flag} in a build", flag, fix)


def file_limits(step: CmdStep, *, docker_socket: bool) -> Iterator[Limit]:
    """What a file of a context may ask for only where its spec says `dockerSocket: true`."""
    if step.privileged and not docker_socket:
        yield Limit("is privileged, which is root on the engine", "privileged: true", _ALLOW)


def is_fetched(context: str) -> bool:
    """True if the files of a build are fetched instead of being those of the workspace."""
    return context_kind(context) in {ContextKind.GIT, ContextKind.ARCHIVE, ContextKind.ARTIFACT}


def _context_limits(build: BuildArguments, start: str) -> Iterator[Limit]:
    try:
        context, kind = build.context, context_kind(build.context)
    except ValueError:  # no URL, which is told already
        return
    if context == "-":
        yield Limit("this version builds no context from standard input", context, _FETCHED)
    elif kind is ContextKind.ARCHIVE and (repository := repository_of_page(context)):
        message = "this address of a repository is fetched as an archive, and is none"
        yield Limit(message, context, f"end it with .git: {repository}")
    elif kind is ContextKind.ARTIFACT:
        yield from _artifact_limits(build)
    elif kind is ContextKind.GIT:
        yield from _repository_limits(build)
    elif kind is ContextKind.ARCHIVE:
        yield from _fetched_file_limits(build)
    elif found := _ELSEWHERE.match(context):
        scheme = found[0].lower()
        fix = f"write it in small letters: {scheme}..." if scheme in _BY_HTTP else _FETCHED
        yield Limit("this version fetches by https only", context, fix)
    else:
        fix = "name a folder below /workspace"
        if leads_out(posixpath.join(start, context)):
            yield Limit("the context leads out of the workspace", context, fix)
        if build.file is not None and leads_out(posixpath.join(start, build.file)):
            fix = "name a Dockerfile below /workspace"
            yield Limit("the Dockerfile leads out of the workspace", build.file, fix)


def _repository_limits(build: BuildArguments) -> Iterator[Limit]:
    url, ref, folder = git_location(build.context)
    if ref and not GIT_REF.fullmatch(ref):
        yield Limit("this is no branch, tag, commit or pull/N/head", ref, GIT_REF_RULE)
    if url.startswith(("git@", "git://")):
        fix = "write https://HOST/REPOSITORY.git#REF:FOLDER"
        yield Limit("this version fetches repositories by https only", build.context, fix)
    if ".." in folder.split("/"):
        fix = "name a folder of the repository behind the colon"
        yield Limit("the context leads out of its repository", build.context, fix)
    else:
        yield from _fetched_file_limits(build)


def _artifact_limits(build: BuildArguments) -> Iterator[Limit]:
    try:
        artifact_location(build.context)
    except ValueError as error:
        yield Limit(str(error), build.context, "write oci://HOST/REPOSITORY:TAG")
    yield from _fetched_file_limits(build)


def _fetched_file_limits(build: BuildArguments) -> Iterator[Limit]:
    if build.file is not None and posixpath.normpath(build.file).split("/")[0] in {"", ".."}:
        fix = "name a Dockerfile below the folder that is built"
        yield Limit("the Dockerfile leads out of its context", build.file, fix)


def leads_out(path: str) -> bool:
    """True if an absolute path, its `..` resolved, is not in the workspace."""
    clean = posixpath.normpath(path)
    return posixpath.relpath(clean, DEFAULT_WORKING_DIRECTORY).split("/")[0] == ".."


def _name_limits(build: BuildArguments) -> Iterator[Limit]:
    for tag in build.tags:
        try:
            if parse_reference(tag).digest:
                yield Limit("a name to build carries no digest", tag, "write REPOSITORY:TAG")
        except ValueError as error:
            yield Limit(str(error), tag, _tag_fix(tag))
    if build.platform:
        try:
            canonical_platform(build.platform)
        except ValueError as error:
            yield Limit(f"--platform: {error}", build.platform, "write linux/amd64")


def _tag_fix(tag: str) -> str:
    """What to write instead; a tag with a slash mostly comes from the name of a branch."""
    last = tag.rpartition(":")[2]
    if "/" in last and not last[:1].isdecimal():
        return 'a tag has no slash: write {{.Run.Branch | replace "/" "-"}} for a branch'
    return "write -t REPOSITORY:TAG, e.g. -t web-api:1"
