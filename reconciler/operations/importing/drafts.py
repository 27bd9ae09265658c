"""A live task as the text of a spec file that says exactly that, or why there can be none.

The text is read back as a plan would read it, and compared, before anything is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from reconciler.adapters.files import write_new, write_whole
from reconciler.base.diagnostics import Diagnostic, Severity, has_errors
from reconciler.base.errors import InvalidInput, ReconcilerError
from reconciler.base.source import Located, spell_path
from reconciler.base.text import one_line, plural
from reconciler.loader.crosscheck import CrossCheck, facts_of, found_at
from reconciler.loader.defaults import Chain
from reconciler.loader.kinds import SPEC_FOLDER
from reconciler.loader.spec_writer import (
    chain_for,
    chains_by_folder,
    over_defaults,
    read_spec,
    spec_text,
)
from reconciler.model.task import Task
from reconciler.operations.reading.gather import read_declared, task_check
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.fields import field_changes
from reconciler.plan.normalise import canonical_document, full_document
from reconciler.plan.parts import Document
from reconciler.plan.secrets import secret_places
from reconciler.policy.rules.hardening import secret_looking
from reconciler.providers.base import LiveTask

TODO = "TODO: check that this reference to a secret can be resolved here"
TODO_PLAIN = "TODO: a secret, by its name: give it as a reference, and do not commit its value"
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Refused:
    """A live task that no file was written for: why, and what helps."""

    address: str
    reason: str
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A spec file to be written. `secrets` of its fields are marked as to be done.

    So are `plain_secrets`: the paths of plain values that look like secrets.
    """

    task: Task
    file: str
    text: str
    secrets: int
    plain_secrets: tuple[str, ...]


@dataclass(slots=True)
class Ground:
    """What the new files must fit into."""

    opened: OpenWorkspace
    force: bool
    plain_secrets: bool
    chains: dict[str, Chain]
    declared: dict[str, str] = field(default_factory=dict)
    check: CrossCheck = field(init=False)

    def __post_init__(self) -> None:
        self.check = CrossCheck()

    def holds_defaults(self, file: str) -> bool:
        """True if Defaults stand in a file."""
        layers = (layer for chain in self.chains.values() for layer in chain.layers)
        return any(layer.file == file for layer in layers)


def read_ground(opened: OpenWorkspace, *, force: bool, plain_secrets: bool) -> Ground:
    """What is declared. Raises InvalidInput if that is wrong.

    `plain_secrets`: plain values that look like secrets may stand in the files.
    """
    ground = Ground(opened, force, plain_secrets, chains_by_folder(opened.files))
    declared = read_declared(opened)
    for located in declared.tasks():
        ground.check.add(facts_of(located.value, opened.workspace), found_at(located.source))
        ground.declared[located.value.address] = located.source.file
    if has_errors(declared.diagnostics):
        raise InvalidInput(declared.diagnostics)
    return ground


def draft_of(ground: Ground, live: LiveTask) -> Draft | Refused:
    """The file of one task, read back and found to say what is live."""
    try:
        task = Task.model_validate_json(live.document)
    except (ValidationError, RecursionError):
        return Refused(live.address, "what is live cannot be read by this version")
    if task.address != live.address:
        return Refused(live.address, "what is live names another task inside")
    file = f"{SPEC_FOLDER}/{task.metadata.registry}/{task.metadata.name}.yaml"
    chain = chain_for(ground.chains, file.rpartition("/")[0])
    canonical = canonical_document(task)
    document = over_defaults(canonical, full_document(task), chain.merged)
    places, plain = secret_places(document), secret_looking(Task.model_validate(canonical))
    named = tuple(map(spell_path, plain))
    if named and not ground.plain_secrets:
        return _holds_plain_secrets(live.address, named)
    head = _head(task, live, ground.opened.clock())
    remarks = {**dict.fromkeys(plain, TODO_PLAIN), **dict.fromkeys(places, TODO)}
    text = spec_text(document, head, remarks)
    found = read_spec(file, text, chain)
    if isinstance(found, list):
        return _refused(live.address, found)
    if canonical_document(found.value) != canonical:
        return _given_otherwise(ground, live.address, canonical, found)
    return _fits(ground, Draft(task, file, text, len(places), named), found)


def _holds_plain_secrets(address: str, named: Sequence[str]) -> Refused:
    """A value cannot become a reference without a change of what is live: see decision 17."""
    more = len(named) - _MOST_NAMED
    shown = ", ".join([*named[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])])
    return Refused(
        address,
        f"it holds {plural(len(named), 'plain value')} like a secret: {shown}",
        "give references where it is live, or pass --allow-plain-secrets: values are then written "
        "as they are, marked TODO",
    )


def _given_otherwise(
    ground: Ground, address: str, wanted: Document, found: Located[Task]
) -> Refused:
    """Which entry of which Defaults gives a task what it has not live."""
    given = field_changes(wanted, canonical_document(found.value))
    chain = chain_for(ground.chains, found.source.file.rpartition("/")[0])
    for field_ in given:
        path = tuple(int(part) if part.isdigit() else part for part in field_.path.split("."))
        for layer in reversed(chain.layers):
            place, whole = ground.opened.files.locate(layer.file, layer.index, path)
            if whole:
                return Refused(
                    address,
                    f"its spec would say something else: {place} gives it {field_.path}, which it "
                    "has not live",
                    "take that entry out of the Defaults, or write the spec in another folder",
                )
    layers = ", ".join(layer.file for layer in chain.layers)
    return Refused(
        address,
        f"its spec would say something else: {layers or 'YAML'} gives it what it has not live",
        "take that out of the Defaults, or write the spec in another folder",
    )


def _fits(ground: Ground, draft: Draft, found: Located[Task]) -> Draft | Refused:
    """Whether a new task goes together with all others: registries, addresses, image names."""
    if draft.task.address in ground.declared:
        return draft  # it was looked at when the specs were read
    before = len(ground.check.diagnostics)
    ground.check.add(facts_of(found.value, ground.opened.workspace), found_at(found.source))
    problems = [*task_check(ground.opened).problems(found), *ground.check.diagnostics[before:]]
    wrong = [item for item in problems if item.severity is Severity.ERROR]
    return _refused(draft.task.address, wrong) if wrong else draft


def _refused(address: str, problems: Sequence[Diagnostic]) -> Refused:
    return Refused(address, problems[0].message, problems[0].fix)


def _head(task: Task, live: LiveTask, now: datetime) -> list[str]:
    by = f", last changed by {one_line(live.changed_by, 120)}" if live.changed_by else ""
    lines = [f"Imported as it was live on {now:%Y-%m-%d %H:%M} UTC{by}."]
    metadata = task.metadata
    told = {
        "owner": metadata.owner,
        "contact": metadata.contact,
        "reviewBy": metadata.review_by,
        "description": metadata.description,
    }
    if missing := [name for name, value in told.items() if value is None]:
        lines.append(f"TODO: say {', '.join(missing)}: nothing live tells them.")
    return lines


def write_draft(ground: Ground, draft: Draft) -> Refused | None:
    """Write the file of a draft. Raises ReconcilerError if the disk refuses."""
    path: Path = ground.opened.root / draft.file
    address, data = draft.task.address, draft.text.encode("utf-8")
    try:
        if not path.parent.resolve().is_relative_to(ground.opened.root.resolve()):
            return Refused(address, f"{draft.file} would lie outside of the workspace: a link")
        if not path.exists():
            write_new(path, data)
            return None
        others = {one for one, file in ground.declared.items() if file == draft.file} - {address}
        others |= {"Defaults"} if ground.holds_defaults(draft.file) else set()
        if not ground.force:
            return Refused(address, f"{draft.file} is there already", "move it, or pass --force")
        if others:
            named = ", ".join(sorted(others)[:3])
            return Refused(address, f"{draft.file} declares other things too: {named}")
        write_whole(path, data)
    except OSError as error:
        raise ReconcilerError(f"{draft.file} cannot be written: {error.strerror}") from None
    return None
