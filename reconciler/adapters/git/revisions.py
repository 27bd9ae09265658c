"""What a repository held at a commit: which files changed since, and the files themselves.

Names and contents are those of whoever may push: no name leads out of the folder that files are
written to, nothing is written through a link, and no attribute of the repository is obeyed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reconciler.adapters.git.checkout import (
    ENVIRONMENT,
    PLAIN_SUBMODULES,
    SAFE_OPTIONS,
    ask_git,
    git_in,
    options_without_programs,
)

# Together; the specs of 100,000 tasks have a quarter of it.
MAX_BYTES = 1 << 30
_LINK, _REGULAR = "120000", ("100644", "100755")


class RevisionRefused(Exception):
    """A revision holds what is not written to a disk. The text says what."""


@dataclass(frozen=True, slots=True)
class _Blob:
    name: str
    id: str
    is_link: bool


def commit_of(folder: Path, ref: str) -> str | None:
    """The full id of the commit that a ref names; None if it names none, or there is no Git."""
    # A space or a sign at the start would be a word for Git and no name.
    if not ref or ref.startswith("-") or not ref.isprintable():
        return None
    found = ask_git(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
    )
    return found.strip() if found else None


def common_commit(folder: Path, commit: str) -> str | None:
    """Where this revision and another one parted; None if their histories do not meet here."""
    found = ask_git(folder, "merge-base", commit, "HEAD")
    return found.strip() if found else None


def names_of_refs(folder: Path) -> list[str]:
    """Branches and tags, at most a thousand."""
    words = ("--format=%(refname:short)", "--count=1000", "refs/heads", "refs/remotes", "refs/tags")
    return (ask_git(folder, "for-each-ref", *words) or "").split()


def changed_since(folder: Path, commit: str) -> set[str]:
    """Files below a folder that differ from a commit, relative to it: committed, changed, new."""
    words = ("--name-only", "-z", "--no-renames", "--relative", "--no-ext-diff", "--no-textconv")
    off = options_without_programs(folder)
    told = ask_git(folder, *off, "diff", *words, PLAIN_SUBMODULES, commit, "--", ".") or ""
    new = ask_git(folder, "ls-files", "-z", "--others", "--exclude-standard", "--", ".") or ""
    return {name for name in (told + "\0" + new).split("\0") if name}


def text_at(folder: Path, commit: str, name: str) -> str | None:
    """The text of a file at a commit, `name` relative to the folder; None if it was not there."""
    return ask_git(folder, "cat-file", "blob", f"{commit}:./{name}")


def files_with_word(folder: Path, commit: str, word: str, below: str) -> set[str]:
    """Files below `below` that held a word at a commit, relative to the folder."""
    words = ("-a", "-l", "-z", "-w", "-F", "-e", word, commit, "--", below)
    found = (ask_git(folder, "grep", *words) or "").split("\0")
    return {name.removeprefix(commit + ":") for name in found if name}


def write_revision(folder: Path, commit: str, names: Sequence[str], target: Path) -> int:
    """Write what a commit held of some files and folders into an empty folder. How many files.

    Raises RevisionRefused: a name that leads elsewhere, or too much.
    """
    blobs = list(_blobs(folder, commit, names))
    # Links come last: nothing is ever written through one.
    links: list[tuple[Path, bytes]] = []
    for blob, data in _contents(folder, blobs):
        path = target / blob.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if blob.is_link:
            links.append((path, data))
        else:
            path.write_bytes(data)
    for path, data in links:
        path.symlink_to(os.fsdecode(data))
    return len(blobs)


def _blobs(folder: Path, commit: str, names: Sequence[str]) -> Iterator[_Blob]:
    listed = ask_git(folder, "ls-tree", "-r", "-z", "-l", commit, "--", *names)
    total = 0
    for entry in (listed or "").split("\0"):
        if not entry:
            continue
        facts, _, name = entry.partition("\t")
        mode, _, identifier, size = facts.split()
        if mode not in {_LINK, *_REGULAR}:
            continue  # another repository stands there
        _refuse_elsewhere(name)
        total += int(size)
        if total > MAX_BYTES:
            raise RevisionRefused(f"its specs have more than {MAX_BYTES >> 30} GiB")
        yield _Blob(name, identifier, mode == _LINK)


def _refuse_elsewhere(name: str) -> None:
    parts = PurePosixPath(name).parts
    if name.startswith("/") or {"..", ".git"} & set(parts) or "\\" in name:
        raise RevisionRefused("it holds a file whose name leads out of its folder")


def _contents(folder: Path, blobs: Sequence[_Blob]) -> Iterator[tuple[_Blob, bytes]]:
    """Each file with its bytes, from one process."""
    if not blobs:
        return
    with tempfile.TemporaryFile() as asked:
        asked.write("".join(f"{blob.id}\n" for blob in blobs).encode())
        asked.seek(0)
        argv = ["git", *SAFE_OPTIONS, "cat-file", "--batch"]
        process = git_in(folder).execute(argv, istream=asked, as_process=True, env=ENVIRONMENT)
        try:
            for blob in blobs:
                size = process.stdout.readline().split()[-1]
                if not size.isdigit():
                    raise RevisionRefused("a file of it is missing here")
                yield blob, process.stdout.read(int(size) + 1)[:-1]
        finally:
            process.stdout.close()
            process.stderr.close()
            process.terminate()
