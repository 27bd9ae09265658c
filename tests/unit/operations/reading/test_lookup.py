"""What a file came to stands for its bytes, and for no others."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from reconciler.base.errors import ReconcilerError
from reconciler.loader.files import WorkspaceFiles
from reconciler.operations.reading.lookup import Looked, bytes_of


def test_bytes_that_were_not_kept_are_read_again_and_must_be_the_same(tmp_path: Path) -> None:
    path, files = tmp_path / "a.yaml", WorkspaceFiles(tmp_path)
    path.write_bytes(b"a: 1\n")
    looked = Looked("a.yaml", hashlib.sha256(b"a: 1\n").digest(), b"", 1, ())
    assert bytes_of(looked, files) == b"a: 1\n"
    path.write_bytes(b"a: 2\n")
    with pytest.raises(ReconcilerError, match=r"a\.yaml was changed while it was read"):
        bytes_of(looked, files)
    assert bytes_of(looked._replace(data=b"a: 1\n"), files) == b"a: 1\n"
    path.unlink()
    with pytest.raises(ReconcilerError, match=r"a\.yaml was changed while it was read"):
        bytes_of(looked, files)
