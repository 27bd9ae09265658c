"""The secrets of one build: read late, masked at once, checked for afterwards. Stores no value."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping

from reconciler.base.errors import EngineUnavailable, SecretUnavailable
from reconciler.base.redact import Redactor
from reconciler.base.spellings import SHORTEST, maskable
from reconciler.base.text import one_line
from reconciler.model.run import Reason, UsedSecret
from reconciler.runner.failure import Failure
from reconciler.runner.ports import Builder, Images
from reconciler.runner.work import Work

# The name becomes part of a comma separated argument of the client.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")


def read_secrets(work: Work, builder: Builder) -> dict[str, str]:
    """Values by name; noted in the record by reference and fingerprint. Raises Failure."""
    wanted = work.request.step.secrets
    if wanted and not builder.secrets:
        message = (
            f"the {builder.name} builder cannot mount secrets ({', '.join(sorted(wanted))}); "
            "install a docker client with BuildKit: docker.io 20.10 to 22, or the plugin buildx"
        )
        raise Failure(Reason.SECRET_DENIED, message)
    values: dict[str, str] = {}
    try:
        for name, reference in wanted.items():
            values[name] = _value(work, name, reference)
    finally:  # all at once: what is looked for is made anew each time
        work.ledger.hide(values.values())
    warn_of_short({f"secret {name}": value for name, value in values.items()}, "build", work)
    used = [
        UsedSecret(name=name, reference=wanted[name], fingerprint=work.ports.fingerprint(value))
        for name, value in values.items()
    ]
    work.ledger.note(secrets=(*work.ledger.record.secrets, *used))
    return values


def resolve(work: Work, reference: str) -> str:
    """The value of a reference, not yet masked. Raises Failure, which says what to do."""
    try:
        return work.ports.secret(reference)
    except SecretUnavailable as error:
        work.watch.check()  # nobody waits for a vault when the run is to end
        hint = f"; {error.hint}" if error.hint else ""
        raise Failure(Reason.SECRET_DENIED, error.message + hint) from None


def _value(work: Work, name: str, reference: str) -> str:
    if not _NAME.fullmatch(name):
        message = f"the secret name {one_line(name)} is not letters, digits, '_', '.' and '-'"
        raise Failure(Reason.TASKFILE_INVALID, message)
    return resolve(work, reference)


def warn_of_short(values: Mapping[str, str], under: str, work: Work) -> None:
    """Tell once of each value, by what it is called, that is too short to be masked."""
    told = set[str]()
    for name, value in values.items():
        if value.strip() and not maskable(value) and value.strip() not in told:
            told.add(value.strip())
            message = f"the {name} is too short to be masked in the log"
            work.ledger.say(under, f"warning: {message} (less than {SHORTEST} characters)")


def refuse_secret_arguments(values: Mapping[str, str], args: Mapping[str, str], work: Work) -> None:
    """Raise Failure if a build argument holds the value of a secret; the record forgets it."""
    for name, text in args.items():
        if not any(value and value in text for value in values.values()):
            continue
        record, clean = work.ledger.record, work.ledger.redactor.text
        work.ledger.note(
            request=json.loads(clean(json.dumps(record.request))),
            wanted=json.loads(clean(json.dumps(record.wanted))),
        )
        message = f"the argument {one_line(name, 60)} holds the value of a secret"
        fix = "remove it, and mount the secret: RUN --mount=type=secret,id=NAME in the Dockerfile"
        raise Failure(Reason.SECRET_DENIED, f"{message}; {fix}")


def refuse_leaked_secrets(
    image_id: str, values: dict[str, str], names: Iterable[str], images: Images
) -> None:
    """Raise Failure if a value stands in the settings or the history of a built image.

    Its names are taken away: nobody shall start or push it by them.
    """
    if not values:
        return
    traces = images.traces(image_id)
    for name, value in values.items():
        if Redactor([value]).text(traces) != traces:
            for tag in names:
                with contextlib.suppress(EngineUnavailable):
                    images.untag(tag)
            message = f"the secret {name} stands in the image's history or settings; not pushed"
            raise Failure(Reason.SECRET_DENIED, message)
