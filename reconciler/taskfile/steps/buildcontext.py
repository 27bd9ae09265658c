"""Where a build step's files come from, as far as its words tell. Fetches nothing.

Source: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-overview
(context locations).
"""

from __future__ import annotations

import posixpath
from urllib.parse import urlsplit

from reconciler.base.credentials import holds_credential
from reconciler.model.context import context_kind
from reconciler.taskfile.findings import Findings, Place
from reconciler.taskfile.tasks import DEFAULT_WORKING_DIRECTORY, BuildStep


def check_context(context: str, at: Place, findings: Findings) -> None:
    """Note a location that is no URL, and one that holds a password; neither is repeated whole."""
    if holds_credential(context):
        message = "a build context holds no user, password, token or signature"
        fix = "revoke it; make the repository the context of the task, with its token, and build ."
        findings.doubt(at, message, fix=fix)
    try:
        context_kind(context)
        _ = urlsplit(context).hostname
    except ValueError:
        fix = "check the host and the brackets of the URL"
        findings.error(at, "the context is no URL", found=context, fix=fix)


def dockerfile_of(step: BuildStep) -> str:
    """The Dockerfile of a build in the workspace, relative to that; `-f` is relative to the
    working directory of the step.
    """
    start, build = step.working_directory or DEFAULT_WORKING_DIRECTORY, step.build
    file = build.file or posixpath.join(build.context, "Dockerfile")
    path = posixpath.normpath(posixpath.join(start, file))
    return posixpath.relpath(path, DEFAULT_WORKING_DIRECTORY)


def repository_of_page(context: str) -> str | None:
    """The repository's address if this is that of its page, which is fetched as an archive."""
    parts = urlsplit(context)
    if _is_github(parts.hostname or "") and parts.path.strip("/").count("/") == 1:
        return f"{context.partition('#')[0].rstrip('/')}.git"
    return None


def _is_github(host: str) -> bool:
    return host in {"github.com", "www.github.com"}
