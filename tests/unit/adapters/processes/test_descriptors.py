"""How many files this process may have open."""

from __future__ import annotations

import subprocess
import sys

import pytest

ASK = (
    "import resource; from reconciler.adapters.processes.descriptors import raise_descriptors;"
    "resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}));"
    "print(raise_descriptors(), *resource.getrlimit(resource.RLIMIT_NOFILE))"
)


@pytest.mark.parametrize(
    ("soft", "hard", "found"), [(64, 512, "512 512 512"), (99, 99, "99 99 99")]
)
def test_the_soft_limit_becomes_the_hard_one(soft: int, hard: int, found: str) -> None:
    code = ASK.format(soft=soft, hard=hard)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == found.split()


def test_no_more_than_is_needed() -> None:
    code = "from reconciler.adapters.processes import descriptors as d; d._ENOUGH = 100;" + ASK
    done = subprocess.run(
        [sys.executable, "-c", code.format(soft=64, hard=512)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["100", "100", "512"]
