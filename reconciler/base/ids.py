"""Short identifiers. Randomness comes in as an argument so that tests can repeat it."""

from __future__ import annotations

import secrets
from collections.abc import Callable

Randomness = Callable[[int], bytes]

# No vowels (no words by chance), no 0/1/l/o (no misreading).
_ALPHABET = "23456789bcdfghjkmnpqrstvwxz"
_PAIRS = [first + second for second in _ALPHABET for first in _ALPHABET]


def random_bytes(count: int) -> bytes:
    """The system's randomness."""
    return secrets.token_bytes(count)


def new_id(prefix: str, length: int, randomness: Randomness = random_bytes) -> str:
    """`prefix` and `length` letters that are safe in file names, image tags and labels."""
    number = int.from_bytes(randomness(length), "big")
    letters = []
    for _ in range(length // 2):
        number, index = divmod(number, len(_PAIRS))
        letters.append(_PAIRS[index])
    if length % 2:
        letters.append(_ALPHABET[number % len(_ALPHABET)])
    return prefix + "".join(letters)
