"""Bytes of a file to text, and the error for a file that cannot be read. Knows no YAML library."""

from __future__ import annotations

MAX_BYTES = 8 * 1024 * 1024


class YamlError(Exception):
    """Text that this dialect refuses. `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int, fix: str | None = None) -> None:
        super().__init__(message)
        self.message, self.line, self.column, self.fix = message, line, column, fix


def decode(data: bytes) -> str:
    """UTF-8 text of a file; a byte order mark is dropped. Raises YamlError."""
    if len(data) > MAX_BYTES:
        raise too_big(len(data))
    if b"\x00" in data[:4] or data.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16, UTF-32
        raise YamlError("this is not UTF-8 text", 1, 1, "save the file as UTF-8")
    if (at := data.find(b"\x00")) >= 0:
        start = data.rfind(b"\n", 0, at) + 1
        line, column = (
            data.count(b"\n", 0, at) + 1,
            len(data[start:at].decode("utf-8", "replace")) + 1,
        )
        raise YamlError("there is a NUL character", line, column, "remove it")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlError("this is not UTF-8 text", line, 1, "save the file as UTF-8") from None


def too_big(size: int) -> YamlError:
    """The error for a file of so many bytes."""
    text = f"the file has {size / 1e6:.1f} MB; at most {MAX_BYTES / 1e6:.1f} MB are read"
    return YamlError(text, 1, 1, "split the file")
