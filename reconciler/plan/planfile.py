"""The saved plan: versioned JSON with a digest and a signature. Lines in, lines out.

The digest shows an accident, the signature (keyed by the state store) an edit: whoever changes a
saved plan would have to know the key of the state it is applied to. Both are over the very bytes
of all lines before them, so that a blank more is an edit, too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from pydantic import ValidationError

from reconciler.base.canonical import fingerprint
from reconciler.base.clock import to_iso
from reconciler.base.errors import PlanRejected, StalePlan
from reconciler.base.text import one_line
from reconciler.plan.change import FORMAT_VERSION, Plan
from reconciler.plan.planlines import OPENING, item_adapter, plan_lines

_AGAIN = "make a new plan: reconciler plan --out FILE"
_SEAL = ("digest", "signature")


def write_plan(plan: Plan, key: bytes) -> Iterator[str]:
    """The lines of a plan file."""
    found = hashlib.sha256()
    for line in plan_lines(plan):
        found.update(line.encode())
        yield line
    yield from _seal_lines(f"sha256:{found.hexdigest()}", key)


def _seal_lines(digest: str, key: bytes) -> tuple[str, str, str]:
    return f'"digest": "{digest}",\n', f'"signature": "{fingerprint(digest, key)}"\n', "}\n"


class _Layout(Exception):
    """The lines are not laid out as `write_plan` does."""


@dataclass(slots=True)
class _Reading:
    """What is known of a plan file, line by line."""

    file: IO[bytes]
    content: dict[str, Any] = field(default_factory=dict)
    hash: Any = field(default_factory=hashlib.sha256)

    def line(self) -> str:
        """The next line. Raises _Layout at the end of the file, and for what is no ASCII."""
        data = self.file.readline()
        if not data.endswith(b"\n") or not data.isascii():
            raise _Layout
        self.hash.update(data)
        return data.decode("ascii")


def read_plan(file: IO[bytes], key: bytes, state_id: str) -> Plan:
    """The plan of a file that can be read twice, one line after the other.

    Raises PlanRejected: edited, foreign, newer, or no plan at all.
    """
    try:
        return _read(_Reading(file), key, state_id)
    except ValidationError as error:
        raise _damaged(error) from None
    except (_Layout, RecursionError):
        # Not as we write it. What else it is, the whole text tells.
        file.seek(0)
        raise _why_not(file.read()) from None


def _read(reading: _Reading, key: bytes, state_id: str) -> Plan:
    if reading.line() != OPENING:
        raise _Layout
    while True:
        before = reading.hash.copy()
        line = reading.line()
        written, _, value = line.partition(": ")
        name = _value(written)
        if name == _SEAL[0]:
            break
        if not isinstance(name, str):
            raise _Layout
        reading.content[name] = _list(reading, name) if value == "[\n" else _scalar(value)
    return _checked(reading, line, f"sha256:{before.hexdigest()}", key, state_id)


def _list(reading: _Reading, name: str) -> tuple[Any, ...]:
    """The items up to the closing bracket, each made what it is as soon as it is read."""
    _check_kind(reading.content)
    if name not in Plan.model_fields:
        raise _Layout
    adapter, items = item_adapter(name), []
    while (line := reading.line()) != "],\n":
        try:
            items.append(adapter.validate_python(_scalar(line)))
        except ValidationError as error:
            raise _damaged(error, f"{name}.{len(items)}.") from None
    return tuple(items)


def _scalar(text: str) -> Any:
    return _value(text.removesuffix("\n").removesuffix(","))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise _Layout from None


def _checked(reading: _Reading, line: str, found: str, key: bytes, state_id: str) -> Plan:
    content = reading.content
    _check_kind(content)
    plan = Plan.model_validate(content)
    rest = [line, *(data.decode("utf-8", "replace") for data in reading.file)]
    digest, signature, end = _seal_lines(found, key)
    if len(rest) != 3 or rest[0] != digest or rest[2] != end:
        raise _edited(line.partition(": ")[2].strip('",\n'), found)
    if plan.state_id != state_id:
        raise PlanRejected(
            "the plan was made against another state",
            details=[("state", f"plan {plan.state_id}, here {state_id}")],
            hint="check `state:` in reconciler.yaml, or " + _AGAIN,
        )
    if not hmac.compare_digest(rest[1].encode(), signature.encode()):
        raise PlanRejected("the plan file was not sealed by this state", hint=_AGAIN)
    return plan


# --------------------------------------------------------------- what is refused
def _edited(stated: str, found: str) -> PlanRejected:
    details = [("digest", f"stated {one_line(stated)}, found {found}")]
    if stated == found:
        details = [("found", "another layout than it was saved with")]
    return PlanRejected(
        "the plan file was edited after it was saved",
        details=details,
        hint="change the specs and " + _AGAIN,
    )


def _why_not(data: bytes) -> PlanRejected:
    """What is wrong with a file whose lines are not those of a plan."""
    try:
        content = json.loads(data.decode("utf-8"))
        _check_kind(content)
        Plan.model_validate({name: value for name, value in content.items() if name not in _SEAL})
    except PlanRejected as error:
        return error
    except ValidationError as error:
        return _damaged(error)
    except RecursionError:
        return _rejected("values nested too deep")
    except ValueError as error:
        found = "it is not text" if isinstance(error, UnicodeError) else one_line(str(error))
        return PlanRejected(f"this is no plan file: {found}", hint=_AGAIN)
    return _edited("", "")


def _damaged(error: ValidationError, where: str = "") -> PlanRejected:
    first = error.errors(include_input=False)[0]
    place = where + ".".join(map(str, first["loc"]))
    return _rejected(one_line(str(first["msg"])), ("at", one_line(place)))


def _rejected(found: str, *details: tuple[str, str]) -> PlanRejected:
    return PlanRejected(
        "the plan file is damaged or was edited", details=[*details, ("found", found)], hint=_AGAIN
    )


def _check_kind(content: Any) -> None:
    """Raises PlanRejected for another kind of document, or another version of its format."""
    if not isinstance(content, dict) or content.get("kind") != "Plan":
        raise PlanRejected("this is no plan file", hint=_AGAIN)
    found = content.get("format_version")
    if found != FORMAT_VERSION:
        raise PlanRejected(
            f"the plan file has format {one_line(str(found), 40)}, "
            f"this version reads {FORMAT_VERSION}",
            hint="use the version of reconciler that made it, or " + _AGAIN,
        )


def check_not_expired(plan: Plan, now: datetime) -> None:
    """Raises StalePlan if the plan's time is over."""
    if now >= plan.expires:
        raise StalePlan(
            f"the plan expired at {to_iso(plan.expires)}",
            details=[("plan", f"{plan.id}, made {to_iso(plan.created)}")],
            hint=_AGAIN,
        )


def plan_schema() -> dict[str, Any]:
    """JSON Schema of the plan file."""
    schema = Plan.model_json_schema()
    sealed = {"digest": {"type": "string"}, "signature": {"type": "string"}}
    # Only `plan -o json` has these two, and no seal.
    told = {"diagnostics": {"type": "array"}, "recovered": {"type": "array"}}
    schema["properties"] = {**schema["properties"], **sealed, **told}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
