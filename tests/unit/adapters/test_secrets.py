"""References give values, or an error that names the reference only."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.secrets import LARGEST, resolve_secret
from reconciler.base.errors import SecretUnavailable


def test_a_variable_of_the_environment_is_read(tmp_path: Path) -> None:
    assert resolve_secret("env:TOK", environment={"TOK": "value"}, folder=tmp_path) == "value"


def test_a_file_is_relative_to_the_folder_and_keeps_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "tok").write_bytes(b"\xffvalue\n")
    value = resolve_secret("file:tok", environment={}, folder=tmp_path)
    assert value.encode("utf-8", "surrogateescape") == b"\xffvalue\n"


@pytest.mark.parametrize("reference", ["env:NONE", "env:EMPTY", "file:none", "file:.", "vault:x"])
def test_what_cannot_be_read_is_named_by_its_reference(reference: str, tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailable, match=reference):
        resolve_secret(reference, environment={"EMPTY": ""}, folder=tmp_path)


@pytest.mark.parametrize("size", [0, LARGEST + 1])
def test_an_empty_or_too_large_file_is_refused(size: int, tmp_path: Path) -> None:
    (tmp_path / "tok").write_bytes(b"x" * size)
    with pytest.raises(SecretUnavailable, match="1 to"):
        resolve_secret("file:tok", environment={}, folder=tmp_path)
