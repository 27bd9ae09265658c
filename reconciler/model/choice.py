"""Which of the backends at hand builds an image: one rule for plan, doctor and run. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.model.capability import Backend, BackendKind

_ORDER = tuple(BackendKind)
_EMULATE = "install qemu-user-static (binfmt)"
# What a person may do so that a way to build is there.
_FIXES = {
    BackendKind.BUILDCTL: "install buildctl and declare platforms.PLATFORM.buildkit: ADDRESS",
    BackendKind.BUILDKIT: "install a docker client with BuildKit (20.10 to 22, or buildx)",
    BackendKind.CLASSIC: "start a container engine",
    BackendKind.BUILDAH: "install buildah",
}


@dataclass(frozen=True, slots=True)
class Needs:
    """What one build asks of a backend.

    `runs`: it has RUN instructions, so commands of the platform are executed; `engine`: what is
    built must be on an engine afterwards, for steps that start it.
    """

    secrets: bool = False
    runs: bool = True
    engine: bool = False


@dataclass(frozen=True, slots=True)
class NoBackend:
    """Why nothing at hand can build, and what would help."""

    why: str
    fix: str

    def __str__(self) -> str:
        return f"{self.why}; {self.fix}"


def choose(
    backends: Sequence[Backend],
    platform: str,
    needs: Needs = Needs(),
    *,
    forced: str = "auto",
) -> Backend | NoBackend:
    """The first backend, in the order of `BackendKind`, that can do it; with `forced` only that.

    A layer cache is a wish and no need: where there is none, a build is done without it.
    """
    wanted = [item for item in backends if forced in {"auto", item.kind}]
    if not wanted:
        return _missing(forced)
    if needs.engine and not (wanted := [item for item in wanted if _on_engine(item)]):
        why = "what buildah builds is not on an engine, and cmd steps start it there"
        return NoBackend(why, _FIXES[BackendKind.BUILDKIT])
    building = [item for item in wanted if platform in _platforms(item, needs)]
    if not building:
        return _wrong_platform(wanted, platform)
    fitting = [item for item in building if item.secrets or not needs.secrets]
    if not fitting:
        why = f"the {_names(building)} builder cannot mount secrets"
        free = "" if forced == "auto" else f"remove `backend: {forced}` from the platform's entry; "
        return NoBackend(why, free + _FIXES[BackendKind.BUILDKIT] + ", or buildah")
    return min(fitting, key=lambda item: _ORDER.index(item.kind))


def _on_engine(backend: Backend) -> bool:
    return backend.kind is not BackendKind.BUILDAH


def _platforms(backend: Backend, needs: Needs) -> tuple[str, ...]:
    return backend.platforms if needs.runs else (*backend.platforms, *backend.assembles)


def _missing(forced: str) -> NoBackend:
    if forced == "auto":
        return NoBackend("nothing here can build an image", "start a container engine, or " +
                         _FIXES[BackendKind.BUILDAH])  # fmt: skip
    return NoBackend(f"{forced} is declared, and is not here", _FIXES[BackendKind(forced)])


def _wrong_platform(backends: Sequence[Backend], platform: str) -> NoBackend:
    copying = _names(item for item in backends if platform in item.assembles)
    if copying:
        why = f"{copying} puts {platform} together from COPY and ADD, and cannot RUN there"
        fix = f"remove RUN, or declare an engine for platforms.{platform}"
        return NoBackend(why, fix if platform.startswith("windows/") else f"{_EMULATE}, {fix}")
    why = f"{_names(backends)} cannot build {platform}"
    if platform.startswith("windows/"):
        return NoBackend(why, "install buildah, which puts it together from COPY and ADD")
    fix = f"{_EMULATE}, or declare an engine for platforms.{platform}"
    return NoBackend(why, fix)


def _names(backends: Iterable[Backend]) -> str:
    return ", ".join(dict.fromkeys(item.kind for item in backends))
