"""References give values, or an error that names the reference only."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.vaults.secrets import LARGEST, SecretReader
from reconciler.base.errors import SecretUnavailable


def read(reference: str, folder: Path, environment: dict[str, str] | None = None) -> str:
    with SecretReader(environment or {}, folder) as reader:
        return reader.read(reference)


def test_a_variable_of_the_environment_is_read(tmp_path: Path) -> None:
    assert read("env:TOK", tmp_path, {"TOK": "value"}) == "value"


def test_a_file_is_relative_to_the_folder_and_keeps_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "tok").write_bytes(b"\xffvalue\n")
    assert read("file:tok", tmp_path).encode("utf-8", "surrogateescape") == b"\xffvalue\n"


@pytest.mark.parametrize(
    "reference", ["env:NONE", "env:EMPTY", "file:none", "file:.", "vault:kv/x", "nothing:x"]
)
def test_what_cannot_be_read_is_named_by_its_reference(reference: str, tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailable, match=reference):
        read(reference, tmp_path, {"EMPTY": ""})


@pytest.mark.parametrize("size", [0, LARGEST + 1])
def test_an_empty_or_too_large_file_is_refused(size: int, tmp_path: Path) -> None:
    (tmp_path / "tok").write_bytes(b"x" * size)
    with pytest.raises(SecretUnavailable, match="1 to"):
        read("file:tok", tmp_path)


def test_a_run_sees_one_value_from_start_to_end(tmp_path: Path) -> None:
    path = tmp_path / "tok"
    path.write_text("first")
    with SecretReader({}, tmp_path) as reader:
        assert reader.read("file:tok") == "first"
        path.write_text("second")
        assert reader.read("file:tok") == "first"
    with SecretReader({}, tmp_path) as another:
        assert another.read("file:tok") == "second"
