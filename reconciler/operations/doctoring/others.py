"""What is told of registries, Git, secrets, tokens, the state and clocks. Asks nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from reconciler.base.text import one_line, plural
from reconciler.model.context import Token
from reconciler.operations.doctoring.asking import Answer
from reconciler.operations.doctoring.finding import Finding, Kind, Status
from reconciler.operations.doctoring.services import RegistryAnswer, Unread
from reconciler.operations.doctoring.vaults import closed, vault_of
from reconciler.operations.doctoring.wanted import Use, Wanted

# Tokens are told in time to make another.
_SOON_DAYS = 30
# From this on tokens and certificates are refused that are not.
_SKEW_SECONDS = 60


def specs_findings(wanted: Wanted) -> Iterator[Finding]:
    """Specs that are wrong: what they ask for is not known."""
    if wanted.wrong:
        told = f"{plural(wanted.wrong, 'error')}: what they ask for was not looked at"
        yield Finding(Kind.SPECS, "specs", Status.WARNING, told, "see them: reconciler validate")


def pool_findings(wanted: Wanted, pools: Collection[str]) -> Iterator[Finding]:
    """Pools of tasks that the workspace does not have: no daemon of it serves them."""
    for name, use in wanted.pools.items():
        if name in pools:
            continue
        known = ", ".join(sorted(pools))
        told = f"{plural(use.count, 'task')} in it; `server.pools` has {one_line(known, 80)}"
        fix = "correct `agent.pool`, or add it there: `slots: 0` if another workspace serves it"
        subject = f"pool {one_line(name, 80)}"
        yield Finding(Kind.SPECS, subject, Status.WARNING, told, fix, place=use.place)


def registry_finding(host: str, use: Use, answer: Answer[RegistryAnswer]) -> Finding:
    """One registry: there, and its login works."""
    found, used = answer.value, f"; {plural(use.count, 'task')}" if use.count else ""

    def told(status: Status, text: str, fix: str | None = None) -> Finding:
        return Finding(Kind.REGISTRY, one_line(host, 80), status, text, fix, True, use.place)

    if found is None:
        why = (answer.why or "").removeprefix(f"the registry {host} ")
        return told(Status.MISSING, why, answer.fix)
    if found.let_in:
        login = "login works" if found.needed and found.has_login else "asks for no login"
        return told(Status.OK, f"answers, {login}{used}")
    if not found.tried:
        text = (
            "answers; the login of its tasks is not tried: reconciler.yaml does not name the host"
        )
        return told(Status.OK, f"{text} in `hosts`{used}")
    if found.has_login:
        fix = f"log in again: docker login {host}, or mend the task's credentials"
        return told(Status.MISSING, "answers, and refuses the login", fix)
    fix = f"log in: docker login {host}, or give the tasks credentials.registries"
    return told(Status.MISSING, "asks for a login, and there is none", fix)


def git_finding(use: Use | None, answer: Answer[str | None]) -> Finding:
    """The git program."""
    if answer.value is not None:
        used = f"; {plural(use.count, 'task')} from Git" if use else ""
        return Finding(Kind.GIT, "git", Status.OK, f"version {one_line(answer.value, 40)}{used}")
    why = answer.why or "there is no git program"
    status = Status.MISSING if use else Status.NOT_NEEDED
    fix = "install git, or put its folder into PATH"
    return Finding(Kind.GIT, "git", status, why, fix, use is not None, use.place if use else None)


def secret_findings(
    uses: Mapping[str, Use], answer: Answer[Mapping[str, Unread]]
) -> Iterator[Finding]:
    """Variables and files: those that cannot be read one by one, the others in one line."""
    wrong = {name: found for name in uses if (found := _unread(name, answer))}
    good = len(uses) - len(wrong)
    if not uses:
        yield Finding(Kind.SECRET, "secret", Status.NOT_NEEDED, "no task names any")
    if good:
        told = f"{good:,} of {len(uses):,} variables and files are there"
        yield Finding(Kind.SECRET, "secret", Status.OK, told)
    for name, found in wrong.items():
        place, shown = uses[name].place, one_line(name, 120)
        yield Finding(Kind.SECRET, shown, Status.MISSING, found.why, found.fix, True, place)


def _unread(reference: str, answer: Answer[Mapping[str, Unread]]) -> Unread | None:
    """Why a variable or a file cannot be read; a vault answers for itself."""
    if not is_plain(reference):
        return None
    if answer.value is None:
        return Unread(answer.why or "", answer.fix)
    return answer.value.get(reference)


def is_plain(reference: str) -> bool:
    """True for what is read here, without asking anybody."""
    return reference.startswith(("env:", "file:"))


def token_findings(
    uses: Mapping[Token, Use],
    answer: Answer[Mapping[str, Unread]],
    vaults: Mapping[str, Answer[Mapping[str, Unread]]],
    today: date,
) -> Iterator[Finding]:
    """Source tokens: there, and how long they hold, as their specs say. One in a vault is not
    read: it is as good as the answer of its vault.
    """
    for token, use in uses.items():
        status, told, fix = _token(token, today)
        unread, vault = _unread(token.reference, answer), vault_of(token.reference)
        if vault is not None:
            told = f"its vault lets us in, and it is not read; {told}"
            unread = closed(vaults[vault])
        if unread is not None:
            status, told, fix = Status.MISSING, unread.why, unread.fix
        name = one_line(token.reference, 120)
        yield Finding(Kind.TOKEN, name, status, told, fix, True, use.place)


def _token(token: Token, today: date) -> tuple[Status, str, str | None]:
    kind = f"{token.kind}, " if token.kind else ""
    if token.expires is None:
        return Status.OK, f"{kind}no expiry is declared", None
    days, fix = (token.expires - today).days, "make a new one, and write its expiry into the spec"
    if days < 0:
        return Status.MISSING, f"{kind}expired on {token.expires}", fix
    told = f"{kind}expires in {plural(days, 'day')} ({token.expires})"
    return (Status.WARNING, told, fix) if days < _SOON_DAYS else (Status.OK, told, None)


def state_finding(answer: Answer[str]) -> Finding:
    """The database of the state."""
    if answer.value is not None:
        return Finding(Kind.STATE, "state", Status.OK, answer.value, None, True)
    return Finding(Kind.STATE, "state", Status.MISSING, answer.why or "", answer.fix, True)


def clock_findings(ahead: Mapping[str, float]) -> Iterator[Finding]:
    """Clocks of others, against ours."""
    off = {name: seconds for name, seconds in ahead.items() if abs(seconds) > _SKEW_SECONDS}
    if ahead and not off:
        told = f"agrees with {plural(len(ahead), 'other')}, within {_SKEW_SECONDS} s"
        yield Finding(Kind.CLOCK, "clock", Status.OK, told)
    for name, seconds in off.items():
        side = "ahead of" if seconds > 0 else "behind"
        told = f"{one_line(name, 80)} is {abs(seconds):,.0f} s {side} us"
        fix = "set both clocks by NTP: tokens and certificates are refused otherwise"
        yield Finding(Kind.CLOCK, "clock", Status.WARNING, told, fix)
