"""Local contexts: found, bounded, measured; every refusal says what was looked at."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.model.run import Reason
from reconciler.runner.context import (
    LocalFolders,
    find_dockerfile,
    find_folder,
    measure,
    read_dockerfile,
)
from reconciler.runner.failure import Failure, Stop
from reconciler.runner.ignorefile import ignore_rules, ignore_text
from reconciler.runner.ports import Fetched


@dataclass(frozen=True)
class Head:
    commit: str = "c0ffee"
    branch: str | None = "main"
    dirty: bool = True


def never() -> bool:
    return False


def fetch(root: Path, source: str, head: Head | None = None) -> Fetched:
    return LocalFolders(root, root, lambda _folder: head)(source, None, never)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "ws" / "app").mkdir(parents=True)
    (tmp_path / "ws" / "app" / "Dockerfile").write_text("FROM scratch\n")
    return tmp_path / "ws"


def test_a_folder_of_the_workspace_is_found_with_its_commit(root: Path) -> None:
    fetched = fetch(root, "app", Head())
    assert fetched == Fetched(root / "app", root, "c0ffee", "main", True)


def refusal(root: Path, source: str) -> Failure:
    with pytest.raises(Failure) as caught:
        fetch(root, source)
    assert caught.value.reason is Reason.SOURCE_MISSING
    return caught.value


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("none", "does not exist"),
        ("app/Dockerfile", "not a folder"),
        ("..", "leads out"),
        ("/", "leads out"),
    ],
)
def test_what_is_no_folder_of_the_workspace_is_refused(root: Path, source: str, said: str) -> None:
    assert said in refusal(root, source).message


def test_a_link_out_of_the_workspace_is_refused(root: Path) -> None:
    (root / "out").symlink_to(root.parent)
    assert "leads out" in refusal(root, "out").message


def test_a_quick_build_may_take_any_folder(root: Path) -> None:
    fetched = LocalFolders(root, None, lambda _folder: None)("app", None, never)
    assert fetched.folder == root / "app"


def test_a_stop_while_measuring_is_seen(root: Path) -> None:
    def check() -> None:
        raise Stop(Reason.TIMEOUT, "too long")

    with pytest.raises(Stop, match="too long"):
        measure(root / "app", root / "app" / "Dockerfile", check)


def test_a_stop_is_seen_where_everything_is_left_out(root: Path) -> None:
    (root / "app" / ".dockerignore").write_text("*")

    def check() -> None:
        raise Stop(Reason.TIMEOUT, "too long")

    with pytest.raises(Stop, match="too long"):
        measure(root / "app", root / "app" / "Dockerfile", check)


def test_too_many_ignore_rules_are_told_with_their_line(root: Path) -> None:
    (root / "app" / ".dockerignore").write_text("a\n" * 5_001)
    with pytest.raises(Failure, match=r"^\.dockerignore:5001: more than 5,000 patterns: name fold"):
        measure(root / "app", root / "app" / "Dockerfile", lambda: None)


def missing(root: Path, name: str) -> str:
    with pytest.raises(Failure) as caught:
        find_dockerfile(fetch(root, "app"), name)
    assert caught.value.reason is Reason.DOCKERFILE_MISSING
    return caught.value.message


def test_a_missing_dockerfile_names_the_path_and_a_near_name(root: Path) -> None:
    message = missing(root, "Dockerfil")
    assert str(root / "app" / "Dockerfil") in message
    assert "did you mean Dockerfile?" in message


@pytest.mark.parametrize("name", ["../../outside", "link"])
def test_a_dockerfile_outside_the_workspace_is_refused(root: Path, name: str) -> None:
    (root.parent / "outside").write_text("FROM scratch\n")
    (root / "app" / "link").symlink_to(root.parent / "outside")
    assert "leads out" in missing(root, name)


def test_a_dockerfile_elsewhere_in_the_workspace_is_right(root: Path) -> None:
    (root / "shared").write_text("FROM scratch\n")
    assert find_dockerfile(fetch(root, "app"), "../shared") == root / "shared"


def test_a_huge_dockerfile_is_refused(root: Path) -> None:
    (root / "app" / "Dockerfile").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(Failure, match="1 MiB"):
        read_dockerfile(root / "app" / "Dockerfile")


def size(root: Path) -> tuple[int, int]:
    found = measure(root / "app", root / "app" / "Dockerfile", lambda: None)
    return found.bytes, found.files


def test_files_are_counted_and_links_are_not_followed(root: Path) -> None:
    (root / "app" / "sub").mkdir()
    (root / "app" / "sub" / "data").write_bytes(b"x" * 100)
    (root / "app" / "link").symlink_to("/etc")
    assert size(root) == (100 + 13, 3)


def test_ignored_files_are_not_counted(root: Path) -> None:
    (root / "app" / "big").write_bytes(b"x" * 100)
    (root / "app" / ".dockerignore").write_text("*\n!Dockerfile\n")
    assert size(root) == (13, 1)


def test_the_dockerfiles_own_ignore_file_comes_first(root: Path) -> None:
    (root / "app" / ".dockerignore").write_text("*\n")
    (root / "app" / "Dockerfile.dockerignore").write_text("*\n!Dockerfile\n")
    assert size(root) == (13, 1)


def test_a_folder_below_an_ignored_one_can_be_brought_back(root: Path) -> None:
    (root / "app" / "a" / "b").mkdir(parents=True)
    (root / "app" / "a" / "b" / "kept").write_bytes(b"xx")
    (root / "app" / ".dockerignore").write_text("*\n!a/b\n")
    assert size(root) == (2, 1)


NAMES = ["Dockerfile.dockerignore", ".dockerignore"]


def refused(root: Path, *, local: bool, bounds: Path | None = None) -> str:
    """What is said of the ignore file of `app`, the same whoever asks for it."""
    app, messages = root / "app", set()
    for ask in (ignore_rules, ignore_text):
        with pytest.raises(Failure) as caught:
            ask(app, app / "Dockerfile", root=bounds, local=local)
        assert caught.value.reason is Reason.SOURCE_MISSING
        messages.add(caught.value.message)
    return messages.pop() if len(messages) == 1 else str(messages)


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_no_ignore_file_is_read_through_a_link_out(root: Path, name: str, *, local: bool) -> None:
    (root.parent / "outside").write_text("[a secret line\n")
    (root / "app" / name).symlink_to(root.parent / "outside")
    message = f"the ignore file {name} leads out of its context"
    assert refused(root, local=local) == message
    assert refused(root, local=local, bounds=root) == message


@pytest.mark.parametrize("name", NAMES)
def test_an_ignore_file_may_be_a_link_inside_of_the_workspace(root: Path, name: str) -> None:
    (root / "shared").write_text("a\n")
    (root / "app" / name).symlink_to("../shared")
    app = root / "app"
    assert ignore_text(app, app / "Dockerfile", root=root) == "a\n"
    assert "leads out" in refused(root, local=True)


def test_a_link_to_nothing_is_no_ignore_file(root: Path) -> None:
    (root / "app" / "Dockerfile.dockerignore").symlink_to("nothing")
    (root / "app" / "rules").write_text("a\n")
    (root / "app" / ".dockerignore").symlink_to("rules")
    assert ignore_text(root / "app", root / "app" / "Dockerfile") == "a\n"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
@pytest.mark.parametrize("name", NAMES)
def test_an_ignore_file_that_is_no_file_is_refused(
    root: Path, name: str, make: Callable[[Path], None]
) -> None:
    make(root / "app" / name)
    assert refused(root, local=True) == f"the ignore file {name} is no regular file"


def test_a_huge_ignore_file_is_refused(root: Path) -> None:
    (root / "app" / ".dockerignore").write_bytes(b"#" * (1024 * 1024 + 1))
    assert refused(root, local=True) == "the ignore file .dockerignore has more than 1 MiB"


@pytest.mark.parametrize(
    ("target", "said"),
    [("/proc/1/root", "leads out"), ("none", "no folder"), ("link", "no folder")],
)
def test_a_folder_behind_a_wrong_link_is_refused(root: Path, target: str, said: str) -> None:
    (root / "app" / "link").symlink_to(target)
    with pytest.raises(Failure, match=said):
        find_folder(root / "app", "link", "the context")
