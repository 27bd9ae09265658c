"""Where a build step's files come from, as far as its words tell. Fetches nothing.

Source: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-overview
(context locations).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from reconciler.model.context import ContextKind, context_kind
from reconciler.taskfile.findings import Findings, Place


def check_context(context: str, at: Place, findings: Findings) -> None:
    """Note a location that is no URL, and the page of a repository that is taken for an archive."""
    try:
        kind = context_kind(context)
        parts = urlsplit(context)
        host, path = parts.hostname or "", parts.path.strip("/")
    except ValueError:
        fix = "check the host and the brackets of the URL"
        findings.error(at, "the context is no URL", found=context, fix=fix)
        return
    if kind is ContextKind.ARCHIVE and _is_github(host) and path.count("/") == 1:
        message = "this address of a repository is fetched as an archive, and is none"
        fix = f"end it with .git: {context.partition('#')[0].rstrip('/')}.git"
        findings.warn(at, message, found=context, fix=fix)


def _is_github(host: str) -> bool:
    return host in {"github.com", "www.github.com"}
