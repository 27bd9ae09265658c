"""Platforms have one form each; which of them a processor executes without emulation."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from reconciler.model.platform import PLATFORMS, Platform, is_emulated

READ: TypeAdapter[str] = TypeAdapter(Platform)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("linux", "linux/amd64"),
        ("Linux/AMD64", "linux/amd64"),
        ("windows", "windows/amd64"),
        ("WINDOWS/amd64", "windows/amd64"),
        ("linux/386", "linux/386"),
        ("linux/x86", "linux/386"),
        ("Linux/arm", "linux/arm/v7"),
        ("linux/ARM/V6", "linux/arm/v6"),
        ("linux/arm/v7", "linux/arm/v7"),
        ("linux/arm64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
    ],
)
def test_a_platform_in_any_case_has_one_form(written: str, meant: str) -> None:
    assert READ.validate_python(written) == meant
    assert meant in PLATFORMS


@pytest.mark.parametrize("written", ["", "amd64", "linux/arm/v8", "windows/arm64", "linux/mips"])
def test_any_other_is_refused_with_the_list(written: str) -> None:
    with pytest.raises(ValidationError, match="a platform is one of linux/amd64, linux/386"):
        READ.validate_python(written)


def test_what_a_processor_executes_by_itself_is_not_emulated() -> None:
    assert [name for name in PLATFORMS if not is_emulated(name, "linux/amd64")] == [
        "linux/amd64",
        "linux/386",
    ]
    assert not is_emulated("linux/arm/v7", "linux/arm64")
    assert is_emulated("linux/amd64", "linux/arm64")
