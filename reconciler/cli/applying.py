"""What commands that write tasks share: their options, who watches, the lock. Decides nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli.options import Invocation, show

if TYPE_CHECKING:  # late: `--help` of one command must not import the plan and the database
    from reconciler.operations.applying.apply import Applied, Step
    from reconciler.operations.applying.manner import Manner
    from reconciler.operations.workspace import OpenWorkspace
    from reconciler.plan.change import Plan
    from reconciler.plan.overrides import Overrides
    from reconciler.store.locks import StateLock

_Command = TypeVar("_Command", bound=Callable[..., Any])
Words = Mapping[str, Any]


def override_options(command: _Command) -> _Command:
    """The options that set a safety rule aside for one plan.

    None is taken from the environment: an override that stands there would be no exception.
    """
    for decorate in (
        click.option(
            "--reason", metavar="TEXT", allow_from_autoenv=False, help="Why a rule is set aside."
        ),
        click.option(
            "--allow-destroy",
            multiple=True,
            metavar="NAME",
            allow_from_autoenv=False,
            help="Delete this task although it is protected.",
        ),
        click.option(
            "--override-limit",
            multiple=True,
            metavar="delete=N|update=N",
            allow_from_autoenv=False,
            help="Allow so many, this once.",
        ),
    ):
        command = decorate(command)
    return command


def writing_options(command: _Command) -> _Command:
    """The options that say how to write."""
    # Not from the environment: whoever wants a fault says so in this very command.
    fault = click.option("--fault-point", hidden=True, allow_from_autoenv=False)
    go_on = click.option(
        "--continue-on-error", is_flag=True, help="A change that fails does not stop the rest."
    )
    return go_on(fault(command))


def overrides_from(opened: OpenWorkspace, words: Words) -> Overrides:
    """What the options ask to set aside. Raises WrongUsage."""
    from reconciler.plan.overrides import overrides_of  # noqa: PLC0415

    return overrides_of(
        words["override_limit"], words["allow_destroy"], words["reason"], opened.actor
    )


def overrides_anything(words: Words) -> bool:
    """True if any of the options is given."""
    return bool(words["override_limit"] or words["allow_destroy"] or words["reason"])


def manner_from(invocation: Invocation, words: Words) -> Manner:
    """How to write, with each write shown."""
    from reconciler.operations.applying.fault import fault_at  # noqa: PLC0415
    from reconciler.operations.applying.manner import Manner  # noqa: PLC0415
    from reconciler.report.apply_text import step_lines  # noqa: PLC0415

    def watch(step: Step) -> None:
        # Whoever reads our output may leave: what was approved is applied all the same.
        with contextlib.suppress(BrokenPipeError):
            show(step_lines(step, invocation.width))

    return Manner(watch, words["continue_on_error"], fault_at(words["fault_point"]))


def write_plan(invocation: Invocation, opened: OpenWorkspace, plan: Plan, words: Words) -> None:
    """Apply a plan and show how it went."""
    from reconciler.operations.applying.apply import apply_plan  # noqa: PLC0415

    manner = manner_from(invocation, words)
    purpose = f"{plan.mode} {plan.id}"
    write(invocation, opened, purpose, lambda lock: apply_plan(opened, plan, lock, manner))


def write(
    invocation: Invocation,
    opened: OpenWorkspace,
    purpose: str,
    act: Callable[[StateLock], Applied],
) -> None:
    """Do something with the lock held, and show how it went."""
    from reconciler.operations.applying.apply import locked  # noqa: PLC0415
    from reconciler.report.apply_text import applied_lines  # noqa: PLC0415
    from reconciler.report.plan_text import taken_lines  # noqa: PLC0415

    with locked(opened, purpose) as (lock, taken):
        show(taken_lines(taken, invocation.width))
        done = act(lock)
    show(applied_lines(done, invocation.width, opened.clock()))
