"""What binfmt_misc has registered for programs of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.building.emulation import emulated_here

ENTRY = "enabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: POF\noffset 0\n"


def test_an_emulator_that_is_held_open_is_found(tmp_path: Path) -> None:
    (tmp_path / "qemu-aarch64").write_text(ENTRY)
    (tmp_path / "qemu-arm").write_text(ENTRY)
    (tmp_path / "qemu-riscv64").write_text(ENTRY)
    assert set(emulated_here(tmp_path)) == {"linux/arm64", "linux/arm/v6", "linux/arm/v7"}


@pytest.mark.parametrize(
    "entry", ["", ENTRY.replace("enabled", "disabled"), ENTRY.replace("POF", "PO"), "enabled\n"]
)
def test_one_that_is_off_or_not_seen_in_a_chroot_is_none(tmp_path: Path, entry: str) -> None:
    (tmp_path / "qemu-aarch64").write_text(entry)
    assert emulated_here(tmp_path) == ()


def test_without_binfmt_there_is_none(tmp_path: Path) -> None:
    assert emulated_here(tmp_path / "none") == ()
