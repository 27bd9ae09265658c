"""The passes over one task file, by what is known of its secrets, and the result of a pass.

A vault is asked only after the file was found to be right, and only if the file uses a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.base.credentials import without_credentials
from reconciler.base.diagnostics import Diagnostic, Location, Severity, has_errors, sort_key
from reconciler.base.errors import ReconcilerError
from reconciler.base.redact import Redactor
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.file.alias import Fetch
from reconciler.taskfile.file.masking import values_to_mask
from reconciler.taskfile.file.values import UNREAD, AnySecret
from reconciler.taskfile.findings import Findings
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.tasks import Secret, TaskFile
from reconciler.taskfile.template.govalues import SecretText, UnreadText
from reconciler.taskfile.template.vault import Vault


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The secrets of one reading by id, whether these are their values, and what is masked."""

    secrets: Mapping[str, Any]
    resolved: bool
    masked: tuple[str, ...] = ()


Attempt = Callable[[Knowledge], TaskFile]


def _any_secret(masked: tuple[str, ...]) -> Knowledge:
    """While nobody knows which secrets there are."""
    return Knowledge(AnySecret(), resolved=False, masked=masked)


def _unread_secrets(ids: list[str], masked: tuple[str, ...]) -> Knowledge:
    """While nobody has read them: each reads `***`."""
    return Knowledge({name: UnreadText() for name in ids}, resolved=False, masked=masked)


def read_with_secrets(attempt: Attempt, *, uses_secrets: bool, inputs: Inputs) -> TaskFile:
    """Read once to learn which secrets there are, once to check, once with their values."""
    masked = tuple(inputs.secret_values.values())
    if not uses_secrets:
        return attempt(Knowledge({}, resolved=UNREAD not in masked, masked=masked))
    ids = [secret.id for secret in attempt(_any_secret(masked)).secrets]
    checked = attempt(_unread_secrets(ids, masked))
    if checked.refused or inputs.secret is None:
        return checked
    resolved: dict[str, SecretText] = {}
    failures: list[Diagnostic] = []
    for secret in checked.secrets:
        try:
            resolved[secret.id] = SecretText(inputs.secret(secret))
        except ReconcilerError as error:
            failures.append(_unavailable(secret, error))
    if failures:
        found = (*checked.diagnostics, *failures)
        return replace(checked, steps=(), volumes=(), diagnostics=found)
    masked += tuple(value.value for value in resolved.values())
    return attempt(Knowledge(resolved, resolved=True, masked=masked))


def _unavailable(secret: Secret, error: ReconcilerError) -> Diagnostic:
    message = f'secret "{secret.id}": {error.message}'
    return Diagnostic(message, None, Severity.ERROR, "secret", fix=error.hint)


def remembering(fetch: Fetch | None) -> Fetch | None:
    """The same function that fetches each source once, however often the file is read."""
    if fetch is None:
        return None
    known: dict[str, str] = {}

    def remembered(source: str) -> str:
        if source not in known:
            known[source] = fetch(source)
        return known[source]

    return remembered


def concluded(
    read: Callable[[Findings, Vault], TaskFile],
    manner: Manner,
    knowledge: Knowledge,
    locate: Callable[[int, int], Location],
    version: str = "v1.0.0",
) -> TaskFile:
    """What `read` makes, with its diagnostics; no steps where there is an error.

    `version` is told where nothing could be made.
    """
    vault, redactor = Vault(), Redactor(knowledge.masked)
    findings = Findings(
        manner, locate, lambda text: without_credentials(redactor.text(vault.hide(text)))
    )
    try:
        result = read(findings, vault)
    except Fault as fault:
        findings.fault(fault)
        result = TaskFile(version)
    diagnostics = tuple(sorted(findings.items, key=sort_key))
    hidden = filter(None, (*knowledge.masked, *vault.values, *values_to_mask(result)))
    masked = tuple(dict.fromkeys(hidden))
    if has_errors(diagnostics):
        result = replace(result, steps=(), volumes=())
    return replace(result, diagnostics=diagnostics, masked=masked)
