"""Whatever is printed around it and however it is cut, a secret does not come through."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from reconciler.base.redact import LONGEST_LINE, Redactor
from reconciler.base.spellings import variants
from reconciler.model.run import LogLine
from reconciler.report.runs import log_bytes

WHEN = datetime(2026, 11, 21, tzinfo=UTC)

# Without the mask's own sign: a secret of asterisks cannot be told from a mask.
SECRETS = st.text(
    st.characters(exclude_characters="*\n\r", exclude_categories=["Cs", "Z", "Cc"]),
    min_size=4,
    max_size=40,
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(
    st.lists(SECRETS, min_size=1, max_size=4), st.lists(TEXTS, min_size=1, max_size=4), st.data()
)
def test_no_variant_of_a_secret_is_left_in_masked_text(
    secrets: list[str], texts: list[str], data: st.DataObject
) -> None:
    forms = sorted(set().union(*map(variants, secrets)))
    parts = [text.encode() + data.draw(st.sampled_from(forms)) for text in texts]
    masked = Redactor(secrets).data(b"".join(parts))
    assert not [form for form in forms if form in masked]


@given(SECRETS, st.lists(TEXTS, max_size=4), st.lists(st.integers(1, 12), min_size=1))
def test_cutting_the_output_into_chunks_changes_nothing(
    secret: str, texts: list[str], sizes: list[int]
) -> None:
    output = secret.join(["", *texts, ""]).encode()
    lines = Redactor([secret]).lines()
    out: list[tuple[bytes, bool]] = []
    at = 0
    while at < len(output):
        size = sizes[at % len(sizes)]
        out += lines.feed(output[at : at + size])
        at += size
    out += lines.flush()
    whole = Redactor([secret]).lines()
    assert out == [*whole.feed(output), *whole.flush()]
    assert not [line for line, _ in out if secret.encode() in line]


@given(SECRETS, st.binary(max_size=9), st.binary(max_size=9))
def test_base64_of_a_secret_among_other_bytes_leaves_no_letter_with_a_bit_of_it(
    secret: str, before: bytes, after: bytes
) -> None:
    raw = secret.encode()
    encoded = base64.b64encode(before + raw + after)
    masked = Redactor([secret]).data(encoded)
    head, *_, tail = masked.split(b"***")
    assert encoded[: len(before) * 8 // 6].startswith(head)
    assert encoded[-(-(len(before) + len(raw)) * 8 // 6) :].endswith(tail)
    assert not [form for form in variants(secret) if form in masked]


def _spelled(raw: bytes, spelling: str) -> bytes:
    if spelling == "base64":
        return base64.b64encode(raw)
    if spelling == "hex":
        return raw.hex().encode()
    return json.dumps(raw.decode()).encode() if spelling == "json" else raw


@given(
    st.lists(SECRETS, min_size=1, max_size=3),
    st.lists(st.tuples(st.binary(max_size=9), st.sampled_from(["raw", "base64", "hex", "json"]))),
    st.integers(0, 80),
    st.lists(st.integers(1, 90), min_size=1),
    st.data(),
)
def test_no_form_of_a_secret_comes_through_a_long_line_however_it_is_cut(
    secrets: list[str],
    parts: list[tuple[bytes, str]],
    lead: int,
    sizes: list[int],
    data: st.DataObject,
) -> None:
    # The first piece of a long line is handed on somewhere in here.
    output = b"." * (LONGEST_LINE - lead)
    for between, spelling in parts:
        secret = data.draw(st.sampled_from(secrets)).encode()
        output += between.replace(b"\n", b"") + _spelled(secret, spelling)
    output += b"." * 100
    lines, at = Redactor(secrets).lines(), LONGEST_LINE - 90
    out = [*lines.feed(output[:at])]
    for size in sizes * (len(output) // sum(sizes) + 1):
        out += lines.feed(output[at : at + size])
        at += size
    out += [*lines.feed(output[at:]), *lines.flush()]
    shown = b"".join(line for line, _ in out)
    assert shown == Redactor(secrets).data(output).removesuffix(b"\r")
    assert not [form for form in set().union(*map(variants, secrets)) if form in shown]


@given(st.binary(max_size=200))
def test_without_a_secret_every_byte_comes_through(output: bytes) -> None:
    lines = Redactor(["not-in-there-0123456789abcdef"]).lines()
    out = [line for line, _ in [*lines.feed(output), *lines.flush()]]
    wanted = output.removesuffix(b"\n").split(b"\n") if output else []
    assert out == [line.removesuffix(b"\r") for line in wanted]


SPELLED = re.compile(rb"\\x[01][0-9a-f]")
SEQUENCES = [
    "\x1b[1m",
    "\x1b[0;31m",
    "\x1b]0;t\x07",
    "\x1b]0;t\x1b\\",
    "\x1b(B",
    "\x1b",
    "\x00",
    "\x1b[",
]


@given(
    SECRETS,
    st.lists(TEXTS, min_size=1, max_size=3),
    st.lists(st.integers(1, 12), min_size=1),
    st.data(),
)
def test_nothing_between_the_letters_of_a_secret_makes_it_readable_again(
    secret: str, texts: list[str], sizes: list[int], data: st.DataObject
) -> None:
    output = b""
    for text in texts:
        form = data.draw(st.sampled_from(sorted(variants(secret))))
        output += text.encode()
        for at in range(len(form)):
            between = data.draw(st.sampled_from(["", "", "", *SEQUENCES]))
            output += between.encode() + form[at : at + 1]
    lines, at, out = Redactor([secret]).lines(), 0, list[tuple[bytes, bool]]()
    while at < len(output):
        size = sizes[at % len(sizes)]
        out += lines.feed(output[at : at + size])
        at += size
    out += lines.flush()
    for line, _ in out:
        shown = log_bytes(LogLine(WHEN, "", line.decode("utf-8", "surrogateescape")))
        # A control character is spelled out: the letters of its spelling are none of the secret's.
        shown = SPELLED.sub(b"", shown)
        assert not [form for form in variants(secret) if form in shown]


@given(SECRETS, st.binary(max_size=90), st.integers(16, 80), st.integers(1, 200), st.booleans())
def test_rows_of_an_encoder_are_masked_the_same_however_they_are_cut(
    secret: str, before: bytes, width: int, size: int, hexadecimal: bool
) -> None:
    raw = secret.encode()
    whole = before + raw + b"." * 40
    text = whole.hex().encode() if hexadecimal else base64.b64encode(whole)
    output = b"\n".join(text[at : at + width] for at in range(0, len(text), width))
    lines, out = Redactor([secret]).lines(), list[tuple[bytes, bool]]()
    for at in range(0, len(output), size):
        out += lines.feed(output[at : at + size])
    shown = b"\n".join(line for line, _ in [*out, *lines.flush()])
    assert shown == Redactor([secret]).data(output)
    letters = len(raw) * 2 if hexadecimal else len(raw) * 8 // 6
    assert len(text) - len(re.sub(rb"[\n*]", b"", shown)) >= letters - 3 * (letters // width + 1)
