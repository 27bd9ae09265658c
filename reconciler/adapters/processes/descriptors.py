"""How many files and connections this process may have open."""

from __future__ import annotations

import contextlib
import resource

# More is never needed here, and some programs that we start look at each number up to the limit.
_ENOUGH = 8192


def raise_descriptors() -> int:
    """Allow as many as this process may allow itself, up to 8,192; how many that are.

    The limit that processes begin with, 1,024, is for programs that use `select`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = _number(soft)
    wanted = min(_number(hard), _ENOUGH)
    if found < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
    return found


def _number(limit: int) -> int:
    return _ENOUGH if limit == resource.RLIM_INFINITY else limit
