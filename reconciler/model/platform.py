"""Platforms a task may declare: any case, an operating system alone means amd64.

Source of the list: the ACR Tasks API (os Windows|Linux; architecture amd64, x86, 386, arm, arm64;
variant v6, v7, v8).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from reconciler.model.common import problem

_CANONICAL = {
    "linux": "linux/amd64",
    "windows": "windows/amd64",
    "linux/x86": "linux/386",
    "linux/arm64/v8": "linux/arm64",
    "linux/arm": "linux/arm/v7",
}
PLATFORMS = (
    "linux/amd64",
    "linux/386",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/arm64",
    "windows/amd64",
)


def canonical_platform(text: str) -> str:
    """`Linux` -> `linux/amd64`, `linux/ARM64/v8` -> `linux/arm64`. Raises a pydantic error."""
    lowered = text.strip().lower()
    platform = _CANONICAL.get(lowered, lowered)
    if platform not in PLATFORMS:
        raise problem("platform", f"a platform is one of {', '.join(PLATFORMS)}")
    return platform


# What a processor executes beside its own, without emulation.
_ALSO = {
    "linux/amd64": ("linux/386",),
    "linux/arm64": ("linux/arm/v7", "linux/arm/v6"),
    "linux/arm/v7": ("linux/arm/v6",),
}


def is_emulated(platform: str, own: str) -> bool:
    """True if a machine whose own platform is another needs an emulator for it."""
    return platform != own and platform not in _ALSO.get(own, ())


Platform = Annotated[str, AfterValidator(canonical_platform)]
