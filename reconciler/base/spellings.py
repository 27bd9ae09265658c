"""The spellings in which programs print a value: every form of it that masking looks for.

The value, each of its lines, base64 (standard and URL alphabet, at any offset with the letters it
shares with its neighbours; of UTF-16 and of base64, too), hexadecimal with and without signs
between the bytes, URL-encoded, HTML-escaped, as JSON of usual libraries, JSON inside JSON, as a
literal of Python, as a word of a shell or of YAML. Where `redact` reads what is looked at in
another way (`escapes`, `rows`), these are what it finds there. What is not looked for: encrypted,
compressed, reversed output, characters printed one by one, a piece of less than four letters at the
end of a line.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from itertools import product
from urllib.parse import quote, quote_plus

from reconciler.base.escapes import LONGEST
from reconciler.base.invisible import visible

SHORTEST = 4
_WRAPS = (64, 76)
_PERCENT = re.compile("%[0-9A-F]{2}")
# Between the bytes, as `od`, `openssl`, .NET, C and `xxd -i` write them.
_BETWEEN = (" ", ":", "-", "\\x", ", 0x", "%")
_DUMPS = (" ", ":")
# Bytes of a value with its pieces up to which dumps, and all spellings, are looked for: of a whole
# bundle of certificates that would take gigabytes. Above the last number, the lines of a value are
# looked for as they stand, and only the whole of it in other spellings.
_DUMPED = 512
_LARGE = 32 * 1024
_VERY_LARGE = 256 * 1024
# The same for values that are looked for together, the smallest first: many that are not large take
# as much as one that is.
_ALL_DUMPED = 32 * 1024
_ALL_LARGE = 2 * _LARGE
_ALL_VERY_LARGE = _VERY_LARGE
_MARKUP = re.compile("[<>&\u2028\u2029]")
_MARKUP_AND_QUOTES = re.compile("[<>&'+=`\u2028\u2029]")
_NO_WORD = re.compile(r"([^\w@%+=:,./-])")
# Whether the letter before and the letter after a form of base64 hold bits of the value, too.
Shared = tuple[bool, bool]


def maskable(value: str) -> bool:
    """False for a value of less than four characters: masking it would shred every line."""
    return len(value.strip()) >= SHORTEST


def to_bytes(text: str) -> bytes:
    """UTF-8; bytes that were not (surrogate escapes) come back as they were, others as they can."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def in_order(values: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Values, the smallest first, each with the bytes of those before it and of their pieces."""
    total = 0
    for value in sorted(values, key=lambda one: (len(one), one)):
        yield value, total
        total += sum(map(len, _pieces(to_bytes(value)))) if maskable(value) else 0


def variants(value: str, before: int = 0) -> set[bytes]:
    """Every form of a value that is looked for; each has at least four bytes.

    `before`: bytes of the values, with their pieces, that are looked for as well.
    """
    if not maskable(value):
        return set()
    pieces = _pieces(to_bytes(value))
    found = set(pieces)
    size = sum(map(len, pieces))
    every = size <= _LARGE and before + size <= _ALL_LARGE
    deep = before + size <= _ALL_VERY_LARGE
    dumped = size <= _DUMPED and before + size <= _ALL_DUMPED
    for piece in _spelled(value, pieces, before):
        if len(piece) >= SHORTEST:
            found |= _spellings(piece) if every else _few_spellings(piece, deep=deep)
            found |= _dumped(piece) if dumped else set()
    return {form for form in found if len(form) >= SHORTEST}


def escaped_reach(value: str) -> int:
    """How many bytes a value takes with all of its characters written as numbers, at most."""
    size = len(to_bytes(value))
    return size * LONGEST if maskable(value) and size <= _LARGE else 0


def shared_letters(values: Iterable[str]) -> dict[bytes, Shared]:
    """The base64 forms of values whose neighbours belong to them."""
    found: dict[bytes, Shared] = {}
    for value, size in in_order(filter(maskable, values)):
        pieces = _pieces(to_bytes(value))
        deep = size + sum(map(len, pieces)) <= _ALL_VERY_LARGE
        for piece in _spelled(value, pieces, size):
            for form, (begins, after) in _base64_forms(piece, deep=deep):
                known = found.get(form, (False, False))
                found[form] = (begins or known[0], after or known[1])
    return found


def _pieces(raw: bytes) -> set[bytes]:
    """The value and its lines, with and without the blanks around them, and as they are shown."""
    pieces = {raw, raw.strip(), *(line.strip() for line in raw.splitlines())}
    return pieces | {visible(piece).strip() for piece in pieces}


def _spelled(value: str, pieces: set[bytes], before: int) -> set[bytes]:
    """The pieces of a value that are looked for in other spellings, too."""
    size = sum(map(len, pieces))
    if size <= _VERY_LARGE and before + size <= _ALL_VERY_LARGE:
        return pieces
    raw = to_bytes(value)
    return {raw, raw.strip()}


def _spellings(raw: bytes) -> set[bytes]:
    text = raw.decode("utf-8", "surrogateescape")
    quoted = {quote(raw, safe=""), quote_plus(raw), quote(raw)}
    forms = {form.encode() for form in quoted | set(map(_lower_escapes, quoted))}
    texts = {*_json_forms(text), *_html_forms(text), *_literals(raw, text)}
    forms |= {to_bytes(form) for form in texts}
    forms |= {form.encode() for form in _hex_forms(raw)}
    forms |= {raw.replace(b" ", b"+"), _utf16(raw)}  # of a form's fields; of Windows
    return forms | {form for form, _ in _base64_forms(raw, deep=True)}


def _few_spellings(raw: bytes, *, deep: bool) -> set[bytes]:
    digits = raw.hex()
    escaped = _json(raw.decode("utf-8", "surrogateescape"), ascii_only=True)
    forms = {digits.encode(), digits.upper().encode(), to_bytes(escaped)}
    return forms | {form for form, _ in _base64_forms(raw, deep=deep)}


def _lower_escapes(quoted: str) -> str:
    """`%2f` for `%2F`: both are right, and programs differ."""
    return _PERCENT.sub(lambda match: match[0].lower(), quoted)


# ------------------------------------------------------------------------ text
def _json_forms(text: str) -> set[str]:
    """As JSON of Python, Go, JavaScript, PHP, Java and .NET, and as JSON within it."""
    once = {_json(text, ascii_only=True), _json(text, ascii_only=False)}
    once |= {_json_markup(form, pattern) for form, pattern in product(once, _JSON_MARKUP)}
    once |= {_upper_escapes(form) for form in once}
    once |= {form.replace('\\"', sign) for form in once for sign in ("\\u0022", '"')}
    once |= {form.replace("/", "\\/") for form in once}
    return once | {_json(form, ascii_only=False) for form in once}


_JSON_MARKUP = (_MARKUP, _MARKUP_AND_QUOTES)
_JSON_ESCAPE = re.compile(r"(\\\\)|\\u([0-9a-f]{4})")


def _json(text: str, *, ascii_only: bool) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def _json_markup(form: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda match: f"\\u{ord(match[0]):04x}", form)


def _upper_escapes(form: str) -> str:
    """`\\u003C` for `\\u003c`, as .NET and PHP write it."""
    return _JSON_ESCAPE.sub(
        lambda match: match[1] or f"\\u{match[2].upper()}",
        form,
    )


def _html_forms(text: str) -> Iterator[str]:
    """As Python, Go and JavaScript libraries escape text for HTML and XML."""
    inner = html.escape(text, quote=False)
    yield inner
    yield inner.replace('"', "&quot;")
    for double in ("&quot;", "&#34;"):
        for single in ("&#x27;", "&#39;", "&apos;"):
            yield inner.replace('"', double).replace("'", single)


def _literals(raw: bytes, text: str) -> Iterator[str]:
    """As Python shows a value, alone and with both quotes in it; as shells and YAML quote one."""
    for shown in (repr(text)[1:-1], repr(raw)[2:-1], ascii(text)[1:-1]):
        yield shown
        yield shown.replace("'", "\\'")
        yield _json(shown, ascii_only=False)
    yield text.replace("'", "'\\''")
    yield text.replace("'", "'\"'\"'")
    yield text.replace("'", "''")
    yield re.sub(r'(["$`\\])', r"\\\1", text)
    yield _NO_WORD.sub(r"\\\1", text)


# ----------------------------------------------------------------------- bytes
def _hex_forms(raw: bytes) -> Iterator[str]:
    """Hexadecimal in both cases, plain and with signs between the bytes."""
    for digits in (raw.hex(), raw.hex().upper()):
        yield digits
        yield from (between.join(_pairs(digits)) for between in _BETWEEN)


def _dumped(raw: bytes) -> set[bytes]:
    """Each four bytes of a value, as a dump that breaks its lines anywhere has them."""
    pairs = _pairs(raw.hex())
    starts = range(len(pairs) - SHORTEST + 1)
    return {between.join(pairs[at : at + SHORTEST]).encode() for at in starts for between in _DUMPS}


def _pairs(digits: str) -> list[str]:
    return [digits[at : at + 2] for at in range(0, len(digits), 2)]


def _utf16(raw: bytes) -> bytes:
    return raw.decode("utf-8", "surrogateescape").encode("utf-16-le", "surrogatepass")


def _base64_forms(raw: bytes, *, deep: bool) -> Iterator[tuple[bytes, Shared]]:
    """Of the value; if `deep` of its UTF-16 (as PowerShell encodes it) and of its base64, too."""
    yield from _base64_at_any_place(raw)
    if deep and len(raw) <= _LARGE:
        yield from _base64_at_any_place(_utf16(raw))
        for once, _ in list(_base64_at_any_place(raw)):
            yield from _base64_at_any_place(once)


def _base64_at_any_place(raw: bytes) -> Iterator[tuple[bytes, Shared]]:
    # Bytes in front of the value shift it: only the letters that it decides alone are looked for.
    for offset, undecided in ((0, 0), (1, 2), (2, 3)):
        decided, rest = divmod((offset + len(raw)) * 8, 6)
        shared = (offset > 0, rest > 0)
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * offset + raw)[undecided:decided], shared
    # Alone in a text that is looked at by itself, each of its lines is found as well.
    decided, rest = divmod(len(raw) * 8, 6)
    whole = base64.b64encode(raw)[:decided]
    for width in _WRAPS:
        for at in range(0, decided, width):
            yield whole[at : at + width], (False, rest > 0 and at + width > decided)
