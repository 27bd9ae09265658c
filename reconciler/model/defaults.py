"""Documents of kind Defaults: Task's metadata and spec with every field optional.

The models are made from Task's, so that a new field of a task has a default at once. Rules that
join several fields are not checked here: only the merged task can keep them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, Field, create_model
from pydantic.fields import FieldInfo

from reconciler.model.common import Model
from reconciler.model.step import STEP_KINDS
from reconciler.model.task import Metadata, TaskSpec


def _partial(model: type[BaseModel], leave_out: tuple[str, ...] = ()) -> type[Model]:
    fields: dict[str, Any] = {
        name: _optional(name, field)
        for name, field in model.model_fields.items()
        if name not in leave_out
    }
    return create_model(f"Default{model.__name__}", __base__=Model, __doc__=model.__doc__, **fields)


def _optional(name: str, field: FieldInfo) -> tuple[Any, Any]:
    if name == "step":
        return _partial_step() | None, Field(default=None)  # any part of any kind
    annotation = _inner(field.annotation)
    if field.metadata:
        annotation = Annotated[annotation, *field.metadata]
    return annotation | None, Field(default=None, alias=field.alias)


def _inner(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _partial(annotation)
    members = get_args(annotation)
    if len(members) == 2 and type(None) in members and get_origin(annotation) is not tuple:
        return _inner(next(member for member in members if member is not type(None)))
    return annotation


def _partial_step() -> type[Model]:
    fields: dict[str, Any] = {
        kind: (_inner(holder.model_fields[kind].annotation) | None, None)
        for kind, holder in STEP_KINDS.items()
    }
    return create_model("DefaultStep", __base__=Model, __doc__="Any part of a step.", **fields)


DefaultMetadata = _partial(Metadata, leave_out=("name", "moved_from"))
DefaultSpec = _partial(TaskSpec)


class Defaults(Model):
    """One document of kind Defaults: values for the tasks of its folder and the folders below.

    Maps merge, lists and scalars replace, the nearest folder wins.
    """

    api_version: Literal["reconciler/v1"]
    kind: Literal["Defaults"]
    metadata: DefaultMetadata | None = None  # type: ignore[valid-type]  # made above
    spec: DefaultSpec | None = None  # type: ignore[valid-type]  # made above
