"""A fresh workspace for every test of a flow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root = tmp_path / "workspace"
    root.mkdir()
    return Desk(root)
