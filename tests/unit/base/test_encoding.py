"""Bytes to text: only UTF-8, a byte order mark dropped, and the line of what is no text."""

from __future__ import annotations

import pytest

from reconciler.base.encoding import MAX_BYTES, YamlError, decode


def test_a_byte_order_mark_is_dropped() -> None:
    assert decode(b"\xef\xbb\xbfa: \xc3\xa9") == "a: é"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"a\nb\xff", 2),
        (b"\xff\xfea\x00", 1),
        (b"\xfe\xff\x00a", 1),
        (b"a\n\x00", 1),
        (b"\xed\xa0\x80", 1),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(data: bytes, line: int) -> None:
    with pytest.raises(YamlError) as caught:
        decode(data)
    assert (caught.value.line, caught.value.fix) == (line, "save the file as UTF-8")


def test_more_than_the_limit_is_refused() -> None:
    with pytest.raises(YamlError, match=r"the file has 8\.4 MB"):
        decode(b"#" * (MAX_BYTES + 1))
