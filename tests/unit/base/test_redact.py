"""Masking of secret values: every spelling, across chunks, and what is not masked."""

from __future__ import annotations

import base64
import html
import json
import re
import textwrap
from urllib.parse import quote, quote_plus

import pytest

from reconciler.base.redact import LONGEST_LINE, Redactor
from reconciler.base.sought import sought
from reconciler.base.spellings import maskable, variants

SECRET = 's3cr/t+v&lue "q"'
ENCODED = base64.b64encode(f"us{SECRET}er".encode())
URL_SAFE = base64.urlsafe_b64encode(b"\xff\xfe" + SECRET.encode()).decode()


def lower_case_escapes(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), text)


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        lower_case_escapes(quote(SECRET, safe="")),
        lower_case_escapes(quote_plus(SECRET)),
        html.escape(SECRET, quote=False),
        html.escape(SECRET),
        html.escape(SECRET).replace("&quot;", "&#34;"),
        json.dumps(SECRET)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_masked_in_every_usual_spelling(spelling: str) -> None:
    masked = Redactor([SECRET]).text(f"before {spelling} after")
    assert masked.startswith("before ***")
    assert masked.endswith(" after")
    assert spelling[:-3] not in masked


@pytest.mark.parametrize("suffix", ["", "\n", "st", "end"])
@pytest.mark.parametrize("prefix", ["", "u", "us", "use", "user", "user:"])
def test_base64_of_a_secret_is_masked_with_every_letter_that_holds_a_bit_of_it(
    prefix: str, suffix: str
) -> None:
    encoded = base64.b64encode(f"{prefix}{SECRET}{suffix}".encode()).decode()
    first, last = len(prefix) * 8 // 6, -(-(len(prefix) + len(SECRET)) * 8 // 6)
    rest = encoded[last:] if suffix else ""
    assert Redactor([SECRET]).text(encoded) == f"{encoded[:first]}***{rest}"


def test_letters_beside_the_base64_of_another_value_stay() -> None:
    encoded = base64.b64encode(b"three bytes each..")  # no letter is shared with a neighbour
    shown = Redactor(["three bytes each.."]).text(f"a{encoded.decode()}b")
    assert shown == "a***b"


def test_the_url_alphabet_of_base64_is_masked() -> None:
    assert "***" in Redactor([SECRET]).text(URL_SAFE)


def test_each_line_of_a_secret_is_masked_alone() -> None:
    key = "-----BEGIN-----\nabcdefgh\nijklmnop\n-----END-----\n"
    assert Redactor([key]).text("x ijklmnop y") == "x *** y"


@pytest.mark.parametrize("width", [64, 76])
def test_wrapped_base64_of_a_long_secret_is_masked(width: int) -> None:
    value = "0123456789abcdef" * 20
    wrapped = textwrap.wrap(base64.b64encode(value.encode()).decode(), width)
    assert {Redactor([value]).text(line) for line in wrapped} == {"***"}


def streamed(redactor: Redactor, data: bytes, size: int) -> list[bytes]:
    lines = redactor.lines()
    out = [line for at in range(0, len(data), size) for line in lines.feed(data[at : at + size])]
    return [line for line, _ in [*out, *lines.flush()]]


def left_of(shown: list[bytes], alphabet: str) -> bytes:
    """What is not masked, as one word."""
    return re.sub(f"[^{alphabet}]".encode(), b"", b"".join(shown))


LONG = "a-value-of-some/length+0123456789"


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("indent", [b"", b"    "])
@pytest.mark.parametrize("width", [16, 40, 64, 76])
@pytest.mark.parametrize("before", range(0, 80, 7))
def test_base64_that_breaks_anywhere_in_a_secret_is_masked(
    before: int, width: int, indent: bytes, size: int
) -> None:
    encoded = base64.b64encode(b"." * before + LONG.encode() + b"." * 90)
    rows = [indent + encoded[at : at + width] for at in range(0, len(encoded), width)]
    shown = streamed(Redactor([LONG]), b"\n".join(rows), size)
    assert len(shown) == len(rows)
    left = left_of(shown, "A-Za-z0-9+/=")
    first, last = before * 8 // 6, -(-(before + len(LONG)) * 8 // 6)
    # At the end of a line a piece of less than four letters may be left.
    assert encoded[:first] == left[:first]
    assert encoded.endswith(left[-len(encoded[last:]) :])
    assert len(left) <= len(encoded) - (last - first) + 3


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("before", range(20))
def test_hexadecimal_that_breaks_anywhere_in_a_secret_is_masked(before: int, ending: bytes) -> None:
    digits = (b"." * before + LONG.encode() + b"." * 40).hex().encode()
    rows = [digits[at : at + 60] for at in range(0, len(digits), 60)]
    shown = streamed(Redactor([LONG]), ending.join(rows), 7)
    left = left_of(shown, "0-9a-f")
    assert left.replace(b"2e", b"") in {LONG.encode().hex()[:end].encode() for end in range(4)}


def test_a_line_that_begins_no_secret_is_given_as_soon_as_it_is_whole() -> None:
    lines = Redactor([LONG]).lines()
    assert list(lines.feed(b"0123456789abcdef" * 4 + b"\n")) == [(b"0123456789abcdef" * 4, False)]
    begun = base64.b64encode(b"...." + LONG.encode())[:20]
    assert list(lines.feed(begun + b"\nnext line\n")) == [(begun, False), (b"next line", False)]
    assert list(lines.feed(begun + b"\n")) == []
    assert list(lines.flush()) == [(begun, False)]


# `printf %s xTHE-PASS-1234,next | ...`: the value lies over two lines of each.
PRINTED = {
    "xxd -c 8": """\
00000000: 7854 4845 2d50 4153  xTHE-PAS
00000008: 532d 3132 3334 2c6e  S-1234,n
00000010: 6578 74              ext""",
    "xxd -g 1 -c 8": """\
00000000: 78 54 48 45 2d 50 41 53  xTHE-PAS
00000008: 53 2d 31 32 33 34 2c 6e  S-1234,n
00000010: 65 78 74                 ext""",
    "hexdump -C, 8 a line": """\
00000000  78 54 48 45 2d 50 41 53  |xTHE-PAS|
00000008  53 2d 31 32 33 34 2c 6e  |S-1234,n|
00000010  65 78 74                 |ext|""",
    "od -A d -t x1z -w8": """\
0000000 78 54 48 45 2d 50 41 53  >xTHE-PAS<
0000008 53 2d 31 32 33 34 2c 6e  >S-1234,n<
0000016 65 78 74                 >ext<""",
    "od -x -w8": """\
0000000 5478 4548 502d 5341
0000010 2d53 3231 3433 6e2c
0000020 7865 0074""",
    "od -w8": """\
0000000 052170 042510 050055 051501
0000010 026523 031061 032063 067054
0000020 074145 000164""",
    "od -b -w8": """\
0000000 170 124 110 105 055 120 101 123
0000010 123 055 061 062 063 064 054 156
0000020 145 170 164""",
    "od -c -w8": """\
0000000   x   T   H   E   -   P   A   S
0000010   S   -   1   2   3   4   ,   n
0000020   e   x   t""",
    "hexdump": """\
0000000 5478 4548 502d 5341 2d53 3231 3433 6e2c
0000010 7865 0074""",
}
KEPT = re.compile(r"^([0-9a-f]+:?) |\*\*\*")


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize("tool", PRINTED)
def test_a_dump_of_a_secret_is_masked_in_each_of_its_columns(tool: str, size: int) -> None:
    rows = PRINTED[tool].split("\n")
    shown = streamed(Redactor(["THE-PASS-1234"]), "\n".join(rows).encode(), size)
    assert len(shown) == len(rows)
    left = " ".join(KEPT.sub("", line.decode()) for line in shown[:2])
    wanted = {"78", "x", "|x|", ">x<", "|x", ">x", "|,n|", ">,n<", "|", ">", "<", ",n", "n", ","}
    wanted |= {"2c", "6e", "2c6e", "6e2c", "067054", "054", "156", "170"}
    wanted |= {"7865", "0074"} if tool == "hexdump" else set()
    assert set(left.split()) <= wanted


@pytest.mark.parametrize(
    "spelling",
    [
        r"s3c+r\u0026\u00c4\u0027",  # only some of them
        r"s3c\u002Br\u0026\u00C4\u0027",  # .NET
        r"s3c\\u002Br\\u0026\\u00C4\\u0027",  # in JSON within JSON
        r"\u0073\u0033\u0063\u002b\u0072\u0026\u00c4\u0027",
        "%73%33%63%2B%72%26%C3%84%27",
        "s3c%2Br%26%C3%84'",  # encodeURIComponent
        "s3c&#x2B;r&amp;&#xC4;&#39;",
        "s3c&#43;r&#38;&#196;&apos;",
        r"s3c\x2br\x26\xc3\x84\x27",
        r"s3c+r&\303\204'",  # a shell's $'...'
    ],
)
def test_a_secret_is_masked_whichever_of_its_characters_are_written_as_numbers(
    spelling: str,
) -> None:
    redactor = Redactor(["s3c+r&Ä'"])
    assert redactor.text(f"before {spelling} after") == "before *** after"
    data = b"." * (LONGEST_LINE - 7) + spelling.encode() + b"." * 200
    for size in (1000, 65_540, 65_550):
        assert b"***" in b"".join(streamed(redactor, data, size))


def test_a_character_of_two_units_is_masked() -> None:
    shown = Redactor(["pass\U0001f511word"]).text(r"<pass\ud83d\uDD11word>")
    assert shown == "<***>"


def test_base64_of_utf16_and_of_base64_is_masked() -> None:
    redactor = Redactor([LONG])
    utf16 = base64.b64encode(f"token {LONG}".encode("utf-16-le")).decode()
    twice = base64.b64encode(base64.b64encode(f"token {LONG}!".encode()) + b"\n").decode()
    assert redactor.text(f"<{utf16}>") == f"<{utf16[:16]}***>"
    assert redactor.text(f"<{twice}>").endswith("***lRPT0K>")


def test_overlapping_secrets_leave_no_rest() -> None:
    assert Redactor(["abcdef", "defghi"]).text("-abcdefghi-") == "-***-"


def test_a_value_of_three_letters_is_not_maskable_and_left_alone() -> None:
    assert not maskable("abc")
    assert Redactor(["abc"]).text("abc") == "abc"


def test_without_secrets_text_is_untouched() -> None:
    assert Redactor().text("any \udcff text") == "any \udcff text"


def test_bytes_that_are_not_utf8_survive_masking() -> None:
    assert Redactor(["secret"]).text("\udcff secret \udc80") == "\udcff *** \udc80"


def test_a_secret_split_over_chunks_is_masked() -> None:
    lines = Redactor(["topsecret"]).lines()
    out = [*lines.feed(b"a topse"), *lines.feed(b"cret b\nnext"), *lines.flush()]
    assert out == [(b"a *** b", False), (b"next", False)]


def test_a_line_is_given_as_soon_as_it_is_whole() -> None:
    lines = Redactor(["topsecret"]).lines()
    assert list(lines.feed(b"one\ntwo")) == [(b"one", False)]


def test_a_secret_in_one_of_many_lines_is_masked_and_they_stay_lines() -> None:
    lines = Redactor(["topsecret", "first\nsecond"]).lines()
    out = list(lines.feed(b"one\r\nmy topsecret\n\nfirst\nsecond\nlast\r\n"))
    shown = [b"one", b"my ***", b"", b"***", b"***", b"last"]
    assert out == [(line, False) for line in shown]


def test_lines_without_a_secret_end_without_their_line_break() -> None:
    lines = Redactor(["topsecret"]).lines()
    assert list(lines.feed(b"one\r\ntwo\n")) == [(b"one", False), (b"two", False)]


def test_a_secret_at_the_end_of_a_long_line_is_masked_once() -> None:
    lines = Redactor(["topsecret"]).lines()
    out = [*lines.feed(b"x" * LONGEST_LINE + b"topsecr"), *lines.feed(b"et\nnext\nmore\n")]
    assert b"".join(line for line, _ in out[:-2]) == b"x" * LONGEST_LINE + b"***"
    assert out[-2:] == [(b"next", False), (b"more", False)]


def test_a_long_line_among_short_ones_comes_in_pieces() -> None:
    out = list(Redactor().lines().feed(b"a\n" + b"x" * (LONGEST_LINE + 1) + b"\nb\n"))
    assert out == [(b"a", False), (b"x" * LONGEST_LINE, True), (b"x", False), (b"b", False)]


def test_a_long_line_comes_in_marked_pieces_and_none_of_it_is_lost() -> None:
    lines = Redactor(["topsecret"]).lines()
    data = b"x" * (LONGEST_LINE - 3) + b"topsecret" + b"y" * LONGEST_LINE
    out = [*lines.feed(data[: LONGEST_LINE + 1]), *lines.feed(data[LONGEST_LINE + 1 :])]
    out += lines.flush()
    assert b"".join(line for line, _ in out) == data.replace(b"topsecret", b"***")
    assert [more for _, more in out] == [True] * (len(out) - 1) + [False]
    assert max(len(line) for line, _ in out) <= LONGEST_LINE


def test_a_secret_that_repeats_without_end_does_not_hold_back_the_output() -> None:
    lines = Redactor(["aaaa"]).lines()
    out = [piece for _ in range(20) for piece in lines.feed(b"a" * LONGEST_LINE)]
    assert b"a" not in b"".join(line for line, _ in [*out, *lines.flush()])[:-3]


@pytest.mark.parametrize(
    ("spelled", "shown"),
    [
        (SECRET.encode().hex().encode(), b"***"),
        (ENCODED, ENCODED[:2] + b"***" + ENCODED[24:]),
    ],
)
def test_at_a_border_of_chunks_nothing_of_a_secret_comes_through(
    spelled: bytes, shown: bytes
) -> None:
    # A long line is handed on in pieces: what a piece ends with may belong to the next one.
    for start in range(LONGEST_LINE - 40, LONGEST_LINE + 8):
        data, lines = b"." * start + spelled + b"." * 200, Redactor([SECRET]).lines()
        out = [*lines.feed(data[: LONGEST_LINE + 1]), *lines.feed(data[LONGEST_LINE + 1 :])]
        out += lines.flush()
        assert b"".join(line for line, _ in out) == b"." * start + shown + b"." * 200


def test_a_redactor_does_not_show_its_values() -> None:
    assert "topsecret" not in repr(Redactor(["topsecret"]))


COLOURS = ["\x1b[1m", "\x1b[31;1m", "\x1b]0;title\x07", "\x1b]8;;u\x1b\\", "\x1b(B", "\x00", "\x08"]


@pytest.mark.parametrize("between", COLOURS)
def test_what_a_terminal_does_not_show_does_not_part_a_secret(between: str) -> None:
    shown = Redactor(["topsecret"]).text(f"{between}a top{between}sec{between}ret{between} b")
    assert shown == f"{between}a ***{between} b"


def test_base64_of_a_secret_with_colours_in_it_loses_all_its_letters() -> None:
    encoded = base64.b64encode(b"utopsecretu").decode()
    assert Redactor(["topsecret"]).text("\x1b[1m".join(encoded)) == "d\x1b[1m***\x1b[1mU\x1b[1m="


@pytest.mark.parametrize(
    "begun", ["\x1b[1", "\x1b]0;a long title", "\x1b", "\x1b[" + "1" * 99, "\x1b]" + "x" * 5000]
)
def test_a_sequence_without_an_end_hides_no_secret_behind_it(begun: str) -> None:
    assert "secret" not in Redactor(["topsecret"]).text(f"{begun}\ntopsecret {begun}topsecret")


@pytest.mark.parametrize("flood", [b"\x1b[1m" * 60_000, b"\x00" * 300_000])
def test_a_flood_of_sequences_in_a_long_line_neither_parts_a_secret_nor_is_all_kept(
    flood: bytes,
) -> None:
    def told(*parts: bytes) -> bytes:
        data, lines = b".".join([b"." * LONGEST_LINE, *parts]), Redactor(["topsecret"]).lines()
        out = [
            item for at in range(0, len(data), 1000) for item in lines.feed(data[at : at + 1000])
        ]
        return b"".join(line for line, _ in [*out, *lines.flush()])

    assert told(b"top" + flood + b"secret", b"") == b"." * LONGEST_LINE + b".***."
    assert len(told(flood, b"")) < LONGEST_LINE * 3


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_chunk_may_end_inside_a_sequence(cut: int) -> None:
    data = b"." * LONGEST_LINE + b"to\x1b]0;title\x1b\\pse\x1b[31;1mcr\x1b(Bet." + b"." * 60
    lines = Redactor(["topsecret"]).lines()
    at = LONGEST_LINE + cut
    out = [*lines.feed(data[:at]), *lines.feed(data[at:]), *lines.flush()]
    assert b"".join(line for line, _ in out) == b"." * LONGEST_LINE + b"***." + b"." * 60


TOKEN = "tok<en>&1234\"5678\\abc/d'f"


@pytest.mark.parametrize(
    "spelling",
    [
        r"tok\u003cen\u003e\u00261234\"5678\\abc/d'f",  # Go
        r"tok<en>&1234\"5678\\abc\/d'f",  # PHP
        r"tok\u003Cen\u003E\u00261234\u00225678\\abc/d\u0027f",  # .NET
        r"tok\u003cen\u003e\u00261234\"5678\\abc/d\u0027f",  # Gson
        json.dumps(json.dumps(TOKEN))[3:-3],
        json.dumps(json.dumps(TOKEN).replace("/", r"\/"))[3:-3],
        repr(TOKEN)[1:-1],
        repr(TOKEN.encode())[2:-1],
        json.dumps(repr(TOKEN))[2:-2],
        TOKEN.replace("'", "'\\''"),
        TOKEN.replace("'", "''"),
        "-".join(TOKEN.encode().hex()[at : at + 2] for at in range(0, 2 * len(TOKEN), 2)).upper(),
        "\\x" + "\\x".join(f"{byte:02x}" for byte in TOKEN.encode()),
    ],
)
def test_a_secret_is_masked_as_encoders_and_languages_write_it(spelling: str) -> None:
    shown = Redactor([TOKEN]).text(f"before {spelling} after")
    assert shown.replace("\\x***", "***") == "before *** after"


@pytest.mark.parametrize("between", [" ", ":"])
@pytest.mark.parametrize("width", [8, 16])
def test_a_dump_of_a_secret_is_masked_wherever_its_lines_break(width: int, between: str) -> None:
    data = b"abc" + TOKEN.encode() + b"xyz"
    rows = [data[at : at + width].hex(between) for at in range(0, len(data), width)]
    shown = "\n".join(map(Redactor([TOKEN]).text, rows))
    left = bytes.fromhex(re.sub("[^0-9a-f]", "", shown))
    # At the end of a line a piece of less than four bytes may be left.
    assert len(left) <= 6 + 3
    assert left.startswith(b"abc")


def test_without_secrets_a_long_line_with_colours_is_handed_on_whole() -> None:
    data = b"\x1b[1m." * LONGEST_LINE + b"\x1b["
    lines = Redactor().lines()
    first = list(lines.feed(data))
    assert len(first) >= 4
    assert b"".join(line for line, _ in [*first, *lines.flush()]) == data


def test_a_large_value_is_masked_as_it_is_in_base64_and_in_hexadecimal() -> None:
    lines = [f"line {number} of a large/value".encode() for number in range(3000)]
    redactor = Redactor([b"\n".join(lines).decode()])
    for line in lines[::500]:
        for form in (line, base64.b64encode(line).rstrip(b"="), line.hex().encode()):
            assert redactor.data(b"< " + form + b" >") == b"< *** >"


def test_the_largest_secret_of_one_letter_is_masked() -> None:
    value = "x" * 512_000
    redactor = Redactor([value])
    assert redactor.text(f"< {value} >") == "< *** >"
    assert redactor.text("xxxx") == "xxxx"
    assert redactor.text(base64.b64encode(value.encode()).decode()).count("***") == 1


def test_the_largest_secret_of_very_many_lines_is_masked_by_few_forms() -> None:
    lines = [f"{number:04x}" for number in range(102_400)]
    value = "\n".join(lines)[:512_000]
    redactor = Redactor([value])
    assert redactor.text(f"< {lines[70_000]} >") == "< *** >"
    assert redactor.text(value).replace("\n", "").strip("*") == ""
    whole = base64.b64encode(value.encode()).decode()
    assert redactor.text(textwrap.fill(whole, 76)).replace("\n", "").strip("*") == ""
    assert redactor.text(value.encode().hex()) == "***"
    assert len(variants(value)) < 200_000


def test_a_value_behind_many_others_is_looked_for_in_few_forms() -> None:
    value = "s3cr/t+v&lue " * 500
    alone, last = variants(value), variants(value, 1 << 20)
    assert quote(value).encode() in alone - last
    assert {value.encode(), value.encode().hex().encode()} < last < alone


def test_the_smallest_of_many_values_is_looked_for_in_all_forms() -> None:
    large = [f"{number:02}" + "a&cdefgh" * 1000 for number in range(12)]
    many = sought([*large, SECRET])
    assert variants(SECRET) < set(many.forms)
    assert quote(large[0]).encode() in many.forms
    assert quote(large[-1]).encode() not in many.forms
    assert Redactor(large).text(f"< {large[-1]} >") == "< *** >"
