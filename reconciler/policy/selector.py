"""Which tasks a rule or a waiver concerns: globs compiled once, asked for every task."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable

from reconciler.model.common import Match
from reconciler.policy.rule import Subject

Selector = Callable[[Subject], bool]


def compile_match(match: Match) -> Selector | None:
    """A predicate of `match`, or None if it selects every task.

    `address` is a glob over `registry/name` (`*` also matches `/`); the others must be equal.
    """
    tests: list[Selector] = []
    if match.address is not None:
        tests.append(_address(match.address))
    if match.registry is not None:
        tests.append(lambda subject: subject.task.metadata.registry == match.registry)
    if match.owner is not None:
        tests.append(lambda subject: subject.task.metadata.owner == match.owner)
    if match.labels:
        wanted = match.labels.items()
        tests.append(lambda subject: wanted <= subject.task.metadata.labels.items())
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda subject: all(test(subject) for test in tests)


def _address(glob: str) -> Selector:
    fits = re.compile(fnmatch.translate(glob)).match
    return lambda subject: fits(subject.address) is not None
