"""Whether a Dockerfile has itself read by a program from an image."""

from __future__ import annotations

import pytest

from reconciler.taskfile.dockerfile.frontend import frontend


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# syntax=x.example/f:1\nFROM scratch", 1),
        ("#syntax = x.example/f:1 more\r\nFROM scratch", 1),
        ("\ufeff# SYNTAX=x.example/f:1\nFROM scratch", 1),
        ("#!/usr/bin/env x\n# syntax=x.example/f:1\nFROM scratch", 2),
        ("# escape=`\n# other=1\n# syntax=x.example/f:1\nFROM scratch", 3),
        ("//syntax=x.example/f:1\nFROM scratch", 1),
        ("// other\n//  syntax=x.example/f:1\nFROM scratch", 2),
        ('{"syntax": "x.example/f:1"}', 1),
        ('#!/x\n {"syn\\u0074ax": "x.example/f:1"}', 2),
    ],
)
def test_every_spelling_of_a_frontend_is_found(text: str, line: int) -> None:
    for written in (text, text.encode()):
        found = frontend(written)
        assert found is not None
        assert found.line == line
        assert "{" in found.image or found.image == "x.example/f:1"


@pytest.mark.parametrize(
    "text",
    [
        "FROM scratch\n# syntax=x.example/f:1",
        "# about syntax=x\nFROM scratch",
        "# syntax\nFROM scratch",
        "FROM scratch\nLABEL syntax=x",
        "RUN <<E\n# syntax=x\nE",
    ],
)
def test_a_comment_or_a_later_line_is_none(text: str) -> None:
    assert frontend(text) is None
