"""The file of a run without a context: which files are read."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from reconciler.base.errors import WrongUsage
from reconciler.operations.running.only_file import only_file


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    os.write(writer, b"FROM scratch\n")
    closer = threading.Timer(0.5, os.close, [writer])  # who reads it comes to an end
    closer.start()
    try:
        with pytest.raises(WrongUsage, match="-f pipe cannot be read: it is no regular file"):
            only_file("/dev/null", "pipe", str(tmp_path), None)
    finally:
        closer.join()


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("FROM scratch\n")
    (tmp_path / "link").symlink_to("file")
    assert only_file("/dev/null", "link", str(tmp_path), None).text == "FROM scratch\n"
