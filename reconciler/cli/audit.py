"""The commands of the audit: report, policy list, policy explain."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.base.clock import from_iso
from reconciler.cli.options import Invocation, formats, output_option, pass_invocation, show

if TYPE_CHECKING:
    from reconciler.operations.auditing.audit_report import AuditReport
    from reconciler.policy.evaluate import RuleSet

# format: module of the report floor, function
_FORMATS = {
    "html": ("page", "audit_page"),
    "json": ("audit_json", "audit_json"),
    "sarif": ("sarif", "audit_sarif"),
    "junit": ("junit", "audit_junit"),
    "markdown": ("audit_markdown", "audit_markdown"),
    "csv": ("audit_csv", "audit_csv"),
}


def _moment(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    try:
        return None if text is None else from_iso(text)
    except ValueError:
        message = f"{text!r} is no time; write 2026-11-20 or 2026-11-20T15:00:00Z"
        raise click.BadParameter(message) from None


@click.command()
@formats(*_FORMATS)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@click.option("--as-of", metavar="TIME", callback=_moment, help="Judge as on this day (UTC).")
@click.option(
    "--fail-on",
    type=click.Choice(["never", "failure", "warning"]),
    default="never",
    show_default=True,
    help="Exit 3 if there is one.",
)
@pass_invocation
def report(
    invocation: Invocation, output: str, out: Path | None, as_of: datetime | None, fail_on: str
) -> int:
    """Judge every declared and every live task, and report to an auditor.

    The same specs, policies, live tasks and --as-of give the same bytes.
    """
    from reconciler.operations.auditing.audit_workspace import (  # noqa: PLC0415
        audit_workspace,
        save_report,
    )
    from reconciler.report.audit_json import audit_line  # noqa: PLC0415

    with invocation.workspace() as opened:
        audited = audit_workspace(opened, as_of or invocation.clock())
    text = _render(audited, output)
    if out is None:
        click.echo(text, nl=False)
    else:
        save_report(invocation.folder / out, text)
        show([audit_line(audited), f"wrote {out}"])
    bad = {"never": (), "failure": ("fail",), "warning": ("fail", "warn")}[fail_on]
    return 3 if audited.verdict in bad else 0


def _render(audited: AuditReport, output: str) -> str:
    import importlib  # noqa: PLC0415

    # Only the format that is asked for is imported.
    module, name = _FORMATS[output]
    render = getattr(importlib.import_module(f"reconciler.report.{module}"), name)
    return str(render(audited))


@click.group()
def policy() -> None:
    """List and explain policy rules."""


@policy.command("list")
@output_option
@pass_invocation
def list_(invocation: Invocation, output: str) -> int:
    """List the rules that the policies of this workspace use."""
    from reconciler.report.rules import rule_list_json, rule_list_lines  # noqa: PLC0415

    rules = _rules(invocation)
    if output == "json":
        from reconciler.report.machine import to_text  # noqa: PLC0415

        click.echo(to_text(rule_list_json(rules)))
    else:
        show(rule_list_lines(rules, invocation.width))
    return 0


@policy.command()
@click.argument("name")
@output_option
@pass_invocation
def explain(invocation: Invocation, name: str, output: str) -> int:
    """Explain a rule: what it checks, its parameters, what passes and what fails.

    NAME is a built-in rule, or the id it has in a policy of this workspace.
    """
    from reconciler.operations.auditing.rules import find_rule  # noqa: PLC0415
    from reconciler.policy.catalogue import BY_NAME  # noqa: PLC0415
    from reconciler.policy.evaluate import RuleSet  # noqa: PLC0415
    from reconciler.report.rules import rule_json, rule_lines  # noqa: PLC0415

    # A built-in rule can be explained anywhere, also outside a workspace or in a broken one.
    rule = find_rule(name, RuleSet() if name in BY_NAME else _rules_or_none(invocation))
    if output == "json":
        from reconciler.report.machine import to_text  # noqa: PLC0415

        click.echo(to_text(rule_json(rule)))
    else:
        show(rule_lines(rule, invocation.width))
    return 0


def _rules(invocation: Invocation) -> RuleSet:
    from reconciler.operations.auditing.rules import list_rules  # noqa: PLC0415

    with invocation.workspace() as opened:
        return list_rules(opened)


def _rules_or_none(invocation: Invocation) -> RuleSet:
    from reconciler.operations.workspace import NoWorkspace  # noqa: PLC0415
    from reconciler.policy.evaluate import RuleSet  # noqa: PLC0415

    try:
        return _rules(invocation)
    except NoWorkspace:
        return RuleSet()
