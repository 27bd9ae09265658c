"""The saved plan: versioned JSON with a digest and a signature. Text in, text out.

The digest shows an accident, the signature (keyed by the state store) an edit: whoever changes a
saved plan would have to know the key of the state it is applied to.
"""

from __future__ import annotations

import hmac
import json
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from reconciler.base.canonical import canonical_json, digest_text, fingerprint
from reconciler.base.clock import to_iso
from reconciler.base.errors import PlanRejected, StalePlan
from reconciler.base.text import one_line
from reconciler.plan.change import FORMAT_VERSION, Plan

_AGAIN = "make a new plan: reconciler plan --out FILE"


def plan_digest(plan: Plan) -> str:
    """Digest of everything in the plan."""
    return digest_text(canonical_json(plan.model_dump(mode="json")))


def write_plan(plan: Plan, key: bytes) -> str:
    """The text of a plan file."""
    content = plan.model_dump(mode="json")
    body = canonical_json(content)
    return _layout({**content, "digest": digest_text(body), "signature": fingerprint(body, key)})


def read_plan(text: str, key: bytes, state_id: str) -> Plan:
    """The plan of a file. Raises PlanRejected: edited, foreign, newer, or no plan at all."""
    try:
        return _read(_json(text), text, key, state_id)
    except (ValidationError, RecursionError) as error:
        raise _damaged(error) from None


def _read(content: dict[str, Any], text: str, key: bytes, state_id: str) -> Plan:
    _check_version(content)
    laid_out = _layout(content)
    stated, signature = content.pop("digest", None), content.pop("signature", None)
    plan = Plan.model_validate(content)
    body = canonical_json(content)
    # A blank more or a key twice means the same to JSON; it is an edit all the same.
    if digest_text(body) != stated or laid_out != text:
        raise PlanRejected(
            "the plan file was edited after it was saved",
            details=_digests(str(stated), digest_text(body)),
            hint="change the specs and " + _AGAIN,
        )
    if plan.state_id != state_id:
        raise PlanRejected(
            "the plan was made against another state",
            details=[("state", f"plan {plan.state_id}, here {state_id}")],
            hint="check `state:` in reconciler.yaml, or " + _AGAIN,
        )
    if not hmac.compare_digest(str(signature).encode(), fingerprint(body, key).encode()):
        raise PlanRejected("the plan file was not sealed by this state", hint=_AGAIN)
    return plan


def _digests(stated: str, found: str) -> list[tuple[str, str]]:
    if stated == found:
        return [("found", "another layout than it was saved with")]
    return [("digest", f"stated {one_line(stated)}, found {found}")]


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


def _layout(content: dict[str, Any]) -> str:
    """One line for each key, and for each item of a list: quick to write, easy to compare."""
    return "{\n" + ",\n".join(f"{_json_text(k)}: {_block(v)}" for k, v in content.items()) + "\n}\n"


def _block(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _json_text(value)
    return "[\n" + ",\n".join(map(_json_text, value)) + "\n]"


def _json_text(value: Any) -> str:
    # Escaped to ASCII: a hostile name in a plan does nothing to the terminal of who looks at it.
    return json.dumps(value)


def _damaged(error: ValidationError | RecursionError) -> PlanRejected:
    details = [("found", "values nested too deep")]
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        details = [("at", one_line(place)), ("found", one_line(str(first["msg"])))]
    return PlanRejected("the plan file is damaged or was edited", details=details, hint=_AGAIN)


def _json(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        found = one_line(str(error))
        raise PlanRejected(f"this is no plan file: {found}", hint=_AGAIN) from None
    if not isinstance(content, dict) or content.get("kind") != "Plan":
        raise PlanRejected("this is no plan file", hint=_AGAIN)
    return content


def _check_version(content: dict[str, Any]) -> None:
    found = content.get("format_version")
    if found != FORMAT_VERSION:
        raise PlanRejected(
            f"the plan file has format {one_line(str(found), 40)}, "
            f"this version reads {FORMAT_VERSION}",
            hint="use the version of reconciler that made it, or " + _AGAIN,
        )
