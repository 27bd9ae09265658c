"""All that the threads of a daemon need is imported before the first of them starts.

Commands import late, to start quickly. Threads that did so together would meet libraries whose
modules import each other (docker) half imported, and fail.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil

import reconciler

# What only commands need: words, reports.
_NOT = ("reconciler.cli", "reconciler.report", "reconciler.__main__")
# Of others, what functions import. Those of extras may be missing.
_LIBRARIES = (
    "ahocorasick_rs",
    "azure.core.credentials",
    "azure.core.exceptions",
    "azure.core.pipeline.transport",
    "azure.identity",
    "azure.keyvault.secrets",
    "concurrent.futures",
    "croniter",
    "deepdiff",
    "git",
    "httpcore",
    "hvac",
    "jinja2.sandbox",
    "requests",
    "ruamel.yaml",
    "sqlalchemy.dialects.postgresql",
)


def import_all() -> None:
    """Import what may be needed later on. Takes a second or two."""
    for found in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not found.name.startswith(_NOT):
            importlib.import_module(found.name)
    for name in _LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
