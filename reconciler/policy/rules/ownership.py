"""Who answers for a task, and when somebody last has to look at it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field

from reconciler.base.text import plural
from reconciler.model.common import Model, OneOrMany, Whole, Word
from reconciler.model.task import Task
from reconciler.policy.rule import (
    BuiltIn,
    Finding,
    Predicate,
    days_after,
    fails,
    nearer_each_day,
    passes,
)

OwnerField = Literal["owner", "contact", "reviewBy", "expires", "description", "runbook"]
_HINTS: dict[OwnerField, str] = {
    "owner": "the team that answers for the task",
    "contact": "an address somebody reads",
    "reviewBy": "the day by which somebody looks at it again, for example 2027-06-30",
    "expires": "the day the task ends",
    "description": "what the task is for",
    "runbook": "where it is written what to do when it fails",
}


class Ownership(Model):
    """Parameters of ownership."""

    required: Annotated[tuple[OwnerField, ...], OneOrMany] = Field(
        default=("owner", "contact", "reviewBy"), description="fields that must be there"
    )
    owner_pattern: Annotated[tuple[Word, ...], OneOrMany] = Field(
        default=(), description="globs; the owner matches one of them (none: any owner)"
    )
    max_review_days: Annotated[Whole, Field(ge=1, le=3660)] = Field(
        default=400, description="most days until the next review"
    )


def _value(task: Task, field: OwnerField) -> str:
    metadata = task.metadata
    values: dict[OwnerField, object] = {
        "owner": metadata.owner,
        "contact": metadata.contact,
        "reviewBy": metadata.review_by,
        "expires": metadata.expires,
        "description": metadata.description,
        "runbook": metadata.runbook,
    }
    return str(values[field] or "").strip()


def _complete(params: Ownership, task: Task, _today: date) -> Iterator[Finding]:
    for field in params.required:
        if not _value(task, field):
            yield Finding(
                ("metadata", field),
                f"the task has no {field}",
                None,
                ", ".join(params.required),
                f"add metadata.{field}: {_HINTS[field]}",
            )


def _owner_known(params: Ownership, task: Task, _today: date) -> Iterator[Finding]:
    owner = task.metadata.owner or ""
    if not any(fnmatch.fnmatchcase(owner, pattern) for pattern in params.owner_pattern):
        allowed = ", ".join(params.owner_pattern)
        message = "the owner is not one the policy knows"
        yield Finding(("metadata", "owner"), message, owner, allowed, "name a team as the owner")


def _has_owner(params: Ownership, task: Task) -> bool:
    return bool(params.owner_pattern and task.metadata.owner)


def _has_review(_params: Ownership, task: Task) -> bool:
    return task.metadata.review_by is not None


def _review_not_past(_params: Ownership, task: Task, today: date) -> Iterator[Finding]:
    review = task.metadata.review_by
    if review is not None and review < today:
        yield Finding(
            ("metadata", "reviewBy"),
            f"the review was due {plural((today - review).days, 'day')} ago",
            review.isoformat(),
            f"{today.isoformat()} or later",
            "check that the task is still needed and right, then set a new date",
        )


def _review_not_far(params: Ownership, task: Task, today: date) -> Iterator[Finding]:
    review, last = task.metadata.review_by, today + timedelta(days=params.max_review_days)
    if review is not None and review > last:
        yield Finding(
            ("metadata", "reviewBy"),
            f"the next review is {plural((review - today).days, 'day')} away",
            review.isoformat(),
            f"{last.isoformat()} or earlier",
            "set an earlier date",
        )


def _has_expiry(_params: Ownership, task: Task) -> bool:
    return task.metadata.expires is not None


def _not_ended(_params: Ownership, task: Task, today: date) -> Iterator[Finding]:
    end = task.metadata.expires
    if end is not None and end < today:
        yield Finding(
            ("metadata", "expires"),
            f"the task's own end was {plural((today - end).days, 'day')} ago",
            end.isoformat(),
            f"{today.isoformat()} or later",
            "delete the spec, or set a new date if the task is still needed",
        )


_OWNED = {"owner": "team-web", "contact": "web@contoso.example", "reviewBy": "2027-06-30"}


def _owned(**changes: object) -> dict[str, object]:
    return {"metadata": {**_OWNED, **changes}}


RULE = BuiltIn(
    name="ownership",
    title="Every task has an owner who looks at it in time",
    description=(
        "Nobody repairs what nobody owns. The review date is judged on the day of the check, so "
        "a forgotten task starts to fail by itself."
    ),
    params=Ownership,
    severity="medium",
    predicates=(
        Predicate("fields-present", "the required fields are there", _complete),
        Predicate("owner-known", "the owner matches ownerPattern", _owner_known, _has_owner),
        Predicate(
            "review-not-past",
            "reviewBy has not passed",
            _review_not_past,
            _has_review,
            lambda _params, task: days_after(task.metadata.review_by),
        ),
        Predicate(
            "review-not-far",
            "reviewBy is within maxReviewDays",
            _review_not_far,
            _has_review,
            nearer_each_day,
        ),
        Predicate(
            "not-ended",
            "metadata.expires has not passed",
            _not_ended,
            _has_expiry,
            lambda _params, task: days_after(task.metadata.expires),
        ),
    ),
    examples=(
        passes("all fields", _owned()),
        passes("a known team", _owned(expires="2027-12-31"), ownerPattern="team-*"),
        fails("no owner", {"metadata": {"contact": "a@contoso.example", "reviewBy": "2027-06-30"}}),
        fails("an owner of blanks", _owned(owner="  ")),
        fails("a person as owner", _owned(owner="jo"), ownerPattern=["team-*", "platform"]),
        fails("review was due", _owned(reviewBy="2026-11-19")),
        fails("review in five years", _owned(reviewBy="2031-11-19")),
        fails("the task has ended", _owned(expires="2026-11-19")),
    ),
    fix="fill in metadata.owner, contact and reviewBy",
    controls=("SOC 2 CC1.3", "ISO 27001 A.5.9"),
)
