"""What all dialects of forges have in common: refs, branches and commits from strangers."""

from __future__ import annotations

import re

from reconciler.model.repository import repository_key

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REF = re.compile(r"refs/(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)|/$|/\.))[!-~\u0080-\uffff]{1,250}")
_NOT_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|/-")
_LARGEST_NUMBER = 2**31
LONGEST_NAME = 100


class PayloadError(ValueError):
    """A payload that is not what its event says; the text says which field."""


def read_ref(value: object, name: str = "ref") -> str:
    """A full ref (`refs/...`) that Git would take. Raises PayloadError."""
    if not isinstance(value, str) or not _REF.fullmatch(value) or _NOT_IN_REF.search(value):
        raise PayloadError(f"`{name}` is no ref of Git")
    return value


def read_commit(value: object, name: str) -> str | None:
    """A commit's id; None for the one of noughts, which stands for none. Raises PayloadError."""
    if not isinstance(value, str) or not _SHA.fullmatch(value):
        raise PayloadError(f"`{name}` is no commit")
    return None if not value.strip("0") else value


def read_branch(value: object) -> str | None:
    """The name of a branch; None for anything else."""
    if not isinstance(value, str) or not _REF.fullmatch(f"refs/heads/{value}"):
        return None
    return None if _NOT_IN_REF.search(f"/{value}") else value


def read_number(value: object, name: str) -> int:
    """The number of a pull request. Raises PayloadError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _LARGEST_NUMBER:
        raise PayloadError(f"`{name}` is no number of a pull request")
    return value


def read_repository(value: object, name: str) -> str:
    """The key of a repository's address, as `repository_key` makes it. Raises PayloadError."""
    key = repository_key(value) if isinstance(value, str) else None
    if key is None:
        raise PayloadError(f"`{name}` is no address")
    return key
