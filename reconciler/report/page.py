"""An audit report as one HTML file for screen and paper: no script, nothing loaded from outside."""

from __future__ import annotations

from typing import Any

from reconciler.base.text import harmless, plural
from reconciler.operations.auditing.audit_report import AuditReport
from reconciler.report.audit_json import audit_document


def audit_page(report: AuditReport) -> str:
    """The output of `report -o html`: the same bytes for the same report."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  (late: 60 ms)

    environment = Environment(
        loader=PackageLoader("reconciler.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plural"] = plural
    environment.filters["place"] = _spell_place
    document = _harmless(audit_document(report))
    return environment.get_template("audit.html.j2").render(report=document)


def _harmless(value: Any) -> Any:
    """All texts without control characters and bidirectional overrides; HTML is escaped later."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, dict):
        return {key: _harmless(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_harmless(item) for item in value]
    return value


def _spell_place(where: dict[str, Any] | None) -> str:
    return f"{where['file']}:{where['line']}:{where['column']}" if where else "live"
