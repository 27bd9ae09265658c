"""No form of a plan, of drift or of an error ever holds the value of a secret."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.base.spellings import variants
from tests.flow.project import Project, new_project

FORMS = (
    ("validate",),
    ("validate", "-o", "json"),
    ("validate", "-o", "github"),
    ("validate", "-o", "azure"),
    ("plan", "--out", "p.json"),
    ("plan", "--summary"),
    ("plan", "--full"),
    ("plan", "-o", "json"),
    ("plan", "-o", "markdown"),
    ("plan", "-o", "github"),
    ("plan", "-o", "azure"),
    ("drift",),
    ("drift", "-o", "json"),
)
SOURCE = "https://git.contoso.example/web.git#main"
_values = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"),
    min_size=4,
    max_size=40,
)


def spec(version: str) -> dict[str, Any]:
    """A task with a secret in every place that may hold one."""
    return {
        "context": {"source": SOURCE, "token": {"secret": "env:PAT", "version": version}},
        "step": {"docker": {"images": ["web:1"], "secrets": {f"NPM_{version}": "env:NPM"}}},
        "credentials": {
            "registries": {
                "docker.io": {
                    "username": {"secret": "env:USER_NAME"},
                    "password": {"secret": "env:PASSWORD", "version": version},
                }
            }
        },
        "notify": [{"on": ["Failed"], "url": {"secret": "env:HOOK", "version": version}}],
    }


def everything(project: Project) -> list[str]:
    """All that is printed and kept, create, change and drift, in every form."""
    texts = []
    for version in ("v1", "v2"):
        project.write(**spec(version))
        outcomes = [project.run(*words) for words in (*FORMS, ("apply", "p.json"))]
        assert {outcome.code for outcome in outcomes} == {0}
        texts += [outcome.out + outcome.err for outcome in outcomes]
    project.change_live(**spec("v3"))
    texts += [project.run(*words).out for words in FORMS]
    texts += [path.read_text("utf-8", "replace") for path in project.root.rglob("*.json")]
    return [*texts, (project.root / ".reconciler/state.db").read_text("utf-8", "replace")]


@settings(max_examples=5, deadline=None)
@given(_values)
def test_the_value_of_a_reference_is_nowhere(value: str) -> None:
    secret = f"planted-{value}-4f7e1c9b"
    names = ("PAT", "NPM", "USER_NAME", "PASSWORD", "HOOK")
    with tempfile.TemporaryDirectory() as folder:
        project = new_project(Path(folder) / "w")
        project.environment = dict.fromkeys(names, secret)
        texts = everything(project)
    assert any("env:PASSWORD" in text for text in texts)
    forms = [form.decode("utf-8", "replace") for form in variants(secret) if len(form) > 8]
    assert forms
    for text in texts:
        assert not [form for form in forms if form in text]


PASTED = "ghp_" + "a1B2c3D4e5" * 3 + "F6g7h8"


@pytest.mark.parametrize(
    "parts",
    [
        {"context": {"source": SOURCE, "token": {"secret": PASTED}}},
        {"context": {"source": f"https://me:{PASTED}@git.contoso.example/web.git"}},
        {"step": {"docker": {"images": ["web:1"], "args": {"TOKEN": PASTED}}}},
        {"step": {"docker": {"images": ["web:1"], "secrets": {"NPM": PASTED}}}},
        {"metadata": {"description": f"use {PASTED}"}},
        {"notify": [{"on": ["Failed"], "url": {"secret": f"https://x.example/?k={PASTED}"}}]},
        {"timeout": PASTED},
    ],
)
def test_a_value_that_was_pasted_is_refused_and_repeated_in_no_form(
    parts: dict[str, Any], tmp_path: Path
) -> None:
    project = new_project(tmp_path / "w")
    project.write(**parts)
    for words in FORMS:
        outcome = project.run(*words)
        assert PASTED not in outcome.out + outcome.err, words
        assert outcome.code == 1
