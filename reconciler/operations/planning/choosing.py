"""What a plan is for: the words of a command to a selection. Git tells what changed since a ref."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from reconciler.adapters.git.checkout import head_of, refusal
from reconciler.adapters.git.moves import last_names
from reconciler.adapters.git.revisions import (
    changed_since,
    commit_of,
    common_commit,
    files_with_word,
    names_of_refs,
)
from reconciler.base.encoding import YamlError
from reconciler.base.errors import ReconcilerError, WrongUsage
from reconciler.base.text import as_text, did_you_mean, one_line
from reconciler.loader.files import TEMPLATE_SUFFIX, list_folders
from reconciler.loader.kinds import SPEC_FOLDER
from reconciler.loader.workspace import WORKSPACE_FILE
from reconciler.operations.reading.gather import servers_of
from reconciler.plan.needs import left_out_bases
from reconciler.plan.selection import LeftOut, Selection, Since, parse_selector

if TYPE_CHECKING:
    from reconciler.operations.workspace import OpenWorkspace
    from reconciler.plan.change import Change
    from reconciler.plan.narrow import Narrowed

_DEFAULTS = "Defaults"


@dataclass(frozen=True, slots=True)
class Choice:
    """Selectors and a Git ref as a person wrote them."""

    target: Sequence[str] = ()
    exclude: Sequence[str] = ()
    since: str | None = None


def selection_of(opened: OpenWorkspace, choice: Choice | None) -> Selection:
    """What a choice means here. Raises WrongUsage: no such selector, no such ref."""
    if choice is None:
        return Selection()
    return Selection(
        tuple(parse_selector("--target", text) for text in choice.target),
        tuple(parse_selector("--exclude", text) for text in choice.exclude),
        None if choice.since is None else _since(opened, choice.since),
    )


def left_out_of(
    opened: OpenWorkspace, narrowed: Narrowed | None, changes: Sequence[Change]
) -> LeftOut | None:
    """What a plan does not tell of, and which bases of its changes are among it."""
    if narrowed is None:
        return None
    if not changes:
        return narrowed.left_out({})  # what is left out need not be read
    bases = {
        one.address: [base.reference for base in one.bases.images]
        for one in changes
        if one.bases is not None
    }
    return narrowed.left_out(
        left_out_bases(changes, narrowed.differing(), servers_of(opened), bases)
    )


def existing_commit(opened: OpenWorkspace, option: str, ref: str) -> str:
    """The commit that the ref of an option names. Raises WrongUsage, ReconcilerError."""
    if head_of(opened.root) is None:
        told = refusal(opened.root) or "the workspace is in no Git repository with a commit"
        raise ReconcilerError(f"{option} needs Git: {one_line(told)}")
    commit = commit_of(opened.root, ref)
    if commit is None:
        near = did_you_mean(ref, names_of_refs(opened.root))
        hint = f"did you mean {one_line(near, 80)}?" if near else None
        raise WrongUsage(
            f"{option} {one_line(ref, 80)}: there is no such branch, tag or commit here",
            hint=hint or "fetch it: a checkout of CI often has one branch and one commit only",
        )
    return commit


def _since(opened: OpenWorkspace, ref: str) -> Since:
    """What changed on this side since it parted from a ref."""
    commit = common_commit(opened.root, existing_commit(opened, "--since", ref))
    if commit is None:
        raise ReconcilerError(
            f"--since {one_line(ref, 80)}: this checkout does not reach back to where it parted",
            hint="fetch more of the history: git fetch --unshallow",
        )
    changed = changed_since(opened.root, commit)
    files = {as_text(name) for name in changed} | _templates(opened, changed)
    folders = frozenset(_folders(opened, changed, commit))
    return Since(ref, commit, frozenset(files), folders, partial(last_names, opened.root))


def _templates(opened: OpenWorkspace, changed: set[str]) -> set[str]:
    """All templates where the file with their variables changed."""
    if WORKSPACE_FILE not in changed:
        return set()
    folders = list_folders(opened.root, SPEC_FOLDER)
    return {file for one in folders for file in one.files if file.endswith(TEMPLATE_SUFFIX)}


def _folders(opened: OpenWorkspace, changed: set[str], commit: str) -> set[str]:
    """Folders whose Defaults changed, went or came: everything in and below them may be another."""
    specs = {name for name in changed if name.startswith(SPEC_FOLDER + "/")}
    if not specs:
        return set()
    then = files_with_word(opened.root, commit, _DEFAULTS, SPEC_FOLDER) & specs
    now = {name for name in specs if _holds_defaults(opened, name)}
    return {as_text(name.rpartition("/")[0]) for name in then | now}


def _holds_defaults(opened: OpenWorkspace, name: str) -> bool:
    try:
        return _DEFAULTS.encode() in opened.files.read(name)
    except YamlError:
        return False  # it is gone, or no file
