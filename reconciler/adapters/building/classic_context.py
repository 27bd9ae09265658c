"""What the classic builder is sent: a context, and a Dockerfile that no image sees. Sends nothing.

The engine takes a Dockerfile from the context, and takes it, and `.dockerignore`, out again if the
`.dockerignore` that it finds there names them. It leaves out nothing else by it.
https://github.com/moby/moby/blob/v20.10.24/builder/remotecontext/detect.go (removeDockerfile)
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

from reconciler.base.inside import read_real, real_file
from reconciler.taskfile.dockerfile.ignore import IgnoreRules, IgnoreWrong, parse_ignore

IGNORE = ".dockerignore"
_LARGEST = 1024 * 1024
_OWN = ".dockerfile"
# A pattern from which the name of a file can be made: plain words, and `*` for any. What `**` means
# elsewhere than before a slash, engines before 23 read in another way.
_SIMPLE = re.compile(r"(?:[A-Za-z0-9._/-]|\*\*/|\*(?!\*))+")


@dataclass(frozen=True, slots=True)
class SentContext:
    """The path of the Dockerfile in a context, and the files beside those of the folder."""

    dockerfile: str
    extra: dict[str, bytes]


def sent_context(folder: Path, dockerfile: Path, rules: IgnoreRules) -> SentContext:
    """What to send so that an image sees the files that `rules` keep, and nothing of ours.

    What is sent for the same folder is the same each time, or no layer would be found again. Raises
    OSError if a file cannot be read.
    """
    data = read_real(dockerfile.resolve(), _LARGEST)
    own = _ignore_bytes(folder, rules)
    name = _kept_as_it_is(folder, dockerfile, data, rules, own)
    if name is not None:
        return SentContext(name, {})
    if own is None:
        name = _new_name(folder)
        return SentContext(name, {IGNORE: f"{IGNORE}\n{name}\n".encode(), name: data})
    name = _named_by(own, folder, rules)
    if name is not None:
        return SentContext(name, {name: data})
    # There is nothing it leaves out: one more line in it is the least that can be done.
    name = _new_name(folder)
    lines = own.rstrip(b"\n") + f"\n!{IGNORE}\n{name}\n".encode()
    return SentContext(name, {IGNORE: lines.lstrip(b"\n"), name: data})


def _ignore_bytes(folder: Path, rules: IgnoreRules) -> bytes | None:
    """What `.dockerignore` says, if an image sees it."""
    if rules.ignored(IGNORE):
        return None
    found = real_file(folder, IGNORE)
    return None if found is None else read_real(found, _LARGEST)


def _kept_as_it_is(
    folder: Path, dockerfile: Path, data: bytes, rules: IgnoreRules, own: bytes | None
) -> str | None:
    """The name of a file of the context that is the same Dockerfile and stays in it."""
    inside = dockerfile.is_relative_to(folder)
    name = str(dockerfile.relative_to(folder)) if inside else dockerfile.name
    place = real_file(folder, name)
    if place != folder / name or rules.ignored(name) or read_real(place, _LARGEST) != data:
        return None
    removed = _judge(own, IGNORE) or _judge(own, name)
    return None if removed else name


def _judge(own: bytes | None, name: str) -> bool:
    return False if own is None else _rules(own).ignored(name)


def _rules(own: bytes) -> IgnoreRules:
    """No rules if the text cannot be read: then the engine does not use them, too."""
    try:
        return parse_ignore(own.decode("utf-8", "surrogateescape"))
    except IgnoreWrong:
        return IgnoreRules()


def _named_by(own: bytes, folder: Path, rules: IgnoreRules) -> str | None:
    """A file that the folder's own lines leave out, which the engine takes out by them."""
    theirs = _rules(own)
    if theirs.ignored(IGNORE) or (folder / IGNORE).is_symlink():
        return None  # the engine would take it out, or read another file
    for line in own.decode("utf-8", "surrogateescape").splitlines():
        name = _example(line)
        if name and theirs.ignored(name) and rules.ignored(name) and _free(name, folder, rules):
            return name
    return None


def _example(line: str) -> str | None:
    """A path that the pattern of a line matches, if it is a simple one."""
    pattern = line.strip()
    if not _SIMPLE.fullmatch(pattern):
        return None
    words = posixpath.normpath(pattern).lstrip("/").replace("**/", "").split("/")
    name = "/".join(word.replace("*", "x") for word in words)
    return None if ".." in words or name in {"", "."} else name


def _free(name: str, folder: Path, rules: IgnoreRules) -> bool:
    """True if a file of that name takes the place of none that is sent, and brings no folder."""
    above = posixpath.dirname(name)
    place = folder / name
    if place.is_dir() and not place.is_symlink():
        return not rules.restores_any
    return not above or (not rules.ignored(above) and _is_folder(folder, above))


def _is_folder(folder: Path, inside: str) -> bool:
    steps = [folder.joinpath(*inside.split("/")[: n + 1]) for n in range(inside.count("/") + 1)]
    return all(step.is_dir() and not step.is_symlink() for step in steps)


def _new_name(folder: Path) -> str:
    name = _OWN
    while (folder / name).is_symlink() or (folder / name).exists():
        name += "_"
    return name
