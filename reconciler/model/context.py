"""Where the files of a build come from."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from reconciler.base.credentials import holds_credential
from reconciler.model.common import Day, Model, SecretReference, Word, problem


class ContextKind(StrEnum):
    """Kinds of context location. Source: ACR Tasks' own rules on the raw string."""

    LOCAL = "local"
    GIT = "git"
    ARCHIVE = "archive"
    ARTIFACT = "artifact"
    NONE = "none"


_GIT_PREFIX = ("git://", "github.com/", "git@")


def context_kind(source: str) -> ContextKind:
    """What a context location is, decided on the raw text as ACR Tasks does."""
    if source.lower() == "/dev/null":
        return ContextKind.NONE
    if source.lower().startswith("oci://"):
        return ContextKind.ARTIFACT
    if source.startswith(_GIT_PREFIX):
        return ContextKind.GIT
    if source.startswith(("http://", "https://")):
        return ContextKind.GIT if _is_git_url(source) else ContextKind.ARCHIVE
    return ContextKind.LOCAL


def _is_git_url(source: str) -> bool:
    if re.search(r"\.git(#.+)?$", source):
        return True
    parts = urlsplit(source)
    azure = parts.hostname == "dev.azure.com" or (parts.hostname or "").endswith(
        ".visualstudio.com"
    )
    return azure and "/_git/" in parts.path and not parts.query


def git_location(source: str) -> tuple[str, str, str]:
    """(repository URL, ref, folder) of a Git location `URL#ref:folder`; "" where not given."""
    url, _, fragment = source.partition("#")
    ref, _, folder = fragment.partition(":")
    return url, ref, folder


def _source(text: str) -> str:
    if holds_credential(text):
        # Not repeated in the message: a password or a token may stand in it.
        raise problem("source", "a location holds no user, token or signature")
    if text != text.strip() or re.search(r"[\x00-\x1f]", text):
        raise problem("location", "a location has no blanks around it and no control characters")
    try:
        kind = context_kind(text)
    except ValueError:
        raise problem("location", "this is no URL: check its host and its brackets") from None
    if kind is ContextKind.GIT and ".." in git_location(text)[2].split("/"):
        raise problem("location", "the folder of a repository does not lead out of it")
    return text


Location = Annotated[Word, AfterValidator(_source)]


class Token(SecretReference):
    """Reference to a source token, and what it is said to be able to do (judged by policy)."""

    kind: Literal["classic", "fine-grained", "oauth", "app", "azuredevops", "other"] | None = None
    scopes: tuple[Word, ...] = ()
    expires: Day | None = None


class Context(Model):
    """Location, visibility (decides which token scopes are right) and token."""

    source: Location
    visibility: Literal["public", "private"] | None = None
    token: Token | None = None

    @property
    def kind(self) -> ContextKind:
        """What the location is."""
        return context_kind(self.source)

    @model_validator(mode="after")
    def _token_has_use(self) -> Context:
        if self.token is not None and self.kind is ContextKind.NONE:
            raise problem("context", "a context of /dev/null needs no token")
        return self
