"""Where the files of a build come from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from reconciler.base.credentials import holds_credential
from reconciler.model.common import Day, Model, SecretReference, Whole, Word, problem


class ContextKind(StrEnum):
    """Kinds of context location. Source: ACR Tasks' own rules on the raw string."""

    LOCAL = "local"
    GIT = "git"
    ARCHIVE = "archive"
    ARTIFACT = "artifact"
    NONE = "none"


_LONGEST_ARTIFACT = 700
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
    return _is_azure_repository(source) and not urlsplit(source).query


def _is_azure_repository(source: str) -> bool:
    parts = urlsplit(source)
    host = parts.hostname or ""
    azure = host == "dev.azure.com" or host.endswith(".visualstudio.com")
    return azure and "/_git/" in parts.path


_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://|:)")
SUPPORTED = (
    "a context is a folder, https://HOST/REPOSITORY.git#REF:FOLDER, another https:// URL of a tar, "
    "oci://REGISTRY/REPOSITORY:TAG or /dev/null"
)


# Those that are no folder with one `/` or none behind the sign either; a folder may be named `a:b`.
_KNOWN_SCHEMES = frozenset({"data", "file", "ftp", "ftps", "git", "javascript", "s3", "ssh"})
_BEFORE_COLON = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def unsupported(source: str) -> str | None:
    """Why a location is of no kind that is fetched, and what is; None for any other.

    ACR Tasks takes these for folders, or downloads a page in which there is no tar. No text of the
    location is repeated: a token may stand in it.
    """
    kind = context_kind(source)
    if kind is ContextKind.LOCAL and (why := _no_folder(source)) is not None:
        return why
    if kind is ContextKind.GIT and source.startswith(("git://", "git@")):
        scheme = "git:" if source.startswith("git://") else "git@HOST:"
        return f"{scheme} is no kind of location that is fetched; {SUPPORTED}"
    if kind is ContextKind.ARCHIVE and _is_azure_repository(source):
        return (
            "an address of Azure Repos has no query; name a branch, a tag or a commit behind #, as "
            "in https://dev.azure.com/ORG/PROJECT/_git/REPOSITORY#main"
        )
    return None


def _no_folder(source: str) -> str | None:
    """Why what would be looked for as a folder is meant to be none."""
    if source.startswith("#"):
        return f"no repository stands before #; {SUPPORTED}; a folder of this name is ./#..."
    before = _BEFORE_COLON.match(source)
    if before is None:
        return None
    scheme, slashes = before[1].lower(), source[before.end() :].startswith("//")
    if scheme in {"http", "https"} and slashes:
        return f"the scheme is written in small letters: {scheme}://"
    if scheme in {"http", "https", "oci"} and source[before.end() :][:1] != ":":
        return f"two slashes stand behind the scheme: {scheme}://"
    if _SCHEME.match(source) or scheme in _KNOWN_SCHEMES:
        return f"{scheme[:20]}: is no kind of location that is fetched; {SUPPORTED}"
    return None


# What a repository is asked for: a branch, a tag, a commit, pull/N/head. Of what Git allows
# (`git check-ref-format`) the signs that start something in a shell are left out: tasks put the
# name into commands.
GIT_REF = re.compile(
    r"(?!@$)(?!.*(?:\.\.|//|/\.|@\{|\.lock(?:/|$)|[./]$))[\w@+=,()#%][\w./@+=,()#%-]{0,250}"
)
GIT_REF_RULE = "a supported name has letters, digits and _./@+=,()#%-, as Git allows them"


def git_location(source: str) -> tuple[str, str, str]:
    """(repository URL, ref, folder) of a Git location `URL#ref:folder`; "" where not given."""
    url, _, fragment = source.partition("#")
    ref, _, folder = fragment.partition(":")
    return url, ref, folder


def at_commit(source: str, commit: str | None) -> str:
    """A Git location at a commit instead of its ref; any other source, or no commit: as it is."""
    if commit is None or context_kind(source) is not ContextKind.GIT:
        return source
    url, _, folder = git_location(source)
    return f"{url}#{commit}:{folder}" if folder else f"{url}#{commit}"


@dataclass(frozen=True, slots=True)
class Artifact:
    """Where an OCI artifact is. `reference` is a tag, or a digest `sha256:...`."""

    registry: str
    repository: str
    reference: str

    @property
    def digest(self) -> str | None:
        """The digest, if it is named by one."""
        return self.reference if ":" in self.reference else None

    def __str__(self) -> str:
        sign = "@" if self.digest else ":"
        return f"{self.registry}/{self.repository}{sign}{self.reference}"


_ARTIFACT = re.compile(
    r"(?i:oci://)(?P<registry>[A-Za-z0-9.\-]+(?::[0-9]{1,5})?|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?)"
    r"/(?P<repository>[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


def artifact_location(source: str) -> Artifact:
    """The artifact of `oci://REGISTRY/REPOSITORY[:TAG][@DIGEST]`. Raises ValueError.

    A digest goes before a tag; with neither it is `latest`. What comes first is always a registry.
    """
    match = _ARTIFACT.fullmatch(source)
    if match is None or len(source) > _LONGEST_ARTIFACT:
        raise ValueError("an artifact is oci://REGISTRY/REPOSITORY:TAG or ...@sha256:DIGEST")
    reference = match["digest"] or match["tag"] or "latest"
    return Artifact(match["registry"].lower(), match["repository"], reference)


# As Azure Repos shows the address of a clone.
_AZURE_CLONE = re.compile(r"https://[^/@:]*@dev\.azure\.com/")


def _source(text: str) -> str:
    if holds_credential(text):
        # Not repeated in the message: a password or a token may stand in it.
        fix = "; leave out ORG@ before dev.azure.com" if _AZURE_CLONE.match(text) else ""
        raise problem("source", f"a location holds no user, token or signature{fix}")
    if text != text.strip() or re.search(r"[\x00-\x1f]", text):
        raise problem("location", "a location has no blanks around it and no control characters")
    try:
        kind = context_kind(text)
    except ValueError:
        raise problem("location", "this is no URL: check its host and its brackets") from None
    if (why := unsupported(text)) is not None:
        raise problem("location", why)
    if kind is ContextKind.ARTIFACT:
        try:
            artifact_location(text)
        except ValueError as error:
            raise problem("location", str(error)) from None
    if kind is ContextKind.GIT and ".." in git_location(text)[2].split("/"):
        raise problem("location", "the folder of a repository does not lead out of it")
    return text


Location = Annotated[Word, AfterValidator(_source)]


class Token(SecretReference):
    """Reference to a source token, and what it is said to be able to do (judged by policy)."""

    kind: Literal["classic", "fine-grained", "oauth", "app", "azuredevops", "other"] | None = None
    scopes: tuple[Word, ...] = ()
    expires: Day | None = None


class Submodules(Model):
    """Submodules of a repository are fetched from these hosts only, and at most `max` of them."""

    hosts: Annotated[tuple[Word, ...], Field(min_length=1)]
    max: Annotated[Whole, Field(ge=1, le=1000)] = 20


class Context(Model):
    """Location, visibility (decides which token scopes are right), token and submodules."""

    source: Location
    visibility: Literal["public", "private"] | None = None
    token: Token | None = None
    submodules: Submodules | None = None

    @property
    def kind(self) -> ContextKind:
        """What the location is."""
        return context_kind(self.source)

    @model_validator(mode="after")
    def _token_has_use(self) -> Context:
        if self.token is not None and self.kind is ContextKind.NONE:
            raise problem("context", "a context of /dev/null needs no token")
        if self.submodules is not None and self.kind is not ContextKind.GIT:
            raise problem("context", "only a Git repository has submodules")
        return self
