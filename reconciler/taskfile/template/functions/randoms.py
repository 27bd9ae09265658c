"""Template functions of chance. Where it comes from is handed in, so that a file can be read twice.

Source: https://masterminds.github.io/sprig/uuid.html
"""

from __future__ import annotations

import hashlib
import itertools
import uuid

from reconciler.taskfile.template.functions.kit import Function


def random_functions(seed: bytes | None) -> dict[str, Function]:
    """The functions of one reading; every call gives another value. Refused without a seed."""
    refused = None if seed is not None else "it has no randomness here"
    numbers = itertools.count()

    def uuidv4() -> str:
        made = hashlib.sha256(b"%d:" % next(numbers) + (seed or b"")).digest()
        return str(uuid.UUID(bytes=made[:16], version=4))

    return {"uuidv4": Function(uuidv4, 0, 0, refused=refused)}
