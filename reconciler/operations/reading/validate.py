"""`validate`: are the specs well formed, do they fit together, do they pass the policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from reconciler.base.diagnostics import NOT_HELD, Diagnostic, Severity, has_errors
from reconciler.base.errors import InvalidInput, PolicyBlocked
from reconciler.base.source import Located
from reconciler.base.text import plural
from reconciler.loader.policies import PolicySet
from reconciler.model.task import Task
from reconciler.operations.reading.closed_builds import closed_builds
from reconciler.operations.reading.gather import read_policies
from reconciler.operations.reading.platform_problems import platform_problems
from reconciler.operations.reading.survey import Listener, Survey
from reconciler.operations.workspace import OpenWorkspace
from reconciler.policy.diagnose import to_diagnostics
from reconciler.policy.evaluate import RuleSet, compile_rules
from reconciler.policy.rule import Subject
from reconciler.policy.waivers import PolicyResult, Tally, check_waivers, evaluate


@dataclass(frozen=True, slots=True)
class Validation:
    """What was read and what is wrong with it. `tasks` are those that can be used.

    `input_problems` are of form and make everything after them meaningless; `policy_problems`
    come from the rules. `platform_problems` are what recorded engines cannot do, or none holds:
    never errors, for they are of a machine as it was, and no fault of a spec. `minding` are tasks
    with a trigger for base images that is on, by address (see `reading/examine`).
    """

    specs: int
    defaults: int
    policies: int
    waivers: int
    input_problems: tuple[Diagnostic, ...]
    policy_problems: tuple[Diagnostic, ...]
    policy: PolicyResult
    specs_digest: str
    policy_digest: str
    tasks: int = 0
    platform_problems: tuple[Diagnostic, ...] = ()
    minding: Mapping[str, str] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """All of them."""
        return (*self.input_problems, *self.platform_problems, *self.policy_problems)

    @property
    def invalid(self) -> bool:
        """True if the input is wrong (exit 1)."""
        return any(item.severity is Severity.ERROR for item in self.input_problems)

    @property
    def blocked(self) -> bool:
        """True if a mandatory rule failed (exit 3)."""
        return self.policy.blocked


def nothing_validated() -> Validation:
    """The validation of a flow that reads no specs and asks no rules."""
    result = evaluate(RuleSet(), (), (), date.min)
    return Validation(0, 0, 0, 0, (), (), result, "", "")


def validate(
    opened: OpenWorkspace,
    today: date,
    listener: Listener | None = None,
) -> Validation:
    """Read and judge everything that is declared. `listener` is shown every usable task."""
    policies = read_policies(opened)
    rules, rule_problems = load_rules(policies)
    survey, tally = Survey(opened, policies, rules, today), Tally(rules, policies.waivers, today)
    survey.run(tally, listener)
    result, reader = tally.result(), survey.reader
    told = [*reader.diagnostics, *survey.check.finish(), *rule_problems]
    not_held = [item for item in told if item.code == NOT_HELD]
    problems = [item for item in told if item.code != NOT_HELD]
    return Validation(
        specs=reader.spec_count,
        defaults=reader.defaults_count,
        policies=len(policies.policies),
        waivers=len(policies.waivers),
        input_problems=tuple(problems),
        policy_problems=tuple(to_diagnostics(result, survey.source)),
        policy=result,
        specs_digest=reader.digest,
        policy_digest=policies.digest,
        tasks=len(survey.places),
        platform_problems=(
            *platform_problems(survey.demands, opened),
            *closed_builds(survey.demands, opened.root),
            *not_held,
        ),
        minding=survey.minding,
    )


def refuse_if_blocked(opened: OpenWorkspace, located: Located[Task], today: date) -> None:
    """Judge one task by the policies of its workspace, as `validate` would.

    Raises PolicyBlocked if a mandatory rule fails, InvalidInput if the policies are wrong.
    """
    policies = read_policies(opened)
    rules, problems = load_rules(policies)
    if has_errors(problems):
        raise InvalidInput(problems)
    address = located.value.address
    task = located.value
    result = evaluate(rules, [(task, Subject.of(task))], policies.waivers, today)
    if not result.blocked:
        return
    findings = to_diagnostics(result, {address: located.source})
    failures = [item for item in findings if item.severity is Severity.ERROR]
    raise PolicyBlocked(
        f"{address}, as its spec has it, has {plural(len(failures), 'policy failure')}; not run",
        details=[
            ("finding", f"{item.location}: {item.message} [{item.rule}]") for item in failures[:5]
        ],
        hint="mend the spec or add a waiver; with --no-push it is tried without publishing",
    )


def load_rules(policies: PolicySet) -> tuple[RuleSet, list[Diagnostic]]:
    """The rule set of a workspace and everything that is wrong with its policies."""
    rules, problems = compile_rules(policies.policies)
    return rules, [*policies.diagnostics, *problems, *check_waivers(policies.waivers, rules)]
