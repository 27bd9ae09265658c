"""The ignore file of a build: found, read, and its rules. Leaves no file out itself."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.base.inside import (
    LeadsOutError,
    NoFileError,
    TooLargeError,
    read_real,
    real_path,
)
from reconciler.base.text import one_line
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure
from reconciler.taskfile.dockerfile.ignore import (
    FIRST_RULES,
    IgnoreRules,
    IgnoreWrong,
    joined,
    parse_ignore,
)

IGNORE = ".dockerignore"
_LARGEST = 1024 * 1024
_FEWER = "name folders, or use * and **"


def ignore_rules(
    folder: Path, dockerfile: Path, *, root: Path | None = None, local: bool = False
) -> IgnoreRules:
    """The rules that hold for a build from a folder. Raises Failure for one that is none.

    Neither folder nor Dockerfile is behind a link. No link of an ignore file is followed out of
    `root`, which is the folder unless given: what is in it may be told in messages.
    """
    found = _found(folder, dockerfile, root)
    first = parse_ignore(FIRST_RULES if local else "")
    try:
        return joined(first, parse_ignore(found[1])) if found is not None else first
    except IgnoreWrong as error:
        assert found is not None  # noqa: S101  (our own rules can be read)
        place = f"{found[0].name}:{error.line}"
        if error.why is not None:
            raise Failure(Reason.SOURCE_MISSING, f"{place}: {error.why}: {_FEWER}") from None
        message = f"{place}: the pattern {one_line(error.pattern, 80)}"
        why = "cannot be read: is a [ closed, or is there a \\ or a ! on its own?"
        raise Failure(Reason.SOURCE_MISSING, f"{message} {why}") from None


def ignore_text(
    folder: Path, dockerfile: Path, *, root: Path | None = None, local: bool = False
) -> str:
    """The text of `NAME.dockerignore` beside the Dockerfile, else of `.dockerignore`.

    In front of it, for a local folder, is what is left out unless that text brings it back.
    Raises Failure as `ignore_rules` does.
    """
    found = _found(folder, dockerfile, root)
    return (FIRST_RULES if local else "") + (found[1] if found is not None else "")


def own_ignore_text(dockerfile: Path, root: Path) -> str | None:
    """The text of `NAME.dockerignore` beside a Dockerfile, None without one. Raises Failure."""
    return _text(dockerfile.with_name(dockerfile.name + IGNORE), root)


def _found(folder: Path, dockerfile: Path, root: Path | None) -> tuple[Path, str] | None:
    """The ignore file that holds, and its text without a byte order mark."""
    bounds = root.resolve() if root is not None else folder.resolve()
    own = dockerfile.with_name(dockerfile.name + IGNORE)
    for path in (own, folder.resolve() / IGNORE):
        text = _text(path, bounds if path.is_relative_to(bounds) else path.parent)
        if text is not None:
            return path, text
    return None


def _text(path: Path, root: Path) -> str | None:
    """None if there is no such file, as docker has it, and for a link to nothing.

    Without its rules too much would be sent: what is there has to be read.
    """
    shown = f"the ignore file {one_line(path.name)}"
    try:
        data = read_real(real_path(root, os.path.relpath(path, root)), _LARGEST)
    except FileNotFoundError:
        return None
    except LeadsOutError:
        why = "leads out of its context"
    except NoFileError:
        why = "is no regular file"
    except TooLargeError:
        why = "has more than 1 MiB"
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
    else:
        return data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    raise Failure(Reason.SOURCE_MISSING, f"{shown} {why}")
