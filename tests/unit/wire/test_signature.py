from __future__ import annotations

import hashlib
import hmac

import pytest

from reconciler.wire.signature import Signed, check_signature

SECRET = "It's a Secret to Everybody"
BODY = b"Hello, World!"
# GitHub's own published example.
GOOD = b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_the_published_example_is_good() -> None:
    assert check_signature(BODY, [GOOD], [SECRET]) is Signed.GOOD


def test_the_former_secret_counts_while_it_is_given() -> None:
    assert check_signature(BODY, [GOOD], ["new", SECRET]) is Signed.GOOD
    assert check_signature(BODY, [GOOD], ["new"]) is Signed.BAD


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        ([], Signed.MISSING),
        ([GOOD, GOOD], Signed.SEVERAL),
        ([GOOD.upper()], Signed.BAD),
        ([GOOD[:-1] + b"8"], Signed.BAD),
        ([GOOD[:-1]], Signed.BAD),
        ([GOOD + b"0"], Signed.BAD),
        ([GOOD.removeprefix(b"sha256=")], Signed.BAD),
        (["sha256=é".encode()], Signed.BAD),
        (["sha256=é".encode("latin-1")], Signed.BAD),
        (
            [b"sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest().encode()],
            Signed.BAD,
        ),
        ([b""], Signed.BAD),
    ],
)
def test_all_others_are_not(headers: list[bytes], verdict: Signed) -> None:
    assert check_signature(BODY, headers, [SECRET]) is verdict


def test_no_secret_and_an_empty_one_sign_nothing() -> None:
    empty = b"sha256=" + hmac.new(b"", BODY, hashlib.sha256).hexdigest().encode()
    assert check_signature(BODY, [empty], [""]) is Signed.BAD
    assert check_signature(BODY, [GOOD], []) is Signed.BAD


def test_a_change_of_one_bit_is_found() -> None:
    for place in range(len(BODY)):
        other = bytearray(BODY)
        other[place] ^= 1
        assert check_signature(bytes(other), [GOOD], [SECRET]) is Signed.BAD
