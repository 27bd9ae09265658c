"""The options that say which tasks a command is for: words in, a choice out. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:  # late: `--help` of one command must not import the plan
    from reconciler.operations.planning.choosing import Choice

_Command = TypeVar("_Command", bound=Callable[..., Any])


def choosing_options(command: _Command) -> _Command:
    """The options --target, --exclude and --since."""
    for decorate in (
        click.option(
            "--since",
            metavar="REF",
            help="Only tasks whose files changed since this Git ref.",
        ),
        click.option(
            "--exclude",
            multiple=True,
            metavar="SELECTOR",
            help="All but these tasks.",
        ),
        click.option(
            "--target",
            multiple=True,
            metavar="SELECTOR",
            help="Only these: name, address, label:K=V, owner:N, registry:N; * is any letters.",
        ),
    ):
        command = decorate(command)
    return command


def choice_from(words: Mapping[str, Any]) -> Choice:
    """What the options ask for."""
    from reconciler.operations.planning.choosing import Choice  # noqa: PLC0415

    return Choice(words["target"], words["exclude"], words["since"])


def chooses_anything(words: Mapping[str, Any]) -> bool:
    """True if any of the options is given."""
    return bool(words["target"] or words["exclude"] or words["since"] is not None)
