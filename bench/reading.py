"""Reading of task files and Dockerfiles, in processor time once the program is started.

It waits for nobody, so what others do on the machine meanwhile does not count. Beside it is the
same on the smallest file. Each time in a process of its own: what was read once is read faster.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.given import RECONCILER, Given
from bench.measure import Bar, Figure, Row, run, summary

_STEPS = 200
_LINES = 200
_TURNS = 9


def render(given: Given) -> Iterator[Row]:
    """A task file of 200 steps with aliases, a template, variables and dependencies."""
    folder = _folder(given, "render")
    (folder / "large.yaml").write_text(_task(_STEPS))
    (folder / "small.yaml").write_text(_task(1))
    words = ["-r", "registry.contoso.example", "-o", "json"]
    small, large = (["render", f"{size}.yaml", *words] for size in ("small", "large"))
    ours, peer = _started(folder, small, large)
    name = f"render {_STEPS} steps, after start"
    yield Row(name, ours, Bar(0.05), "1 step", peer, _whole(folder, large))


def deps(given: Given) -> Iterator[Row]:
    """A Dockerfile of 200 lines in ten stages."""
    folder = _folder(given, "deps")
    (folder / "Dockerfile").write_text("\n".join([*_dockerfile(_LINES), ""]))
    (folder / "Small").write_text("FROM alpine:3\n")
    large = ["deps", ".", "-o", "json"]
    ours, peer = _started(folder, [*large, "-f", "Small"], large)
    name = f"deps of {_LINES} lines, after start"
    yield Row(name, ours, Bar(0.005), "1 line", peer, _whole(folder, large))


def _started(folder: Path, small: Sequence[str], large: Sequence[str]) -> tuple[Figure, Figure]:
    """(large, small), the median of several processes."""
    argv = [sys.executable, "-m", "bench.started", str(folder), json.dumps([small, large])]
    found = [
        json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout)
        for _ in range(_TURNS)
    ]
    return summary([one["large"] for one in found]), summary([one["small"] for one in found])


def _whole(folder: Path, words: Sequence[str]) -> str:
    return f"(whole process {run([*RECONCILER, *words], folder).seconds:.3f} s)"


def _folder(given: Given, name: str) -> Path:
    folder = given.folder / name
    folder.mkdir()
    return folder


def _task(count: int) -> str:
    head = ["version: v1.1.0", "env: [LEVEL=info]", "steps:"]
    steps = [
        f"  - id: s{number}\n"
        f'    cmd: $Registry/app:$ID test "part {number}" {{{{ upper "x" }}}}\n'
        f"    env: [PART={number}]\n"
        f"    when: [{_before(number)}]\n"
        "    retries: 1"
        for number in range(count)
    ]
    return "\n".join([*head, *steps, ""])


def _before(number: int) -> str:
    return f"s{number - 1}, s{number // 2}" if number > 2 else '"-"'


def _dockerfile(lines: int) -> Iterator[str]:
    """Ten stages: each from a base of its own, with files of an image and of the stage before."""
    yield "# syntax=docker/dockerfile:1"
    yield "ARG VERSION=3"
    for line in range(lines - 2):
        stage, place = divmod(line, 20)
        base = f"registry.contoso.example/base{stage}:${{VERSION:-1}}"
        match place:
            case 0:
                yield f"FROM --platform=$BUILDPLATFORM {base} AS s{stage}"
            case 1:
                yield f"COPY --from=nginx:1.{stage} /a /b"
            case 2 if stage:
                yield f"COPY --from=s{stage - 1} /out /out"
            case 5 | 10 | 15:
                yield f"RUN --mount=type=cache,target=/cache make part-{line}"
            case _:
                yield f"RUN make part-{line} && echo 'done {line}'"
