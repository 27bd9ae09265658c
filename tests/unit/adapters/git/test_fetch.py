"""A fetch from a real smart-HTTP server: what git is given, where the token goes, what is told."""

from __future__ import annotations

import base64
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import pytest

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.adapters.git.environment import Repository
from reconciler.adapters.git.fetch import Checkout, fetch
from reconciler.adapters.web.resolve import Guard
from tests.live.git_server import GitServer, make_repository, serve_git
from tests.live.trouble import Stall

TOKEN = "gitpat-0123456789-planted"
ENCODED = base64.b64encode(f"x-access-token:{TOKEN}".encode())
PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
# All that git may find in its environment, beside the numbered settings.
PROMISED = {
    *("PATH", "HOME", "XDG_CONFIG_HOME", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL"),
    *("GIT_TERMINAL_PROMPT", "GIT_ASKPASS", "GIT_ALLOW_PROTOCOL", "GIT_LFS_SKIP_SMUDGE"),
    *("GIT_NO_REPLACE_OBJECTS", "GIT_CONFIG_COUNT", "RECONCILER_OWNER"),
    # What the shell that leads the group, and git itself, tell the programs they start.
    *("PWD", "OLDPWD", "SHLVL", "_"),
    *("GIT_DIR", "GIT_PREFIX", "GIT_EXEC_PATH", "GIT_INTERNAL_SUPER_PREFIX", "GIT_PROTOCOL"),
}


def never() -> bool:
    return False


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    make_repository(tmp_path / "repositories", "app", {"api/Dockerfile": "FROM scratch\n"})
    return tmp_path / "repositories"


@pytest.fixture
def server(repositories: Path) -> Iterator[GitServer]:
    with serve_git(repositories, username="x-access-token", password=TOKEN) as running:
        yield running


def fetched(place: Path, url: str, ref: str = "trunk", folder: str = "") -> Checkout:
    repository = Repository(url, TOKEN, Guard({urlsplit(url).netloc}))
    return fetch(repository, ref, folder, place / "git", never)


def refused(place: Path, url: str, ref: str = "trunk") -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetched(place, url, ref)
    return caught.value


# --------------------------------------------------------------- environment
def test_variables_of_a_git_hook_do_not_reach_git(
    tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DIR", "INDEX_FILE", "WORK_TREE", "OBJECT_DIRECTORY", "QUARANTINE_PATH"):
        monkeypatch.setenv(f"GIT_{name}", ".git")
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    found = fetched(tmp_path, f"{server.url}/app.git")
    assert (found.root / "api" / "Dockerfile").read_text() == "FROM scratch\n"


def test_git_and_what_it_starts_see_nothing_of_ours_but_what_is_promised(
    tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_SECRET", "planted-for-a-test")
    over = threading.Event()
    place = tmp_path / "git"
    with Stall(server.host, b"POST /app.git/git-upload-pack") as stall:
        repository = Repository(f"http://{stall.address}/app.git", TOKEN, Guard({stall.address}))

        def in_background() -> None:
            with suppress(FetchError):
                fetch(repository, "trunk", "", place, over.is_set)

        thread = threading.Thread(target=in_background)
        thread.start()
        try:
            assert stall.reached.wait(30)
            seen = environments_with(f"HOME={place}/home".encode())
        finally:
            over.set()
            thread.join(timeout=20)
    assert any(b"git-remote-http" in words for words, _ in seen)
    assert all(TOKEN.encode() not in words and ENCODED not in words for words, _ in seen)
    for _, variables in seen:
        names = {name for name, _, _ in (entry.partition("=") for entry in variables)}
        assert {n for n in names if not n.startswith("GIT_CONFIG_")} <= PROMISED
        assert "planted-for-a-test" not in str(variables)


def environments_with(entry: bytes) -> list[tuple[bytes, list[str]]]:
    """(words, variables) of the processes that were given a variable."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            variables = (process / "environ").read_bytes().split(b"\0")
            if entry in variables:
                words = (process / "cmdline").read_bytes()
                found.append((words, [os.fsdecode(each) for each in variables if each]))
    return found


def test_without_a_git_program_that_is_told(
    tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refused(tmp_path, f"{server.url}/app.git")
    assert error.fault is FetchFault.NO_GIT
    assert "there is no git program: install git" in error.message


# --------------------------------------------------------------------- proxy
class Recorder:
    """A proxy that answers nothing: `seen` is what it was sent."""

    def __init__(self) -> None:
        self.seen = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=5)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    self.seen += connection.recv(65536)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """The proxy that every variable names."""
    with Recorder() as recorder:
        for name in PROXIES:
            monkeypatch.setenv(name, recorder.url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield recorder


def test_plain_http_never_goes_through_a_proxy(
    tmp_path: Path, server: GitServer, proxy: Recorder
) -> None:
    assert fetched(tmp_path, f"{server.url}/app.git").branch == "trunk"
    assert proxy.seen == b""


def test_https_goes_through_the_proxy_and_the_token_stays_inside_tls(
    tmp_path: Path, proxy: Recorder
) -> None:
    refused(tmp_path, "https://git.contoso.example/app.git")
    assert proxy.seen.startswith(b"CONNECT git.contoso.example:443 ")
    assert ENCODED not in proxy.seen
