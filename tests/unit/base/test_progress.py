"""Masking of BuildKit's plain output: rows of a dump behind the prefix of a vertex."""

from __future__ import annotations

import base64
import random
import re
import string
import subprocess

import pytest

from reconciler.base.progress import MaskedProgress
from reconciler.base.redact import LONGEST_LINE, Redactor

SECRET = "".join(random.Random(6).choices(string.ascii_letters + string.digits, k=150))
PREFIX = re.compile(rb"^(?:#\d+ )?[\d.]+ ", re.MULTILINE)


def masked(data: bytes, secret: str = SECRET, *, size: int = 1 << 20) -> bytes:
    """What is shown of data that comes in chunks of a size."""
    progress = MaskedProgress(Redactor([secret]))
    items = [
        item for at in range(0, len(data), size) for item in progress.feed(data[at : at + size])
    ]
    items += progress.flush()
    return b"".join(line + (b"" if more else b"\n") for line, more in items)


def dumped(*command: str) -> list[bytes]:
    """The lines that a program makes of the secret."""
    done = subprocess.run(command, input=SECRET.encode(), capture_output=True, check=True)
    return done.stdout.splitlines()


ENCODERS = [
    ("od", "-c"),
    ("od", "-An", "-tx1"),
    ("hexdump", "-C"),
    ("fold", "-w", "40"),
    ("base64", "-w", "20"),
]


def leaks(shown: bytes) -> list[str]:
    """Pieces of the secret that can be read in a log: six letters in any of these encodings."""
    text = PREFIX.sub(b"", shown)
    tight = re.sub(rb"\s", b"", text)
    pieces = [SECRET[at : at + 6] for at in range(len(SECRET) - 5)]
    encoded = base64.b64encode(SECRET.encode()).decode()
    pieces += [encoded[at : at + 8] for at in range(len(encoded) - 7)]
    hexed = [piece.encode().hex() for piece in pieces[:145]]
    return [piece for piece in (*pieces, *hexed) if piece.encode() in tight]


@pytest.mark.parametrize("size", [1 << 20, 7, 50])
@pytest.mark.parametrize("command", ENCODERS, ids="-".join)
@pytest.mark.parametrize("prefix", [b"#5 0.286 ", b"0.286 "], ids=["vertex", "buildx"])
def test_a_secret_over_rows_is_masked_behind_the_prefix(
    prefix: bytes, command: tuple[str, ...], size: int
) -> None:
    lines = dumped(*command)
    shown = masked(b"".join(prefix + line + b"\n" for line in lines), size=size)
    assert leaks(b"\n".join(lines)), "the hunter must find what is not masked"
    assert not leaks(shown)
    assert [line.startswith(prefix) for line in shown.splitlines()] == [True] * len(lines)


@pytest.mark.parametrize("command", ENCODERS, ids="-".join)
def test_lines_of_another_vertex_and_of_the_client_may_come_between(
    command: tuple[str, ...],
) -> None:
    lines = dumped(*command)
    between = b"#6 0.300 compiling\n#5 ...\n\n#6 [stage 2/2] RUN make\n#5 [1/2] RUN dump\n"
    data = b"".join(b"#5 0.286 " + line + b"\n" + between for line in lines)
    shown = masked(data)
    assert not leaks(b"\n".join(re.findall(rb"(?m)^#5 0\.286 .*$", shown)))
    assert shown.count(b"#6 0.300 compiling\n") == shown.count(b"#5 ...\n") == len(lines)
    assert shown.count(b"\n") == data.count(b"\n")


@pytest.mark.parametrize("size", [1, 3, 11, 64, 1 << 20])
def test_what_holds_no_secret_is_shown_as_it_is(size: int) -> None:
    data = (
        b"#1 [internal] load build definition\n#1 DONE 0.0s\n\n#5 0.286 one\n#5 0.287 \n"
        b"#5 1.287  two words\n0.286 three\n3.5 4\n#12 \n# 5 0.1 x\n"
        b"last #5 0.286 line\n#7 0.1 end\n"
    )
    assert sorted(masked(data, size=size).split(b"\n")) == sorted(data.split(b"\n"))
    assert masked(b"plain\nlines\n#5", size=size) == b"plain\nlines\n#5\n"


def test_a_secret_that_looks_like_a_prefix_and_one_in_a_long_line_are_masked() -> None:
    assert masked(b"#5 0.286 hunter\n", "#5 0.286 hunter") == b"***\n"
    long = b"#5 0.286 " + b"." * 2 * LONGEST_LINE + SECRET.encode() + b"." * 9 + b"\n#5 0.3 end\n"
    for size in (1 << 20, 1000):
        assert masked(long, size=size) == long.replace(SECRET.encode(), b"***")
