"""What every command is given: the folder, the environment, the terminal, the clock."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.base.clock import Clock, utc_now
from reconciler.operations.workspace import OpenWorkspace, open_without_workspace, open_workspace

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of the program. `folder` is where the workspace is looked for."""

    folder: Path
    environment: Mapping[str, str]
    clock: Clock = utc_now
    debug: bool = False

    @property
    def width(self) -> int:
        """Columns to write to: the terminal's, else 80 (at least 40)."""
        columns = shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 80
        return max(columns, 40)

    @property
    def table_width(self) -> int | None:
        """Columns for a table: the terminal's; None where none reads, so that nothing is cut."""
        return self.width if sys.stdout.isatty() else None

    @property
    def interactive(self) -> bool:
        """True if a person can be asked."""
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def screen(self) -> bool:
        """True if standard output is a terminal whose cursor can be moved."""
        terminal = self.environment.get("TERM", "dumb")
        return sys.stdout.isatty() and terminal not in {"", "dumb", "unknown"}

    @contextmanager
    def workspace(self) -> Iterator[OpenWorkspace]:
        """The workspace, closed at the end. Raises NoWorkspace, InvalidInput."""
        from reconciler.cli.counter import Counter  # noqa: PLC0415

        opened = open_workspace(self.folder, self.environment, self.clock)
        opened.counts = Counter(self.environment)
        try:
            yield opened
        finally:
            opened.counts(None)
            opened.close()

    @contextmanager
    def any_workspace(self) -> Iterator[OpenWorkspace]:
        """The workspace, or, where there is none, the user's own state."""
        from reconciler.loader.workspace import find_root  # noqa: PLC0415

        if find_root(self.folder) is not None:
            with self.workspace() as opened:
                yield opened
            return
        opened = open_without_workspace(self.folder, self.environment, self.clock)
        try:
            yield opened
        finally:
            opened.close()


def formats(*names: str) -> Callable[[_Command], _Command]:
    """The option `-o`: one of some formats, the first where none is asked for."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(names),
        default=names[0],
        show_default=True,
        help="Format.",
    )


output_option = formats("text", "json")


pass_invocation = click.make_pass_decorator(Invocation)


def make_invocation(folder: str | None, *, debug: bool) -> Invocation:
    """The invocation of this process."""
    return Invocation(Path(folder) if folder else Path.cwd(), dict(os.environ), debug=debug)


# Lines of a long output that are written with one call.
_AT_ONCE = 500
_PAINTS = (
    (re.compile(r"^(\s*)(\+ .*)$"), "green"),
    (re.compile(r"^(\[\d+/\d+\] )(\+ .*)$"), "green"),
    (re.compile(r"^(\s*)(~ .*)$"), "yellow"),
    (re.compile(r"^(\[\d+/\d+\] )(~ .*)$"), "yellow"),
    (re.compile(r"^(\s*)(- .*)$"), "red"),
    (re.compile(r"^(\[\d+/\d+\] )(- .*)$"), "red"),
    (re.compile(r"^(\s*)(> .*)$"), "cyan"),
    (re.compile(r"^(\[\d+/\d+\] )(> .*)$"), "cyan"),
    (re.compile(r"^(\s*)(! .*)$"), "yellow"),
    (re.compile(r"^()(error: .*)$"), "red"),
    (re.compile(r"^()(warning: .*)$"), "yellow"),
    (re.compile(r"^()(note: .*)$"), "cyan"),
)


def paint(line: str) -> str:
    """A line with the colour of its sign, for a terminal."""
    for pattern, colour in _PAINTS:
        if match := pattern.match(line):
            return match[1] + click.style(match[2], fg=colour)
    return line


def show(lines: Iterable[str], *, error: bool = False) -> None:
    """Print lines for people; those of a list in a few large pieces."""
    stream = sys.stderr if error else sys.stdout
    coloured = not os.environ.get("NO_COLOR") and stream is not None and stream.isatty()
    size = _AT_ONCE if isinstance(lines, list) else 1
    rest = iter(lines)
    while batch := list(itertools.islice(rest, size)):
        text = "\n".join(map(paint, batch) if coloured else batch)
        click.echo(text, err=error, color=coloured)


def asked(question: str) -> bool:
    """Ask a person; only `y` or `yes` is yes. Raises KeyboardInterrupt."""
    return typed(f"{question} [y/N]").lower() in {"y", "yes"}


def typed(question: str) -> str:
    """What a person types, without the blanks around it. Raises KeyboardInterrupt.

    The answer is waited for in short turns: a signal that comes just before a blocking read would
    be seen only after the next key.
    """
    import select  # noqa: PLC0415

    click.echo(f"{question}: ", err=True, nl=False)
    while not select.select([sys.stdin], [], [], 0.2)[0]:
        pass
    return sys.stdin.readline().strip()
