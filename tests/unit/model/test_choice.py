"""Which backend builds: the first that can, and in words why none can."""

from __future__ import annotations

import pytest

from reconciler.model.capability import Backend, BackendKind
from reconciler.model.choice import Needs, NoBackend, choose

LINUX, ARM, WINDOWS = "linux/amd64", "linux/arm64", "windows/amd64"


def backend(kind: BackendKind, *platforms: str, **fields: object) -> Backend:
    found = {"kind": kind, "version": "1.0", "platforms": platforms or (LINUX,), **fields}
    return Backend.model_validate(found)


BUILDAH = backend(BackendKind.BUILDAH, assembles=(WINDOWS,), secrets=True)
CLASSIC = backend(BackendKind.CLASSIC)
BUILDKIT = backend(BackendKind.BUILDKIT, secrets=True)
ALL = (BUILDAH, CLASSIC, BUILDKIT)


@pytest.mark.parametrize(
    ("here", "platform", "needs", "kind"),
    [
        (ALL, LINUX, Needs(), BackendKind.BUILDKIT),
        ((BUILDAH, CLASSIC), LINUX, Needs(), BackendKind.CLASSIC),
        ((BUILDAH, CLASSIC), LINUX, Needs(secrets=True), BackendKind.BUILDAH),
        ((BUILDAH,), LINUX, Needs(), BackendKind.BUILDAH),
        (ALL, WINDOWS, Needs(runs=False), BackendKind.BUILDAH),
        (ALL, LINUX, Needs(engine=True), BackendKind.BUILDKIT),
    ],
)
def test_the_first_that_can_is_taken(
    here: tuple[Backend, ...], platform: str, needs: Needs, kind: BackendKind
) -> None:
    found = choose(here, platform, needs)
    assert isinstance(found, Backend)
    assert found.kind is kind


@pytest.mark.parametrize("forced", list(BackendKind))
def test_a_forced_backend_is_taken_or_nothing(forced: BackendKind) -> None:
    found = choose(ALL, LINUX, forced=forced)
    if forced is BackendKind.BUILDCTL:
        assert isinstance(found, NoBackend)
        assert str(found).startswith("buildctl is declared, and is not here; install buildctl")
    else:
        assert isinstance(found, Backend)
        assert found.kind is forced


@pytest.mark.parametrize(
    ("here", "platform", "needs", "words"),
    [
        ((), LINUX, Needs(), "nothing here can build an image; start a container engine, or"),
        (ALL, ARM, Needs(), "cannot build linux/arm64; install qemu-user-static"),
        (ALL, WINDOWS, Needs(), "buildah puts windows/amd64 together from COPY and ADD, and"),
        ((CLASSIC,), WINDOWS, Needs(runs=False), "classic cannot build windows/amd64; install bui"),
        ((CLASSIC,), LINUX, Needs(secrets=True), "the classic builder cannot mount secrets; inst"),
        ((BUILDAH,), LINUX, Needs(engine=True), "what buildah builds is not on an engine"),
    ],
)
def test_none_is_explained_with_what_helps(
    here: tuple[Backend, ...], platform: str, needs: Needs, words: str
) -> None:
    found = choose(here, platform, needs)
    assert isinstance(found, NoBackend)
    assert words in str(found)
