"""A declared task as a comparison is shown it: its digest, the rest when it is asked for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.base.source import Located
from reconciler.model.task import Task
from reconciler.plan.fields import inherited_fields
from reconciler.plan.normalise import canonical_document, document_hash
from reconciler.plan.parts import FieldChange, Frozen


@dataclass(frozen=True, slots=True)
class NewTask:
    """What a plan tells of a task that is stored nowhere: its document, and what is inherited."""

    document: Frozen
    inherited: tuple[FieldChange, ...] = ()

    @classmethod
    def of(cls, located: Located[Task]) -> NewTask:
        """What a task that is at hand would be."""
        document = canonical_document(located.value)
        return cls(Frozen.of(document), inherited_fields(document, located))


@dataclass(frozen=True, slots=True)
class Declared:
    """A declared task by what is compared first; `read` gives the rest of it.

    `digest` is of its canonical document, `file` as people know it, `moved_from` are former
    addresses. `new` is what a plan tells of a task that is stored nowhere, if that is known
    already.
    """

    address: str
    digest: str
    file: str
    line: int
    read: Callable[[], Located[Task]]
    owner: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    moved_from: tuple[str, ...] = ()
    new: NewTask | None = None

    @classmethod
    def of(cls, located: Located[Task]) -> Declared:
        """What a task that is at hand declares."""
        task, metadata = located.value, located.value.metadata
        return cls(
            task.address,
            document_hash(canonical_document(task)),
            located.source.file,
            located.source.line,
            lambda: located,
            metadata.owner,
            metadata.labels,
            task.former_addresses,
        )
