"""The vaults that references name, each once for everybody who reads there. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.base.diagnostics import Location
from reconciler.base.text import one_line, plural
from reconciler.model.vaults import KEY_VAULT, VAULT, parse_key_vault, parse_vault
from reconciler.operations.doctoring.asking import Answer
from reconciler.operations.doctoring.finding import Finding, Kind, Status
from reconciler.operations.doctoring.services import Unread
from reconciler.operations.doctoring.wanted import Use


@dataclass(slots=True)
class Vault:
    """One vault as one identity: the first reference to it, and how many there are."""

    reference: str
    place: Location
    count: int = 1


def vaults_of(uses: Mapping[str, Use]) -> dict[str, Vault]:
    """The vaults of some references, by a name for people."""
    found: dict[str, Vault] = {}
    for reference, use in uses.items():
        name = vault_of(reference)
        if name in found:
            found[name].count += 1
        elif name is not None:
            found[name] = Vault(reference, use.place)
    return found


def vault_of(reference: str) -> str | None:
    """The name of the vault of a reference; None for one that is in none, or in one that only a
    run knows, as in `https://{{.Values.vault}}/secrets/npm`.
    """
    scheme, _, rest = reference.partition(":")
    if scheme == KEY_VAULT:
        try:
            secret = parse_key_vault(rest)
        except ValueError:
            return None
        return f"{secret.vault} as {secret.identity}"
    if scheme == VAULT:
        place = parse_vault(rest)
        inside = f" namespace {place.namespace}" if place.namespace else ""
        return f"{place.address or 'VAULT_ADDR'}{inside}"
    return None


def vault_findings(
    vaults: Mapping[str, Vault], answers: Mapping[str, Answer[Mapping[str, Unread]]]
) -> Iterator[Finding]:
    """Whether each vault lets us in."""
    if not vaults:
        yield Finding(Kind.VAULT, "vault", Status.NOT_NEEDED, "no task names any")
    for name, vault in vaults.items():
        yield _finding(one_line(name, 120), vault, closed(answers[name]))


def closed(answer: Answer[Mapping[str, Unread]]) -> Unread | None:
    """Why a vault does not let us in, None if it does."""
    if answer.value is None:
        return Unread(answer.why or "", answer.fix)
    return next(iter(answer.value.values()), None)


def _finding(name: str, vault: Vault, wrong: Unread | None) -> Finding:
    if wrong is None:
        told = f"lets us in; {plural(vault.count, 'reference')}"
        return Finding(Kind.VAULT, name, Status.OK, told, None, True, vault.place)
    fix = wrong.fix or "see that this machine reaches it, and that its identity may read there"
    return Finding(Kind.VAULT, name, Status.MISSING, wrong.why, fix, True, vault.place)
