"""What a server answers that is no repository, or another one than was meant, and what is told."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.adapters.git.environment import Repository
from reconciler.adapters.git.fetch import Checkout, fetch
from reconciler.adapters.web.resolve import Guard
from tests.live.git_server import add_commit, git, make_repository, serve_git

PAGES = (b"", b"<html>Sign in</html>", b"<!DOCTYPE html>\n<title>Sign in</title>\n", b"<p>\n\ta\n")


def fetched(place: Path, url: str, ref: str = "", folder: str = "") -> Checkout:
    repository = Repository(url, guard=Guard({urlsplit(url).netloc}))
    return fetch(repository, ref, folder, place / "git", lambda: False)


def refused(place: Path, url: str, ref: str = "", folder: str = "") -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetched(place, url, ref, folder)
    return caught.value


@contextmanager
def serve_page(
    page: bytes, status: int = 200, context: ssl.SSLContext | None = None
) -> Iterator[int]:
    """The port of a server that answers everything with one web page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(timeout=5)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "repositories"


# ------------------------------------------------------------------ web pages
@pytest.mark.parametrize("status", [200, 203])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_to_sign_in_is_no_empty_repository(tmp_path: Path, page: bytes, status: int) -> None:
    with serve_page(page, status) as port:
        error = refused(tmp_path, f"http://127.0.0.1:{port}/app.git")
    assert error.fault is FetchFault.AUTH
    assert error.message.startswith(f"127.0.0.1:{port} answered with a page, not with a repository")


def test_an_empty_repository_is_said_to_be_empty(tmp_path: Path, root: Path) -> None:
    root.mkdir()
    git(root, "init", "--quiet", "--bare", "app.git")
    with serve_git(root) as server:
        error = refused(tmp_path, f"{server.url}/app.git")
    assert error.fault is FetchFault.MISSING
    assert error.message == f"the repository {server.url}/app.git is empty"


# ----------------------------------------------------------------------- refs
def test_a_default_branch_that_is_missing_is_told_with_those_there_are(
    tmp_path: Path, root: Path
) -> None:
    make_repository(root, "app", {"file": "text"})
    git(root / "app.git", "branch", "feature/x")
    git(root / "app.git", "symbolic-ref", "HEAD", "refs/heads/gone")
    with serve_git(root) as server:
        error = refused(tmp_path, f"{server.url}/app.git")
    assert error.fault is FetchFault.MISSING
    assert error.message.endswith("has no default branch; name one: #feature/x, #trunk")


def test_an_abbreviated_commit_is_told_to_be_written_out(tmp_path: Path, root: Path) -> None:
    _, commit = make_repository(root, "app", {"file": "text"})
    with serve_git(root) as server:
        error = refused(tmp_path, f"{server.url}/app.git", commit[:7])
    assert error.message.endswith("; a commit is named by its full id, all 40 digits")


def test_a_branch_goes_before_a_tag_of_the_same_name_and_that_is_noted(
    tmp_path: Path, root: Path
) -> None:
    work, _ = make_repository(root, "app", {"file": "old"})
    git(work, "tag", "same")
    git(work, "checkout", "--quiet", "-b", "same")
    add_commit(work, {"file": "new"}, "second")
    git(work, "push", "--quiet", "origin", "refs/heads/same", "refs/tags/same")
    with serve_git(root) as server:
        found = fetched(tmp_path, f"{server.url}/app.git", "same")
    assert (found.root / "file").read_text() == "new"
    assert found.branch == "same"
    assert found.notes == (
        "same is a branch and a tag: the branch was taken (the tag is refs/tags/same)",
    )


def test_a_tag_that_is_named_in_full_is_taken_without_a_note(tmp_path: Path, root: Path) -> None:
    work, _ = make_repository(root, "app", {"file": "old"})
    git(work, "tag", "trunk")
    git(work, "push", "--quiet", "origin", "refs/tags/trunk")
    with serve_git(root) as server:
        found = fetched(tmp_path, f"{server.url}/app.git", "refs/tags/trunk")
    assert (found.branch, found.notes) == (None, ())


# ----------------------------------------------------------------- submodules
def with_submodules(root: Path, *paths: str) -> None:
    work, commit = make_repository(root, "app", {"api/file": "text"})
    for path in paths:
        git(work, "update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    author = ["-c", "user.name=Test", "-c", "user.email=test@contoso.example"]
    git(work, *author, "commit", "--quiet", "--message", "submodules")
    git(work, "push", "--quiet", "origin", "trunk")


def test_submodules_that_are_left_out_are_noted(tmp_path: Path, root: Path) -> None:
    with_submodules(root, "api/lib", "vendor/a b\n")
    with serve_git(root) as server:
        found = fetched(tmp_path, f"{server.url}/app.git")
    assert found.notes == ("2 submodules are not fetched: api/lib, vendor/a b\\n",)


def test_only_submodules_of_the_folder_are_noted(tmp_path: Path, root: Path) -> None:
    with_submodules(root, "api/lib", "vendor/lib")
    with serve_git(root) as server:
        found = fetched(tmp_path, f"{server.url}/app.git", folder="api")
    assert found.notes == ("1 submodule is not fetched: api/lib",)


# ------------------------------------------------------------------------ TLS
@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for `localhost` that no authority of the system knows."""
    key, file = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    name = ["-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(file)]
    subprocess.run(["openssl", *words, *name, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return file, context


def test_a_certificate_of_an_unknown_authority_is_told_with_the_way_out(
    tmp_path: Path, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    with serve_page(b"", context=certificate[1]) as port:
        error = refused(tmp_path, f"https://localhost:{port}/app.git")
    assert error.fault is FetchFault.TLS
    assert error.message.startswith(f"the certificate of localhost:{port} is not accepted")
    assert "name its file in GIT_SSL_CAINFO" in error.message


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "GIT_SSL_CAINFO"])
def test_the_variables_that_name_authorities_are_obeyed(
    tmp_path: Path,
    certificate: tuple[Path, ssl.SSLContext],
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GIT_SSL_CAINFO", raising=False)
    monkeypatch.setenv(variable, str(certificate[0]))
    with serve_page(b"", context=certificate[1]) as port:
        error = refused(tmp_path, f"https://localhost:{port}/app.git")
    assert error.fault is FetchFault.AUTH  # it was read: a page, and no repository


def test_a_host_that_speaks_no_tls_is_told_as_that(tmp_path: Path) -> None:
    with serve_page(b"") as port:
        error = refused(tmp_path, f"https://127.0.0.1:{port}/app.git")
    assert error.fault is FetchFault.TLS
    assert error.message.startswith(f"no TLS connection to 127.0.0.1:{port}")
