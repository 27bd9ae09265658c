"""Which changes of rendered specs are the doing of what their template reads.

That is so if the template is as it was at the commit of the task's last apply (or of the revision
that is compared with), and something it reads is not: a variable of the workspace that it names,
or else Defaults of its folder or one above.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from reconciler.adapters.git.revisions import files_with_word
from reconciler.base.encoding import YamlError, decode
from reconciler.base.text import as_text
from reconciler.base.yaml import load_documents
from reconciler.loader.files import TEMPLATE_SUFFIX, parse_bytes
from reconciler.loader.kinds import SPEC_FOLDER
from reconciler.loader.workspace import WORKSPACE_FILE
from reconciler.operations.planning.history import History
from reconciler.operations.reading.gather import Stores
from reconciler.plan.change import Action, Change, FieldChange

_CODE = re.compile(r"\$\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*")
_DEFAULTS = "Defaults"
_RENDERED_FIELD = {"template", "removed"}


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that a template reads and that changed: where it stands (file:line:column).

    `value` is the new value of a variable, None of one that went and of Defaults.
    """

    origin: str
    value: Any = None


@dataclass(slots=True)
class Variables:
    """Tells the reasons of rendered changes. `since` is the revision that is compared with."""

    history: History
    stores: Stores
    since: str | None
    _found: dict[tuple[str, str | None], list[Reason]] = field(default_factory=dict)
    _changed_defaults: dict[str, list[tuple[str, Reason]]] = field(default_factory=dict)

    def reasons(
        self, changes: Iterable[Change], files: Mapping[str, str]
    ) -> dict[str, list[Reason]]:
        """By address, what was read anew. `files` are those of the tasks, by address.

        Left out are changes whose template changed itself, or of which nobody knows.
        """
        asked = {
            change.address: (change, files[change.address])
            for change in changes
            if files[change.address].endswith(TEMPLATE_SUFFIX) and _may_be_rendered(change)
        }
        commits = self.commits_of([change for change, _ in asked.values()])
        found = {
            address: self._once(file, commits[address]) for address, (_, file) in asked.items()
        }
        return {address: reasons for address, reasons in found.items() if reasons}

    def _once(self, template: str, commit: str | None) -> list[Reason]:
        key = (template, commit)
        if key not in self._found:
            self._found[key] = list(self._read_anew(template, commit))
        return self._found[key]

    def commits_of(self, changes: list[Change]) -> dict[str, str | None]:
        """The commit that each change is compared with."""
        if self.since is not None or not changes:
            return {change.address: self.since for change in changes}
        ids = {change.address: self._apply_of(change) for change in changes}
        applies = self.history.applies(ids.values())
        # A task that was never applied is new since the last apply.
        latest = self.history.latest() if None in ids.values() else None
        made = {name: applies.get(one) if one else latest for name, one in ids.items()}
        return {name: one.commit if one is not None else None for name, one in made.items()}

    def _apply_of(self, change: Change) -> str | None:
        stored = self.stores.applied.get(change.previous_address or change.address)
        return stored.apply_id if stored is not None else None

    def _read_anew(self, template: str, commit: str | None) -> Iterator[Reason]:
        changed = self.history.changed_since(commit) if commit is not None else None
        if commit is None or changed is None or template in changed:
            return
        variables = list(self._variables(template, commit)) if WORKSPACE_FILE in changed else []
        yield from variables or self._defaults(template, commit, changed)

    def _variables(self, template: str, commit: str) -> Iterator[Reason]:
        opened = self.history.opened
        before = _vars_of(self.history.text_at(commit, WORKSPACE_FILE))
        now, named = opened.workspace.vars, _names_in(self._text(template))
        for name in [*now, *(before.keys() - now.keys())]:
            if name in named and before.get(name) != now.get(name):
                place = opened.config.source.locate(("vars", name))
                yield Reason(as_text(str(place)), now.get(name))

    def _defaults(self, template: str, commit: str, changed: set[str]) -> Iterator[Reason]:
        if commit not in self._changed_defaults:
            self._changed_defaults[commit] = list(self._changed_since(commit, changed))
        for folder, reason in self._changed_defaults[commit]:
            if PurePosixPath(template).is_relative_to(folder):
                yield reason

    def _changed_since(self, commit: str, changed: set[str]) -> Iterator[tuple[str, Reason]]:
        """Defaults that changed, came or went, each with its folder; the deepest folder first."""
        specs = {name for name in changed if name.startswith(SPEC_FOLDER + "/")}
        held = files_with_word(self.history.opened.root, commit, _DEFAULTS, SPEC_FOLDER)
        for name in sorted(specs, key=lambda one: (-one.count("/"), one)):
            line = _line_of_defaults(name, self._text(name))
            if line is None and name in held:
                line = _line_of_defaults(name, self.history.text_at(commit, name) or "")
            if line is not None:
                yield name.rpartition("/")[0], Reason(as_text(f"{name}:{line}:1"))

    def _text(self, name: str) -> str:
        try:
            return decode(self.history.opened.files.read(name))
        except YamlError:
            return ""  # it is gone


def retold(change: Change, reasons: list[Reason]) -> Change:
    """The change, with its rendered fields told by what was read anew, if anything was."""
    if not reasons:
        return change
    paths = tuple(
        replace(one, cause="variables", origin=_nearest(one, reasons).origin)
        if one.cause in _RENDERED_FIELD
        else one
        for one in change.paths
    )
    return replace(change, paths=paths)


def _nearest(one: FieldChange, reasons: list[Reason]) -> Reason:
    """The variable whose value stands in a field, or the first."""
    text = str(one.after)
    return next(
        (it for it in reasons if it.value is not None and str(it.value) in text), reasons[0]
    )


def _may_be_rendered(change: Change) -> bool:
    if change.action in {Action.CREATE, Action.DELETE}:
        return True
    return any(one.cause in _RENDERED_FIELD for one in change.paths)


def _names_in(template: str) -> set[str]:
    return {name for code in _CODE.findall(template) for name in _NAME.findall(code)}


def _vars_of(text: str | None) -> dict[str, Any]:
    """The variables of an older reconciler.yaml; none if it cannot be read."""
    try:
        [document] = load_documents(text or "")
    except (YamlError, ValueError):
        return {}
    value = document.value.get("vars") if isinstance(document.value, dict) else None
    return value if isinstance(value, dict) else {}


def _line_of_defaults(name: str, text: str) -> int | None:
    if _DEFAULTS not in text or name.endswith(TEMPLATE_SUFFIX):
        return None
    documents, _ = parse_bytes(name, text.encode("utf-8", "surrogateescape"))
    of_defaults = (
        one.line
        for one in documents
        if isinstance(one.value, dict) and one.value.get("kind") == _DEFAULTS
    )
    return next(of_defaults, None)
