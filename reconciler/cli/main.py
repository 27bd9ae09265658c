"""The command `reconciler`: its commands by group, and errors to exit codes.

Commands are imported when they are called, so that `--help` stays quick.
"""

from __future__ import annotations

import os
import sys

try:
    import contextlib
    import gc
    import importlib
    import signal
    import traceback
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import FrameType
    from typing import NoReturn

    import click

    from reconciler import __version__
    from reconciler.base.errors import ReconcilerError
    from reconciler.base.room import FIX, full_disk, is_full
    from reconciler.cli.service_lines import failed_start, interrupted_start, is_service
    from reconciler.cli.service_log import guard_streams, in_service
except KeyboardInterrupt:  # much of the time of a quick command: nothing else is there to tell it
    sys.stderr.write("interrupted\n")
    sys.exit(130)

# group, command, where it is, what --help says of it; most used first
_COMMANDS = (
    ("workflow", "init", "files:init", "Make a workspace that validates and plans at once"),
    ("workflow", "validate", "files:validate", "Check specs and policies"),
    ("workflow", "plan", "plan:plan", "Show what apply would change"),
    ("workflow", "apply", "apply:apply", "Make live what the specs say"),
    ("workflow", "drift", "drift:drift", "Show what changed live since the last apply"),
    ("workflow", "destroy", "destroy:destroy", "Delete what was applied here"),
    ("workflow", "show", "looking:show_command", "Show one task: live, last applied, runs"),
    ("workflow", "import", "adopting:import_command", "Write spec files for live tasks"),
    ("workflow", "lock", "locks:lock", "Show who is applying; break the lock of one who is gone"),
    ("workflow", "fmt", "files:fmt", "Lay out the YAML files"),
    ("runs", "run", "runs:run", "Run an applied task"),
    ("runs", "build", "runs:build", "Build a folder, and push the image"),
    ("runs", "pack", "packing:pack", "Build with Cloud Native Buildpacks"),
    ("runs", "tasks", "tasks:tasks", "List live tasks: owner, triggers, last run, next"),
    ("runs", "rerun", "runs:rerun", "Do a run once more, with the same inputs"),
    ("runs", "runs", "run_lists:runs", "List runs"),
    ("runs", "logs", "run_lists:logs", "Show or follow the log of a run"),
    ("runs", "cancel", "run_lists:cancel", "Stop a run"),
    ("runs", "render", "rendering:render", "Show what a task file would run; runs nothing"),
    ("runs", "deps", "rendering:deps", "Show the base images of a build"),
    ("audit", "report", "audit:report", "Policy report over declared and live tasks"),
    ("audit", "policy", "audit:policy", "List and explain policy rules"),
    ("daemon", "serve", "daemon:serve", "Turn commits, pull requests and timers into runs"),
    ("daemon", "doctor", "doctor:doctor", "Show what works here, of what is declared"),
    ("misc", "explain", "looking:explain", "Explain a field of a spec"),
    ("misc", "schema", "files:schema", "JSON Schema of specs, policies, plans, drift and reports"),
    ("misc", "graph", "looking:graph", "Draw tasks, triggers, base images"),
    ("misc", "diff", "looking:diff", "Compare what is live in two registries"),
    ("misc", "completion", "completion:completion", "Completion for bash, zsh or fish"),
    ("misc", "version", "files:version", "Show the version"),
)
# What the program calls itself with: neither shown nor proposed.
_HIDDEN = (
    ("continue-run", "runs:continue_run"),
    ("leased-run", "daemon:leased_run"),
    ("clear-run", "daemon:clear_run"),
)
_TRUE = {"1", "true", "t", "yes", "y", "on"}
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_USAGE_EXIT = 64
_INTERRUPTED_EXIT = 130


class _ToldToStop(BaseException):
    """A service is told to stop while it begins. Not KeyboardInterrupt, for which click prints."""


class LazyGroup(click.Group):
    """A group that imports a command when it is called; help shows the commands by group."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All names, most used first."""
        return [name for _, name, _, _ in _COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a name, imported now."""
        for name, place in (*((row[1], row[2]) for row in _COMMANDS), *_HIDDEN):
            if name == cmd_name:
                module, _, attribute = place.partition(":")
                found = getattr(importlib.import_module(f"reconciler.cli.{module}"), attribute)
                assert isinstance(found, click.Command)  # noqa: S101  (the table above is ours)
                return found
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command, or an error that names the nearest one."""
        from reconciler.base.text import did_you_mean  # noqa: PLC0415

        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = did_you_mean(args[0], self.list_commands(ctx)) if args else None
            if near is None:
                raise
            message = f"no such command {args[0]!r}; did you mean {near!r}?"
            raise click.UsageError(message, ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The commands in their groups, without importing them."""
        for group in dict.fromkeys(row[0] for row in _COMMANDS):
            rows = [(name, text) for own, name, _, text in _COMMANDS if own == group]
            with formatter.section(group.capitalize()):
                formatter.write_dl(rows)


@click.group(
    cls=LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "RECONCILER",
        "max_content_width": 80,
    },
)
@click.option("-C", "--directory", metavar="DIR", help="Work as if started in DIR.")
@click.option("--debug", is_flag=True, help="Show stack traces.")
@click.version_option(__version__, "--version", message="reconciler %(version)s")
@click.pass_context
def cli(ctx: click.Context, directory: str | None, debug: bool) -> None:
    """Specs of image tasks in Git: checked by policy, planned, applied and run."""
    from reconciler.cli.options import make_invocation  # noqa: PLC0415  (late: imports the model)

    ctx.obj = make_invocation(directory, debug=debug)


def entry_point() -> NoReturn:
    """Run the program and leave with its exit code."""
    _open_standard_streams()
    _stop_in_order(once=is_service(sys.argv[1:]))
    if in_service(os.environ):
        guard_streams()
    # Nearly all a command makes lives until it ends: looking for garbage often takes a third of a
    # plan of 10,000 tasks.
    gc.set_threshold(100_000, 50, 100)
    code = run(sys.argv[1:])
    # On the way out the interpreter looks for garbage three times more: a fifth of a second.
    gc.freeze()
    sys.exit(code)


def _stop_in_order(*, once: bool) -> None:
    """A service that cancels a job, and a session that ends, stop us as Ctrl-C does.

    What waits for its turn on the way out then has it: the lock of the state is given back, and
    how far an apply came is told. Whoever told us to ignore a signal (`nohup`) is heard.
    `once`: a service that begins is told so once; its exit code is not that of a second signal.
    """
    ours: Callable[[int, FrameType | None], object] = signal.default_int_handler
    if once:
        ours = _stop_once
    for number in _STOP_SIGNALS:
        if signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}:
            signal.signal(number, ours)


def _stop_once(*_: object) -> None:
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise _ToldToStop


def _open_standard_streams() -> None:
    """Put /dev/null where a stream is closed: else the database would be given its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(handle, "r" if number == 0 else "w", encoding="utf-8"))


def run(arguments: Sequence[str]) -> int:
    """Run the program; its exit code. Errors are printed to standard error."""
    try:
        outcome = cli.main(list(arguments), "reconciler", standalone_mode=False)
        sys.stdout.flush()
    except _ToldToStop:
        return interrupted_start()
    except (click.exceptions.Exit, click.ClickException, click.Abort, KeyboardInterrupt) as error:
        told = _told_by_service(arguments, error)
        return _click_exit_code(error) if told is None else told
    except BrokenPipeError:
        return _broken_pipe()
    except SystemExit as error:
        # click turns a closed pipe into SystemExit(1), and leaves with 0 once it has told a shell
        # what may come next.
        return _broken_pipe() if error.code else 0
    except Exception as error:  # noqa: BLE001  (the last door: no trace for a person)
        if _debug(arguments):
            traceback.print_exc()
        found = _for_people(error)
        told = _told_by_service(arguments, found)
        return _tell(found) if told is None else told
    return outcome if isinstance(outcome, int) else 0


def _told_by_service(arguments: Sequence[str], error: BaseException) -> int | None:
    """The exit code of a service that says in its log why it does not begin; None if none does."""
    for_programs = is_service(arguments) and not sys.stderr.isatty()
    if for_programs and isinstance(error, (click.ClickException, ReconcilerError)):
        return failed_start(error)
    return None


def _debug(arguments: Sequence[str]) -> bool:
    return "--debug" in arguments or os.environ.get("RECONCILER_DEBUG", "0").lower() in _TRUE


def _for_people(error: Exception) -> ReconcilerError:
    if isinstance(error, ReconcilerError):
        return error
    if isinstance(error, OSError):
        if is_full(error) and error.filename:
            return ReconcilerError(full_disk(Path(error.filename).parent), hint=FIX)
        about = f": {error.filename}" if error.filename else ""
        return ReconcilerError(f"{error.strerror or error}{about}")
    return ReconcilerError(
        f"something went wrong inside reconciler ({type(error).__name__})",
        hint="this is a bug: run it again with --debug and report what it prints",
    )


def _click_exit_code(error: BaseException) -> int:
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.ClickException):
        error.show()
        return _USAGE_EXIT
    click.echo("interrupted", err=True)
    return _INTERRUPTED_EXIT


def _tell(error: ReconcilerError) -> int:
    from reconciler.cli.options import show  # noqa: PLC0415
    from reconciler.report.human import error_lines  # noqa: PLC0415

    try:
        _flush()
        show(error_lines(error, _width()), error=True)
    except BrokenPipeError:
        return _broken_pipe()
    return error.exit_code


def _width() -> int:
    import shutil  # noqa: PLC0415

    columns = shutil.get_terminal_size((80, 24)).columns if sys.stderr.isatty() else 80
    return max(columns, 40)


def _flush() -> None:
    """What was printed before the error. A full disk is no reason to stay silent about it."""
    try:
        sys.stdout.flush()
    except OSError:
        _give_up_output()


def _broken_pipe() -> int:
    """The reader of our output left: that is its right, and no error of ours."""
    _give_up_output()
    return 141


def _give_up_output() -> None:
    """Let what is still buffered go nowhere: else the interpreter complains when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
