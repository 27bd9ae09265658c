"""Fetches one commit of a foreign repository: everything about it is hostile.

Git runs through GitPython with fixed argument lists, an environment made from nothing, no user or
system configuration, no hooks, no prompts, no redirects, only the protocols that are allowed. A
token goes to git as a header for one `scheme://host/`, in the environment: it stands in no argument
list, in no configuration file, and no other host is ever given it. The work tree gets links as
plain files and holds no `.git`.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.base.text import did_you_mean, harmless, one_line

MAX_BYTES = 2 * 1024 * 1024 * 1024
_POLL_SECONDS = 0.05
_DISK_SECONDS = 1.0
_KILL_SECONDS = 2.0
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REF = re.compile(r"(?!-)(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)))[A-Za-z0-9][A-Za-z0-9._/@+=-]{0,250}")
_PULL = re.compile(r"(refs/)?pull/\d{1,10}/(head|merge)")

Stopping = Callable[[], bool]


class GitFault(StrEnum):
    """Why a fetch failed."""

    AUTH = "auth"
    MISSING = "missing"
    REFUSED = "refused"
    BROKEN = "broken"
    STOPPED = "stopped"


class GitFetchError(Exception):
    """A fetch failed; the text names the host, never a token."""

    def __init__(self, fault: GitFault, message: str) -> None:
        super().__init__(message)
        self.fault, self.message = fault, message


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository to fetch from. `token` is sent to the host of `url` and to no other.

    `insecure` allows plain http. A token of the form `user:password` is sent as it is, another
    one with a user name that every known host accepts.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Checkout:
    """A fetched commit: its files, its id, and the branch that was asked for (None: no branch)."""

    root: Path
    commit: str
    branch: str | None


def fetch(
    repository: Repository, ref: str, folder: str, place: Path, stopping: Stopping
) -> Checkout:
    """Fetch `ref` ("" for the remote's default branch) into `place`, which must not exist.

    With `folder`, only the files below it are downloaded where the host can do that. Raises
    GitFetchError.
    """
    url = _checked_url(repository)
    place.mkdir(mode=0o700)
    git = _Git(repository, url, place, stopping)
    branch, wanted = _resolve(git, url, _checked_ref(ref))
    tree = place / "tree"
    tree.mkdir()
    git.run("init", "--quiet", "--initial-branch=fetched", "--", str(tree))
    git.run("remote", "add", "--", "origin", url)
    _download(git, wanted, folder)
    commit = git.run("rev-parse", "--verify", "FETCH_HEAD^{commit}").strip()
    git.run("checkout", "--quiet", "--detach", commit, "--")
    if folder.strip("/") and ".." not in folder and not (tree / folder.strip("/")).is_dir():
        raise _no_folder(git, commit, folder)
    # What is built holds no repository: no remote, no history, nothing to leak.
    shutil.rmtree(tree / ".git", ignore_errors=True)
    return Checkout(tree, commit, branch)


# ------------------------------------------------------------------ checking
def _checked_url(repository: Repository) -> str:
    url = repository.url
    if url.startswith("github.com/"):
        url = f"https://{url}"
    parts = urlsplit(url)
    allowed = ("https", "http") if repository.insecure else ("https",)
    if parts.scheme not in allowed or not parts.hostname:
        hint = "; plain http is allowed for hosts with `insecure: true` in reconciler.yaml"
        told = hint if parts.scheme == "http" else ""
        message = f"{one_line(url, 120)}: a repository is fetched by https{told}"
        raise GitFetchError(GitFault.REFUSED, message)
    if parts.username or parts.password:
        raise GitFetchError(GitFault.REFUSED, "a repository address holds no user or token")
    return url


def _checked_ref(ref: str) -> str:
    if ref and not _REF.fullmatch(ref):
        message = f"{one_line(ref, 80)!r} is no branch, tag, commit or pull/N/head"
        raise GitFetchError(GitFault.REFUSED, message)
    return ref


def _no_folder(git: _Git, commit: str, folder: str) -> GitFetchError:
    names = git.run("ls-tree", "-r", "-d", "--name-only", commit).splitlines()
    near = did_you_mean(folder.strip("/"), names)
    hint = f"; did you mean {one_line(near, 80)}?" if near else ""
    message = f"the repository has no folder {one_line(folder, 120)}{hint}"
    return GitFetchError(GitFault.MISSING, message)


# ----------------------------------------------------------------- resolving
def _resolve(git: _Git, url: str, ref: str) -> tuple[str | None, str]:
    """(branch or None, what to fetch). The remote is asked; nothing is assumed of its names."""
    if _SHA.fullmatch(ref):
        return None, ref
    if _PULL.fullmatch(ref):
        return None, ref if ref.startswith("refs/") else f"refs/{ref}"
    told = git.run("ls-remote", "--symref", "--end-of-options", url)
    refs = _parse_refs(told)
    if not ref:
        return _default_branch(refs, url)
    for name in (ref, f"refs/heads/{ref}", f"refs/tags/{ref}"):
        if name in refs:
            prefix = "refs/heads/"
            return name.removeprefix(prefix) if name.startswith(prefix) else None, name
    heads = [name.removeprefix("refs/heads/") for name in refs if name.startswith("refs/heads/")]
    near = did_you_mean(ref, heads)
    hint = f"; did you mean {one_line(near, 80)}?" if near else ""
    message = f"there is no branch or tag {one_line(ref, 80)} in {url}{hint}"
    raise GitFetchError(GitFault.MISSING, message)


def _parse_refs(text: str) -> dict[str, str]:
    """Names to ids; `HEAD` to the name of the default branch where the remote tells it."""
    refs: dict[str, str] = {}
    for line in text.splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            refs["HEAD"] = value.removeprefix("ref: ")
        elif name and not name.endswith("^{}"):
            refs.setdefault(name, value)
    return refs


def _default_branch(refs: dict[str, str], url: str) -> tuple[str | None, str]:
    head = refs.get("HEAD")
    if head is None:
        raise GitFetchError(GitFault.MISSING, f"the repository {url} is empty")
    if head.startswith("refs/heads/"):
        return head.removeprefix("refs/heads/"), head
    return None, "HEAD"


# --------------------------------------------------------------- downloading
def _download(git: _Git, wanted: str, folder: str) -> None:
    if folder:
        literal = re.sub(r"([*?\[\]\\!#])", r"\\\1", folder.strip("/"))
        git.run("sparse-checkout", "set", "--no-cone", "--end-of-options", f"/{literal}/")
        partial = ["--filter=blob:none"]
    else:
        partial = []
    words = ["--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules"]
    try:
        git.run("fetch", *words, *partial, "--end-of-options", "origin", wanted)
    except GitFetchError as error:
        if error.fault is not GitFault.BROKEN or not _SHA.fullmatch(wanted):
            raise
        # A host that gives no single commits: take the branches, the commit is in one of them.
        git.run("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "origin")
        git.run("update-ref", "--end-of-options", "FETCH_HEAD", wanted)


# ------------------------------------------------------------------- running
class _Git:
    """Runs git in one place with one environment. Stops with the run, and at a size."""

    def __init__(self, repository: Repository, url: str, place: Path, stopping: Stopping) -> None:
        self._place, self._url, self._stopping = place, url, stopping
        self._secrets = _secret_words(repository.token)
        self._environment = _environment(repository, url, place)

    def run(self, *words: str) -> str:
        """Standard output of a git command. Raises GitFetchError."""
        code, output, errors = self._execute(["git", *words])
        if code != 0:
            raise self._explain(errors.decode("utf-8", "replace"))
        return output.decode("utf-8", "replace")

    def _execute(self, argv: Sequence[str]) -> tuple[int, bytes, bytes]:
        from git import Git  # noqa: PLC0415  (late: it costs 90 ms)

        tree = self._place / "tree"
        # The handle is kept: GitPython ends the process when nothing holds it.
        handle = Git(str(tree if tree.is_dir() else self._place)).execute(
            list(argv), as_process=True, env=self._environment, start_new_session=True
        )
        process = handle.proc
        if process is None:
            raise GitFetchError(GitFault.BROKEN, "git did not start")
        with _collected(process) as (output, errors):
            self._wait(process)
        return process.returncode, bytes(output), bytes(errors)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        look = time.monotonic() + _DISK_SECONDS
        while process.poll() is None:
            if self._stopping():
                _end(process)
                raise GitFetchError(GitFault.STOPPED, "stopped")
            if time.monotonic() >= look:
                look = time.monotonic() + _DISK_SECONDS
                if _size(self._place) > MAX_BYTES:
                    _end(process)
                    message = f"{self._url} has more than {MAX_BYTES >> 30} GiB"
                    raise GitFetchError(GitFault.REFUSED, message)
            time.sleep(_POLL_SECONDS)

    def _explain(self, errors: str) -> GitFetchError:
        lines = [line for line in errors.splitlines() if line.strip()]
        text = harmless(" ".join(lines[-3:]))[:400]
        for word in self._secrets:
            text = text.replace(word, "***")
        return GitFetchError(_fault_of(text), _told(text, self._url))


_FAULTS = (
    (
        GitFault.AUTH,
        ("authentication failed", "could not read username", "error: 401", "error: 403"),
    ),
    (
        GitFault.MISSING,
        ("not found", "error: 404", "find remote ref", "not our ref", "does not appear to be"),
    ),
    (GitFault.REFUSED, ("not allowed", "redirect", "error: 30")),
)


def _fault_of(text: str) -> GitFault:
    lowered = text.lower()
    for fault, words in _FAULTS:
        if any(word in lowered for word in words):
            return fault
    return GitFault.BROKEN


def _told(text: str, url: str) -> str:
    host = urlsplit(url).netloc
    if _fault_of(text) is GitFault.REFUSED and "not allowed" not in text:
        return f"{host} redirects elsewhere; a token is never carried along: use the final address"
    return f"{host}: {text}"


def _secret_words(token: str | None) -> tuple[str, ...]:
    if not token:
        return ()
    return (token, _basic(token), *token.split(":")[1:])


def _basic(token: str) -> str:
    pair = token if ":" in token else f"x-access-token:{token}"
    return base64.b64encode(pair.encode()).decode()


def _environment(repository: Repository, url: str, place: Path) -> dict[str, str]:
    """Everything git may know. Nothing is inherited but PATH and the way through a proxy."""
    home = place / "home"
    home.mkdir(mode=0o700)
    keep = ("PATH", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE")
    settings = _settings(repository, url)
    numbered: dict[str, str] = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (name, value) in enumerate(settings):
        numbered[f"GIT_CONFIG_KEY_{index}"] = name
        numbered[f"GIT_CONFIG_VALUE_{index}"] = value
    return {
        **_without_git(os.environ),
        **{name: os.environ[name] for name in keep if name in os.environ},
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_ALLOW_PROTOCOL": "https:http" if repository.insecure else "https",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        **numbered,
    }


def _without_git(environment: Mapping[str, str]) -> dict[str, str]:
    """GitPython adds our variables to its own process's: those that matter to git are emptied."""
    risky = ("GIT_", "SSH_ASKPASS", "LD_")
    kept = {"GIT_SSL_CAINFO", "GIT_SSL_CAPATH"}
    return {name: "" for name in environment if name.startswith(risky) and name not in kept}


def _settings(repository: Repository, url: str) -> list[tuple[str, str]]:
    settings = [
        ("credential.helper", ""),
        ("http.followRedirects", "false"),
        ("http.lowSpeedLimit", "1000"),
        ("http.lowSpeedTime", "30"),
        ("core.symlinks", "false"),
        ("core.fsmonitor", "false"),
        ("core.hooksPath", os.devnull),
        ("core.autocrlf", "false"),
        ("transfer.fsckObjects", "true"),
        ("protocol.version", "2"),
        ("submodule.recurse", "false"),
        ("fetch.recurseSubmodules", "false"),
        ("advice.detachedHead", "false"),
        ("gc.auto", "0"),
        ("safe.directory", "*"),
    ]
    if repository.token:
        parts = urlsplit(url)
        scope = f"http.{parts.scheme}://{parts.netloc}/.extraHeader"
        settings.append((scope, f"Authorization: Basic {_basic(repository.token)}"))
    return settings


@contextlib.contextmanager
def _collected(process: subprocess.Popen[bytes]) -> Iterator[tuple[bytearray, bytearray]]:
    """Standard output and error, read by threads so that neither ever blocks git."""
    buffers = bytearray(), bytearray()
    streams = (process.stdout, process.stderr)
    threads = [
        threading.Thread(target=_drain, args=(stream, buffer), daemon=True)
        for stream, buffer in zip(streams, buffers, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield buffers
    finally:
        _end(process)
        for thread in threads:
            thread.join(timeout=_KILL_SECONDS)
        for stream in streams:
            if stream is not None:
                stream.close()


def _drain(stream: object, buffer: bytearray, limit: int = 8 * 1024 * 1024) -> None:
    with contextlib.suppress(ValueError, OSError):
        while chunk := stream.read1(65536):  # type: ignore[attr-defined]
            if len(buffer) < limit:
                buffer += chunk


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and everything it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_KILL_SECONDS)


def _size(folder: Path) -> int:
    total = 0
    for current, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(current, name)).st_size  # noqa: PTH118  (hot loop)
    return total
