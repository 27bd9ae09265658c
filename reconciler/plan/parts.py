"""What changes, drift and facts of a plan are made of: a frozen model, a document, a field."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from reconciler.base.canonical import canonical_json, digest_text

# What a document says: JSON that was read.
Document = dict[str, Any]
Why = Literal["spec", "template", "variables", "defaults", "removed", "tool", "drift", "accepted"]


@dataclass(frozen=True, slots=True)
class Frozen:
    """A document as its canonical JSON text: small, equal by its text, read anew at each look.

    A plan of a hundred thousand tasks holds its documents in this form. To pydantic, and to whoever
    reads a plan file, it is the object itself.
    """

    text: str

    @classmethod
    def of(cls, document: Document) -> Frozen:
        """What a document says, frozen."""
        return cls(canonical_json(document))

    @property
    def digest(self) -> str:
        """Digest of the document."""
        return digest_text(self.text)

    def read(self) -> Document:
        """A new copy of the document."""
        document: Document = json.loads(self.text)
        return document

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _frozen,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: value.read()
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _: Any, __: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "object", "additionalProperties": True}


def _frozen(value: Any) -> Frozen:
    if isinstance(value, Frozen):
        return value
    if not isinstance(value, dict):
        raise ValueError("a document is an object")  # noqa: TRY004  (pydantic wants this one)
    return Frozen.of(value)


class PlanModel(BaseModel):
    """Base of the plan's models: frozen, unknown keys refused."""

    # What is printed has every key: a schema of it says so.
    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_serialization_defaults_required=True
    )


# The same for parts of which a plan may hold a hundred thousand: dataclasses with slots take a
# tenth of the memory of a model.
STRICT = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


# What the author is told of: these very lines, their removal, or only the file they stand in, which
# Git tells; or the live task, which its provider tells.
Of = Literal["line", "removal", "file", "live"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """Who wrote a field, or took it away.

    `of` says of what that is told: of the `line`, of its `removal` (from `file`), or only of the
    `file`, which the author changed last, for whatever reason. `uncommitted`: not in a commit yet.
    Of a field that drifted `live`: then `committed` is when the live task was written.
    """

    __pydantic_config__ = STRICT

    of: Of = "line"
    file: str | None = None
    commit: str | None = None
    author: str | None = None
    committed: datetime | None = None
    uncommitted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field: its dotted path from the root (lists by index), and both values.

    `sensitive` marks references to secrets: the values are references, never secrets. `origin` is
    the file:line:column of the new value; `cause` says where it comes from: spec, template
    (a spec that was rendered), variables (that its template reads, of the workspace or of Defaults;
    the template did not change), defaults (of a folder), removed (from all of these), tool (only
    the version of this program changed), or drift that is undone. Of a drifted field it says what
    becomes of it: drift (left alone), spec (the spec changes it too, and wins), accepted (the spec
    says the same by now). `blame` is who wrote that line, where Git tells.
    """

    __pydantic_config__ = STRICT

    path: str
    before: Any = None
    after: Any = None
    sensitive: bool = False
    cause: Why = "spec"
    origin: str | None = None
    blame: Blame | None = None
