"""References give values, or an error that names the reference only."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.vaults.secrets import LARGEST, LARGEST_SUM, SecretReader
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


def test_the_values_of_a_run_have_a_bound_together_and_equal_ones_count_once(
    tmp_path: Path,
) -> None:
    part = LARGEST_SUM // 4
    for number in range(4):
        (tmp_path / f"file{number}").write_text(str(number) * part)
    (tmp_path / "equal").write_text("0" * part)
    (tmp_path / "last").write_text("x")
    with SecretReader({}, tmp_path) as reader:
        for name in ("file0", "file1", "file2", "file3", "equal"):
            assert len(reader.read(f"file:{name}")) == part
        with pytest.raises(SecretUnavailable) as refused:
            reader.read("file:last")
        assert len(reader.read("file:file3")) == part
    told = refused.value.message
    assert "secret file:last cannot be read" in told
    assert "1,048,577 bytes, at most 1,048,576 together: file:equal (262,144), file:file0" in told
    assert told.endswith(" and 1 more")
