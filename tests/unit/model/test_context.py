"""Locations of a build context: what kind they are, and what may not stand in them."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from reconciler.model.context import GIT_REF, Context, ContextKind, context_kind, git_location

KINDS = [
    (".", ContextKind.LOCAL),
    ("api/", ContextKind.LOCAL),
    ("/dev/null", ContextKind.NONE),
    ("/DEV/NULL", ContextKind.NONE),
    ("oci://registry.contoso.example/a:1", ContextKind.ARTIFACT),
    ("OCI://registry.contoso.example/a:1", ContextKind.ARTIFACT),
    ("git://git.contoso.example/web", ContextKind.GIT),
    ("github.com/contoso/web", ContextKind.GIT),
    ("git@git.contoso.example:web", ContextKind.GIT),
    ("https://git.contoso.example/web.git", ContextKind.GIT),
    ("https://git.contoso.example/web.git#main:api", ContextKind.GIT),
    ("https://git.contoso.example/web.git/x", ContextKind.ARCHIVE),
    ("https://dev.azure.com/o/p/_git/web", ContextKind.GIT),
    ("https://o.visualstudio.com/p/_git/web", ContextKind.GIT),
    ("https://dev.azure.com/o/p/_git/web?x=1", ContextKind.ARCHIVE),
    ("https://files.contoso.example/a.tar.gz", ContextKind.ARCHIVE),
]


@pytest.mark.parametrize(("source", "kind"), KINDS)
def test_the_kind_is_decided_on_the_raw_text(source: str, kind: ContextKind) -> None:
    assert context_kind(source) is kind


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("https://h/w.git", ("https://h/w.git", "", "")),
        ("https://h/w.git#main", ("https://h/w.git", "main", "")),
        ("https://h/w.git#:api", ("https://h/w.git", "", "api")),
        ("https://h/w.git#main:api/v1", ("https://h/w.git", "main", "api/v1")),
    ],
)
def test_a_git_location_has_three_parts(source: str, parts: tuple[str, str, str]) -> None:
    assert git_location(source) == parts


@pytest.mark.parametrize("source", [" web", "web ", "we\x00b", "we\nb", "https://[x", ""])
def test_what_is_no_location_is_refused(source: str) -> None:
    with pytest.raises(ValidationError):
        Context.model_validate({"source": source})


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("file:///etc", "file: is no kind of location that is fetched; a context is a folder, "),
        ("ssh://git@git.contoso.example/web.git", "ssh: is no kind of location that is"),
        ("ssh://git.contoso.example/web.git", "ssh: is no kind of location that is fetched"),
        ("ext::sh -c id", "ext: is no kind of location that is fetched"),
        ("http::https://h/web.git", "http: is no kind of location that is fetched"),
        ("HTTPS://git.contoso.example/web.git", "in small letters: https://"),
        ("oci:/registry.contoso.example/a:1", "two slashes stand behind the scheme: oci://"),
        ("https:/git.contoso.example/web.git", "two slashes stand behind the scheme: https://"),
        ("javascript:x", "javascript: is no kind of location that is fetched; a context is"),
        ("#main", "no repository stands before #; a context is a folder"),
        ("git://git.contoso.example/web", "git: is no kind of location that is fetched; a context"),
        ("git@git.contoso.example:web.git", "git@HOST: is no kind of location that is fetched; a"),
        ("https://dev.azure.com/o/p/_git/web?version=GBmain", "an address of Azure Repos has no "),
        ("https://o.visualstudio.com/p/_git/web?version=GBmain", "behind #, as in https://dev"),
    ],
)
def test_a_location_that_nobody_fetches_is_refused_with_what_is_fetched(
    source: str, told: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Context.model_validate({"source": source})
    assert told in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize("source", ["a:b", "a/b://c", "C:\\web", "./ssh://x", "1://x"])
def test_a_folder_may_have_a_colon_in_its_name(source: str) -> None:
    assert Context(source=source).kind is ContextKind.LOCAL


def test_nothing_as_context_needs_no_token() -> None:
    token = {"secret": "env:PAT"}
    with pytest.raises(ValidationError, match="needs no token"):
        Context.model_validate({"source": "/dev/null", "token": token})


@given(st.text(st.sampled_from("ab_1ü./@+=,()#%-{}~^:?*[\\\\ $;"), min_size=1, max_size=8))
@example("a.lock")
@example("a.lock/b")
def test_a_ref_that_is_taken_is_one_that_git_takes(ref: str) -> None:
    """And the other way round, but for signs of a shell and a leading `-`."""
    argv = ["git", "check-ref-format", f"refs/heads/{ref}"]
    legal = subprocess.run(argv, check=False).returncode == 0 and ref != "@"
    plain = not ref.startswith("-") and not set(ref) & set("{}$;")
    assert bool(GIT_REF.fullmatch(ref)) == (legal and plain)


def test_the_address_that_azure_repos_shows_is_told_what_to_leave_out() -> None:
    with pytest.raises(ValidationError, match="leave out ORG@ before") as caught:
        Context(source="https://contoso@dev.azure.com/contoso/web/_git/web")
    assert "contoso" not in str(caught.value.errors(include_input=False))
    with pytest.raises(ValidationError) as caught:
        Context(source="https://contoso:x@dev.azure.com/contoso/web/_git/web")
    assert "ORG@" not in str(caught.value)
