"""`doctor`: read what is declared, ask everybody at once, tell how it stands, and record it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from reconciler.base.errors import StateUnusable
from reconciler.model.capability import Capability, Recorded
from reconciler.operations.doctoring.asking import LIMIT_SECONDS, Answer, ask_all
from reconciler.operations.doctoring.engines import ask_engine
from reconciler.operations.doctoring.finding import Diagnosis, Finding, Kind, Status
from reconciler.operations.doctoring.others import (
    clock_findings,
    git_finding,
    is_plain,
    pool_findings,
    registry_finding,
    secret_findings,
    specs_findings,
    state_finding,
    token_findings,
)
from reconciler.operations.doctoring.platforms import entries_of, platform_findings
from reconciler.operations.doctoring.services import (
    ask_git,
    ask_registry,
    ask_secrets,
    ask_state,
)
from reconciler.operations.doctoring.unpolled import unpolled_findings
from reconciler.operations.doctoring.unseen import unseen_findings
from reconciler.operations.doctoring.untracked import untracked_findings
from reconciler.operations.doctoring.vaults import Vault, vault_findings, vaults_of
from reconciler.operations.doctoring.wanted import Wanted, wanted_by
from reconciler.operations.workspace import OpenWorkspace

_COMMAND = "doctor"


@dataclass(slots=True)
class _Round:
    """Everybody who is asked, by kind and name; their answers once they are there."""

    questions: dict[tuple[Kind, Any], Callable[[], Any]] = field(default_factory=dict)
    answers: dict[tuple[Kind, Any], Answer[Any]] = field(default_factory=dict)

    def ask(self, seconds: float) -> None:
        """Ask all of them."""
        found = ask_all(list(self.questions.values()), seconds=seconds)
        self.answers = dict(zip(self.questions, found, strict=True))

    def of(self, kind: Kind) -> dict[Any, Answer[Any]]:
        """The answers of a kind, by what was asked for."""
        return {name: answer for (own, name), answer in self.answers.items() if own is kind}


def diagnose(
    opened: OpenWorkspace, *, inside: bool = True, seconds: float = LIMIT_SECONDS
) -> Diagnosis:
    """What works here, of what a workspace declares; `inside` is False where there is none.

    What engines can do is recorded in the state of a workspace. Nothing is waited for longer than
    so many seconds, beside the reading of specs. Raises InvalidInput for a wrong reconciler.yaml.
    """
    wanted = wanted_by(opened) if inside else Wanted()
    vaults = vaults_of(wanted.secrets)
    asked = _asked(opened, wanted, vaults, inside=inside)
    asked.ask(seconds)
    found = list(_findings(opened, wanted, vaults, asked))
    order = list(Kind)
    engines = [one.value.capability for one in asked.of(Kind.ENGINE).values() if one.value]
    return Diagnosis(
        at=opened.clock().replace(microsecond=0),
        findings=tuple(sorted(found, key=lambda one: order.index(one.kind))),
        engines=tuple(engines),
        workspace=str(opened.root) if inside else None,
        recorded=_has_state(found) and _record(opened, engines),
    )


def _asked(
    opened: OpenWorkspace, wanted: Wanted, vaults: Mapping[str, Vault], *, inside: bool
) -> _Round:
    found = _Round()
    for entry in entries_of(opened.workspace, wanted):
        asked = partial(ask_engine, entry, opened.environment, opened.clock)
        found.questions[Kind.ENGINE, entry] = asked
    for host in wanted.registries:
        own = wanted.logins.get(host)
        found.questions[Kind.REGISTRY, host] = partial(ask_registry, host, own, opened)
    for name, vault in vaults.items():
        found.questions[Kind.VAULT, name] = partial(ask_secrets, [vault.reference], opened)
    plain = [one for one in wanted.secrets if is_plain(one)]
    found.questions[Kind.SECRET, None] = partial(ask_secrets, plain, opened)
    found.questions[Kind.GIT, None] = partial(ask_git, opened.environment)
    if inside:
        found.questions[Kind.STATE, None] = partial(ask_state, opened)
    return found


def _findings(
    opened: OpenWorkspace, wanted: Wanted, vaults: Mapping[str, Vault], asked: _Round
) -> Iterator[Finding]:
    engines, registries = asked.of(Kind.ENGINE), asked.of(Kind.REGISTRY)
    yield from specs_findings(wanted)
    yield from pool_findings(wanted, opened.workspace.server.pools)
    yield from platform_findings(opened, wanted, engines)
    for host, answer in registries.items():
        yield registry_finding(host, wanted.registries[host], answer)
    yield git_finding(wanted.git, asked.of(Kind.GIT)[None])
    read, of_tokens = asked.of(Kind.SECRET)[None], {one.reference for one in wanted.tokens}
    plain = {name: use for name, use in wanted.secrets.items() if is_plain(name)}
    # What a token cannot be read for stands in its own line.
    yield from secret_findings({k: v for k, v in plain.items() if k not in of_tokens}, read)
    yield from vault_findings(vaults, asked.of(Kind.VAULT))
    yield from token_findings(wanted.tokens, read, asked.of(Kind.VAULT), opened.clock().date())
    yield from map(state_finding, asked.of(Kind.STATE).values())
    if any(one.value is not None for one in asked.of(Kind.STATE).values()):
        yield from unseen_findings(opened)
        yield from unpolled_findings(opened)
    if _has_state(map(state_finding, asked.of(Kind.STATE).values())):
        yield from untracked_findings(opened)
    told = {f"engine {entry.engine}": one for entry, one in engines.items()}
    told |= {f"registry {host}": one for host, one in registries.items()}
    ahead = {name: one.value.ahead for name, one in told.items() if one.value is not None}
    yield from clock_findings({name: one for name, one in ahead.items() if one is not None})


# ---------------------------------------------------------------------- record
def _has_state(found: Iterable[Finding]) -> bool:
    return any(one.kind is Kind.STATE and one.status is Status.OK for one in found)


def _record(opened: OpenWorkspace, engines: list[Capability]) -> bool:
    """Keep what engines can do, for plans; of one that is declared, that it does not answer, too.

    Of `auto` nothing was learned then: the machine that runs may have one. But a machine without an
    engine, that builds all the same, is one to plan for.
    """
    from reconciler.store.capabilities import record  # noqa: PLC0415  (late: SQLAlchemy)

    learned = [
        one for one in engines if one.version is not None or one.engine != "auto" or one.backends
    ]
    try:
        with opened.database.write() as connection:
            for one in learned:
                record(connection, Recorded(capability=one, by=opened.actor, command=_COMMAND))
    except StateUnusable:
        return False
    return bool(learned)
