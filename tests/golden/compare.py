"""Comparing with a golden file, or writing it anew when asked to."""

from __future__ import annotations

import os
from pathlib import Path

# Read once, before the tests clean their environment.
_UPDATE = os.environ.get("RECONCILER_UPDATE_GOLDEN") == "1"


def check_golden(file: Path, text: str) -> None:
    """Fail if `text` differs from the golden file; with RECONCILER_UPDATE_GOLDEN, write it."""
    if _UPDATE:
        file.write_bytes(text.encode())
    assert text.encode() == file.read_bytes(), f"{file.name} differs; see tests/golden/compare.py"
