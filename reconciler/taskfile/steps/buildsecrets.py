"""`--secret` of a build step: which variable of the step gives it. Reads no value.

As docker reads the flag, but for files: what lies in the workspace is seen by every step.
https://docs.docker.com/reference/cli/docker/buildx/build/#secret
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from reconciler.taskfile.steps.limits import Limit
from reconciler.taskfile.tasks import BuildArguments

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_FIX = "write --secret id=NAME, and env: ['NAME={{.Secrets.NAME}}'] at the step"


@dataclass(frozen=True, slots=True)
class BuildSecret:
    """A secret that a build may mount: its name there, and the variable of the step's `env`."""

    id: str
    variable: str


def read_build_secret(text: str) -> BuildSecret:
    """What a `--secret` means: `id=NAME`, `id=NAME,env=VARIABLE`. Raises ValueError."""
    words = next(csv.reader([text]), [])
    fields = {
        key.strip().lower(): value for key, _, value in (word.partition("=") for word in words)
    }
    unknown = sorted(set(fields) - {"id", "env", "type", "src", "source"})
    if unknown:
        raise ValueError(f"--secret has no {unknown[0]}")
    name, kind = fields.get("id", ""), fields.get("type", "").lower()
    source = fields.get("src") or fields.get("source")
    if not _NAME.fullmatch(name):
        raise ValueError("a --secret has an id of letters, digits, '_', '.' and '-'")
    if kind not in {"", "env"} or (source is not None and kind != "env"):
        raise ValueError("a --secret comes from a variable of the step, not from a file")
    return BuildSecret(name, fields.get("env") or source or name)


def build_secrets(build: BuildArguments) -> tuple[BuildSecret, ...]:
    """The secrets of a build that `secret_limits` has found nothing against."""
    return tuple(map(read_build_secret, build.secrets))


def secret_limits(
    build: BuildArguments, variables: Collection[str], *, buildkit: bool
) -> Iterator[Limit]:
    """What of the secrets of a build is not done. `variables` are the names in the step's `env`."""
    for text in build.secrets:
        try:
            found = read_build_secret(text)
        except (ValueError, csv.Error) as error:
            yield Limit(str(error), f"--secret {text}", _FIX)
            continue
        if found.variable not in variables:
            message = (
                f"nothing gives the secret {found.id}: the step has no {found.variable} in env"
            )
            yield Limit(message, f"--secret {text}", _FIX.replace("NAME", found.id))
    if build.secrets and not buildkit:
        fix = "remove DOCKER_BUILDKIT=0"
        yield Limit("the classic builder mounts no secret", "DOCKER_BUILDKIT=0", fix)
