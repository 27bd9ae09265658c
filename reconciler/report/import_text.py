"""What an import wrote, as lines and as JSON."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from reconciler import __version__
from reconciler.base.text import harmless, plural, wrap
from reconciler.operations.importing.adopt import Imported
from reconciler.report.machine import FORMAT_VERSION

# More files are counted by folder: an import of 10,000 tasks is still read.
_MOST = 20


def import_lines(result: Imported, width: int) -> list[str]:
    """The whole output of `import`."""
    lines = []
    if len(result.written) <= _MOST:
        lines += [f"+ {one.file}" for one in result.written]
    else:
        folders = Counter(one.file.rpartition("/")[0] for one in result.written)
        lines += [f"+ {name}/  {plural(count, 'file')}" for name, count in folders.items()]
    lines = [line for text in lines for line in wrap(harmless(text), width, "    ")]
    secrets = sum(one.secrets for one in result.written)
    told = f"Imported {plural(len(result.written), 'task')}"
    told += f"; {plural(result.declared, 'task')} declared already" if result.declared else ""
    told += f"; {len(result.refused):,} not imported" if result.refused else ""
    lines += wrap(f"{told}.", width)
    if secrets:
        marked = f"note: {plural(secrets, 'reference')} to secrets marked TODO in the files"
        lines += wrap(marked, width, "  ")
    plain = [(one.address, path) for one in result.written for path in one.plain_secrets]
    if plain:
        more = [f"{len(plain) - _MOST:,} more"] if len(plain) > _MOST else []
        named = ", ".join([*(f"{task} {path}" for task, path in plain[:_MOST]), *more])
        marked = (
            f"warning: {plural(len(plain), 'plain value')} like a secret in the files, marked "
            f"TODO: give them as references before you commit: {named}"
        )
        lines += wrap(harmless(marked), width, "  ")
    if result.written:
        following = "note: look at the files, then: reconciler validate, reconciler plan"
        lines += wrap(following, width, "  ")
    return lines


def refused_lines(result: Imported, width: int) -> list[str]:
    """Why some tasks were not imported."""
    lines = []
    for one in result.refused:
        lines += wrap(harmless(f"error: {one.address}: {one.reason}"), width, "  ")
        if one.fix:
            lines += wrap(harmless(f"  fix    {one.fix}"), width, "         ")
    return lines


def import_json(result: Imported) -> dict[str, Any]:
    """The output of `import -o json`."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "apply_id": result.apply_id,
        "declared": result.declared,
        "imported": [dataclasses.asdict(one) for one in result.written],
        "refused": [dataclasses.asdict(one) for one in result.refused],
    }
