"""The words of a `docker build` to what they ask for; looks at no file.

Flags: https://docs.docker.com/reference/cli/docker/buildx/build/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from reconciler.taskfile.findings import Findings, Place
from reconciler.taskfile.steps.buildcontext import check_context
from reconciler.taskfile.tasks import BuildArguments

_WITH_VALUE = frozenset(
    (
        *("add-host", "allow", "annotation", "attest", "build-arg", "build-context", "builder"),
        *("cache-from", "cache-to", "cgroup-parent", "cpu-period", "cpu-quota", "cpu-shares"),
        *("cpuset-cpus", "cpuset-mems", "file", "iidfile", "isolation", "label", "memory"),
        *("memory-swap", "metadata-file", "network", "no-cache-filter", "output", "platform"),
        *("progress", "provenance", "sbom", "secret", "security-opt", "shm-size", "ssh", "tag"),
        *("target", "ulimit"),
    )
)
_ALONE = frozenset(
    (
        *("compress", "disable-content-trust", "force-rm", "load", "no-cache", "pull", "push"),
        *("quiet", "rm", "squash"),
    )
)
KNOWN_FLAGS = _WITH_VALUE | _ALONE
_SHORT = {"t": "tag", "f": "file", "c": "cpu-shares", "m": "memory", "o": "output", "q": "quiet"}
_LISTS = {"tag": "tags", "label": "labels", "secret": "secrets"}
_SINGLE = {"file": "file", "target": "target", "platform": "platform"}
_SWITCHES = {"no-cache": "no_cache", "pull": "pull"}
_CACHE_TAG_LIMIT = 128
_HAND_OVER = (
    "write --secret id=NAME, env: ['NAME=...'] at the step, and in the Dockerfile "
    "RUN --mount=type=secret,id=NAME"
)
_LOGIN = "write the address without it, or fetch in a cmd step and build the folder it makes"


def read_build(
    words: Sequence[str], at: Place, findings: Findings, reveal: Callable[[str], str] = str
) -> BuildArguments:
    """What the words mean. Without a context it is `.`; problems are noted."""
    flags, contexts = _sorted_out(words, at, findings)
    # The word behind a flag that nobody knows may be its value.
    if len(contexts) > 1 and (not findings.strict or all(name in KNOWN_FLAGS for name, _ in flags)):
        message = "a build has one context"
        found = " ".join(contexts)
        findings.doubt(at, message, found=found, fix="put a value with blanks in quotes")
    for context in contexts[-1:]:
        if reveal(context) != context:
            message = "the context of a build holds a secret, and lists of processes show it"
            findings.error(at, message, fix=_LOGIN)
        else:
            check_context(context, at, findings)
    values: dict[str, list[str]] = {}
    options: list[str] = []
    switches = {}
    for name, value in flags:
        if name == "build-arg" and reveal(value) != value:
            message = "a build argument holds a secret, and the image keeps it"
            findings.doubt(at, message, fix=_HAND_OVER)
        if name in {"tag", "label"} and reveal(value) != value:
            message = "a name or label holds a secret, and the image keeps it"
            findings.doubt(at, message, fix="use a value instead")
        elif name != "build-arg" and reveal(value) != value:
            message = f"the flag --{name} holds a secret, and lists of processes show it"
            findings.error(at, message, fix="use a value instead")
        if name in _SWITCHES and value in {"", "true", "false"}:
            switches[_SWITCHES[name]] = value != "false"
        elif name in _LISTS or name in _SINGLE or name == "build-arg":
            values.setdefault(name, []).append(value)
        else:
            options.append(f"--{name}={reveal(value)}" if value else f"--{name}")
    lists = {field: tuple(map(reveal, values.get(name, ()))) for name, field in _LISTS.items()}
    single = {field: reveal(values[name][-1]) for name, field in _SINGLE.items() if name in values}
    return BuildArguments(
        context=reveal(contexts[-1]) if contexts else ".",
        args=tuple(_argument(word, reveal) for word in values.get("build-arg", ())),
        options=tuple(options),
        **lists,  # type: ignore[arg-type] # names of fields, in two tables above
        **single,  # type: ignore[arg-type]
        **switches,  # type: ignore[arg-type]
    )


def _argument(word: str, reveal: Callable[[str], str]) -> tuple[str, str | None]:
    name, equals, value = word.partition("=")
    return name, reveal(value) if equals else None


def _sorted_out(
    words: Sequence[str], at: Place, findings: Findings
) -> tuple[list[tuple[str, str]], list[str]]:
    """(flag, value) pairs and what is no flag."""
    flags: list[tuple[str, str]] = []
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word == "-":
            others.append(word)
            continue
        name, equals, joined = _flag(word)
        value = joined if equals or name not in _WITH_VALUE else next(rest, None)
        if value is None:
            findings.error(at, f"the flag {word} has no value", fix="add its value")
            continue
        if name not in KNOWN_FLAGS:
            _unknown(word, at, findings)
        flags.append((name, value))
    return flags, others


def _flag(word: str) -> tuple[str, str, str]:
    """(name, "=" if a value is joined to it, that value)."""
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        return name, equals, value
    letter, value = word[1:2], word[2:]
    return _SHORT.get(letter, letter), "=" if value else "", value.removeprefix("=")


def _unknown(word: str, at: Place, findings: Findings) -> None:
    shown = word.partition("=")[0]
    near = findings.suggestion(shown, (f"--{name}" for name in sorted(KNOWN_FLAGS)))
    findings.doubt(at, f"docker build has no flag {shown}", fix=near or "remove it")


def cache_reference(
    tags: Sequence[str], *, registry: str, task_name: str, step_id: str
) -> str | None:
    """Where ACR keeps the cache of a build step with `cache: enabled`, None where it keeps none.

    The first tag that has a registry gives the repository, else the task's registry and the first
    tag's path. Source: the engine's own rule, https://github.com/Azure/acr-builder.
    """
    if not tags:
        return None
    full = next((tag for tag in tags if _has_host(tag)), None)
    repository = _repository(full or tags[0])
    if full is None:
        if not registry:
            return None
        repository = f"{registry}/{repository}"
    tag = f"cache_{task_name or 'quickrun'}_{step_id}"
    return f"{repository}:{tag}" if len(tag) <= _CACHE_TAG_LIMIT else None


def _has_host(image: str) -> bool:
    host, slash, _ = image.partition("/")
    return bool(slash) and ("." in host or ":" in host or host == "localhost")


def _repository(image: str) -> str:
    return re.sub(r":[^/:]*$", "", image.partition("@")[0])
