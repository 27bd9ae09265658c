"""Spec templates (`*.yaml.j2`): rendered in a sandbox, in a child process with limits.

Variables are written `${{ name }}`, so that `{{.Run.ID}}` stays what it is. They come only from
`vars` of the workspace and from the Defaults of the folder (`metadata`, `spec`). An undefined name
is an error. A template is code of whoever may open a pull request: a child process with a limit of
time and memory is the only thing that stops its loops for certain.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 5.0
_MEMORY = 256 * 1024 * 1024
_OUTPUT = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """Why a template gave no text; `line` is a line of the template, from 1."""

    message: str
    line: int
    fix: str | None = None


def render(text: str, variables: Mapping[str, Any]) -> str | TemplateProblem:
    """The rendered text, or the problem. Takes at most `SECONDS` and 256 MiB."""
    import jinja2.sandbox  # noqa: F401, PLC0415  (late: only for templates; here, so that the child has it)

    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(text, variables, writer)
    os.close(writer)
    try:
        answer = _read(reader, time.monotonic() + SECONDS)
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return _result(answer)


def _result(answer: bytes | None) -> str | TemplateProblem:
    if answer is None:
        fix = "make its loops smaller"
        return TemplateProblem(f"the template took more than {SECONDS:.0f} s", 1, fix)
    if not answer:
        return TemplateProblem("the template needs too much memory", 1, "make its output smaller")
    try:
        kind, value, line, fix = json.loads(answer)
    except ValueError:  # the child was ended in the middle of a word
        return TemplateProblem("the template was stopped", 1, "make its output smaller")
    return value if kind == "text" else TemplateProblem(value, line, fix)


def _read(reader: int, deadline: float) -> bytes | None:
    chunks: list[bytes] = []
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([reader], [], [], left)
        if not ready:
            break
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
    return None


def _child(text: str, variables: Mapping[str, Any], writer: int) -> None:
    # Whatever happens, this process ends here and touches nothing of its parent's.
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS) + 1, int(SECONDS) + 1))
        used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
        answer = json.dumps(_render(text, variables)).encode()
        while answer:
            answer = answer[os.write(writer, answer) :]
    except BaseException:  # noqa: BLE001, S110  (out of memory: the empty pipe says so)
        pass
    finally:
        os._exit(0)


def _render(text: str, variables: Mapping[str, Any]) -> tuple[str, str, int, str | None]:
    import jinja2  # noqa: PLC0415
    from jinja2.sandbox import SandboxedEnvironment  # noqa: PLC0415

    environment = SandboxedEnvironment(
        variable_start_string="${{",
        variable_end_string="}}",
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.globals = {"range": environment.globals["range"], "dict": dict}
    try:
        result = environment.from_string(text).render(dict(variables))
    except jinja2.TemplateSyntaxError as error:
        return "problem", f"template: {error.message}", error.lineno, None
    except jinja2.UndefinedError as error:
        fix = "add it to `vars` in reconciler.yaml, or correct the name"
        return "problem", f"template: {error.message}", _line(error), fix
    except MemoryError:
        return "problem", "the template needs too much memory", 1, "make its output smaller"
    except Exception as error:  # noqa: BLE001  (whatever a template does is its own fault)
        return "problem", f"template: {type(error).__name__}: {error}"[:500], _line(error), None
    if len(result) > _OUTPUT:
        return "problem", "the template gives more than 8 MB", 1, "make its output smaller"
    return "text", result, 0, None


def _line(error: BaseException) -> int:
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
