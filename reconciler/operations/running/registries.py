"""Which login server the word of `-r` means. Asks no registry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.base.errors import WrongUsage
from reconciler.base.text import did_you_mean, one_line

if TYPE_CHECKING:
    from reconciler.model.workspace import Workspace

_LOGIN_SERVER = re.compile(r"[A-Za-z0-9.-]+(\.[A-Za-z0-9-]+|:\d{1,5})|localhost|\[[0-9a-f:]+\]:\d+")


def login_server_of(word: str | None, workspace: Workspace, *, needed: bool) -> str | None:
    """The login server of `-r`; the workspace's only registry where nothing is said."""
    if word is None:
        if len(workspace.registries) == 1:
            return workspace.registries[0].login_server
        if needed:
            raise WrongUsage("an image to push needs a registry", hint="add -r REGISTRY")
        return None
    known = workspace.registry(word)
    if known is not None:
        return known.login_server
    if _LOGIN_SERVER.fullmatch(word):
        return word
    if "@" in word or "://" in word:
        raise WrongUsage(
            "a login server is a host name with an optional port, without user or password",
            hint="log in with: docker login HOST",
        )
    near = did_you_mean(word, [registry.name for registry in workspace.registries])
    hint = f"did you mean {near}?" if near else "give a login server, or declare the registry"
    raise WrongUsage(f"no registry is called {one_line(word, 80)}", hint=hint)
