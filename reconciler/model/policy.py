"""Policy documents: rules with parameters, and waivers with an end."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from reconciler.model.common import Day, Match, Model, Text, Word, problem

RuleSeverity = Literal["low", "medium", "high", "critical"]
Enforcement = Literal["mandatory", "advisory"]
RuleId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,79}$")]


class Rule(Model):
    """One use of a built-in rule: its parameters, whom it concerns, and how hard it is.

    Severity says how bad a failure is, enforcement whether it blocks: they are independent.
    """

    name: Word
    id: RuleId | None = None
    params: dict[Word, Any] = Field(default_factory=dict)
    severity: RuleSeverity | None = None
    enforcement: Enforcement = "mandatory"
    match: Match = Match()
    controls: tuple[Word, ...] = ()
    message: Text | None = None
    remediation: Text | None = None

    @property
    def identifier(self) -> str:
        """The id, else the name of the built-in."""
        return self.id or self.name


class Policy(Model):
    """One document of kind Policy."""

    api_version: Literal["reconciler/v1"]
    kind: Literal["Policy"]
    name: Word | None = None
    description: Text | None = None
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]


class Waiver(Model):
    """One document of kind Waiver: a failure that is accepted until a date, by somebody.

    It is valid through the day `expires`, UTC.
    """

    api_version: Literal["reconciler/v1"]
    kind: Literal["Waiver"]
    id: RuleId | None = None
    rule: RuleId
    match: Match
    owner: Word
    reason: Annotated[str, StringConstraints(min_length=5, max_length=4000)]
    ticket: Word | None = None
    approver: Word | None = None
    expires: Day

    @model_validator(mode="after")
    def _says_whom(self) -> Waiver:
        if self.match == Match():
            raise problem(
                "waiver",
                "a waiver names its tasks: match.address, labels, owner or registry",
            )
        return self

    def valid_on(self, day: date) -> bool:
        """True through the day of expiry."""
        return day <= self.expires
