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
from reconciler.plan.change import FORMAT_VERSION, Plan

_AGAIN = "make a new plan: reconciler plan --out FILE"


def plan_digest(plan: Plan) -> str:
    """Digest of everything in the plan."""
    return digest_text(canonical_json(plan.model_dump(mode="json")))


def write_plan(plan: Plan, key: bytes) -> str:
    """The text of a plan file."""
    content = plan.model_dump(mode="json")
    body = canonical_json(content)
    sealed = {**content, "digest": digest_text(body), "signature": fingerprint(body, key)}
    return json.dumps(sealed, indent=2, ensure_ascii=False) + "\n"


def read_plan(text: str, key: bytes, state_id: str) -> Plan:
    """The plan of a file. Raises PlanRejected: edited, foreign, newer, or no plan at all."""
    content = _json(text)
    _check_version(content)
    stated, signature = content.pop("digest", None), content.pop("signature", None)
    try:
        plan = Plan.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise PlanRejected(
            "the plan file is damaged or was edited",
            details=[("at", place), ("found", str(first["msg"]))],
            hint=_AGAIN,
        ) from None
    body = canonical_json(content)
    if digest_text(body) != stated:
        raise PlanRejected(
            "the plan file was edited after it was saved",
            details=[("digest", f"stated {stated}, found {digest_text(body)}")],
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
    schema["properties"] = {**schema["properties"], **sealed}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _json(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanRejected(f"this is no plan file: {error}", hint=_AGAIN) from None
    if not isinstance(content, dict) or content.get("kind") != "Plan":
        raise PlanRejected("this is no plan file", hint=_AGAIN)
    return content


def _check_version(content: dict[str, Any]) -> None:
    found = str(content.get("format_version"))
    if found.split(".", maxsplit=1)[0] != FORMAT_VERSION.split(".")[0]:
        raise PlanRejected(
            f"the plan file has format {found}, this version reads {FORMAT_VERSION}",
            hint="use the version of reconciler that made it, or " + _AGAIN,
        )
