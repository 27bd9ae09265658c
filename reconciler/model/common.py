"""The words all models share: names, durations, secret references, selectors."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from reconciler.model.vaults import check_vault_reference, with_version

API_VERSION = "reconciler/v1"


class Model(BaseModel):
    """Base of every model: frozen, unknown keys refused, camelCase in files."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=False,
        defer_build=True,  # a command builds only the models it uses
    )

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Itself: it is frozen. Pydantic copies defaults for every instance otherwise."""
        return self


def problem(code: str, message: str) -> PydanticCustomError:
    """An error of a validator. Braces in the message are kept as they are."""
    return PydanticCustomError("reconciler_" + code, "{text}", {"text": message})


_TASK_NAME = re.compile(r"[A-Za-z0-9_-]{5,50}")


def _task_name(text: str) -> str:
    if not _TASK_NAME.fullmatch(text):
        raise problem("name", "a task name has 5 to 50 letters, digits, '-' or '_'")
    return text


# ACR's rule for task names.
TaskName = Annotated[str, AfterValidator(_task_name)]
RegistryName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,49}$")]
Text = Annotated[str, StringConstraints(max_length=4000)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Flag = StrictBool
Whole = StrictInt

# ---------------------------------------------------------- days and durations
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _day(value: Any) -> Any:
    # Pydantic alone would read 86400 and "1893456000" as days since 1970.
    if isinstance(value, date):
        return value
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise problem("day", "a date is written year-month-day, such as 2027-06-30")


Day = Annotated[date, BeforeValidator(_day, json_schema_input_type=date)]

_DURATION = re.compile(r"([0-9]{1,9})(s|m|h|d)")
_LONGEST_DURATION = 36500 * 86400  # a hundred years: what is added to a date stays one
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration_seconds(text: str) -> int:
    """Seconds of a duration such as `90s`, `15m`, `1h`, `30d`. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(text)
    seconds = int(match[1]) * _SECONDS[match[2]]
    if seconds > _LONGEST_DURATION:
        raise ValueError(text)
    return seconds


def spell_seconds(seconds: int) -> str:
    """The shortest duration text of a number of seconds: 86400 is `1d`."""
    unit = next(unit for unit in "dhms" if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def _duration(text: str) -> str:
    try:
        return spell_seconds(duration_seconds(text))
    except ValueError:
        message = "a duration is a whole number and a unit: 90s, 15m, 1h or 30d (at most 36500d)"
        raise problem("duration", message) from None


# Kept as text in its shortest form, so that 24h and 1d are the same value.
Duration = Annotated[str, AfterValidator(_duration)]

# ---------------------------------------------------------- secret references
SECRET_SCHEMES = ("env", "file", "azurekv", "vault")
_SECRET = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\x00\s]+|(?:azurekv|vault):[^\x00\s]+)")
_URL_PASSWORD = re.compile(r"//[^/@\s]*@")


def _secret_reference(text: str) -> str:
    # The value is never repeated in the message: people paste tokens here by mistake.
    if not _SECRET.fullmatch(text) or _URL_PASSWORD.search(text):
        message = "a secret is a reference (env:NAME, file:PATH, azurekv:… or vault:…), not a value"
        raise problem("secret", message)
    try:
        check_vault_reference(text)
    except ValueError as error:
        raise problem("secret", str(error)) from None
    return text


SecretText = Annotated[str, AfterValidator(_secret_reference)]


class SecretReference(Model):
    """Where a secret is found, never what it is."""

    secret: SecretText
    version: Word | None = None

    @model_validator(mode="after")
    def _version_is_one(self) -> Self:
        try:
            check_vault_reference(self.reference)
        except ValueError as error:
            raise problem("secret", str(error)) from None
        return self

    @property
    def reference(self) -> str:
        """The whole reference, of its version where a vault keeps several."""
        return with_version(self.secret, self.version) if self.version else self.secret


# ------------------------------------------------------------------ selectors
Labels = dict[Word, Text]


class Match(Model):
    """A selector of tasks. Every given field must match; an empty one matches every task."""

    address: Word | None = None
    labels: Labels = Field(default_factory=dict)
    owner: Word | None = None
    registry: Word | None = None

    def selects(self, address: str, owner: str | None, labels: Mapping[str, str]) -> bool:
        """True if a task is meant. `address` is a glob; its `*` also matches `/`."""
        return (
            (self.address is None or fnmatch.fnmatchcase(address, self.address))
            and self.registry in {None, address.partition("/")[0]}
            and self.owner in {None, owner}
            and self.labels.items() <= labels.items()
        )


class _OneOrMany:
    """Lets a file write one item where a list is allowed; the JSON Schema says both."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(as_tuple, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(schema)
        return {"anyOf": [many["items"], many]} if "items" in many else many


def as_tuple(value: Any) -> Any:
    """A list of one item for an item."""
    return value if isinstance(value, list | tuple) or value is None else [value]


OneOrMany = _OneOrMany()
