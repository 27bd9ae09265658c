"""Template functions that make one text of any values, as Go and Sprig have them.

Source: https://pkg.go.dev/text/template#hdr-Functions and https://masterminds.github.io/sprig/
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

from reconciler.taskfile.template.functions.kit import Function, Secrecy, items, takes, text
from reconciler.taskfile.template.goformat import quoted, sprintf
from reconciler.taskfile.template.govalues import spell

_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "\0": "\ufffd"}


def _quote(*values: Any) -> str:
    return " ".join(quoted(spell(value)) for value in values if value is not None)


def _squote(*values: Any) -> str:
    return " ".join(f"'{spell(value)}'" for value in values if value is not None)


def _cat(*values: Any) -> str:
    return " ".join(spell(value) for value in values if value is not None)


def _print(*values: Any) -> str:
    """Go's Sprint: a blank between two values of which neither is a text."""
    parts: list[str] = []
    for before, value in zip((None, *values), values, strict=False):
        if parts and not isinstance(before, str) and not isinstance(value, str):
            parts.append(" ")
        parts.append(spell(value))
    return "".join(parts)


def _println(*values: Any) -> str:
    return " ".join(map(spell, values)) + "\n"


def _printf(form: Any, *values: Any) -> str:
    return sprintf(text(form), values)


def _html(*values: Any) -> str:
    return "".join(_HTML.get(char, char) for char in _print(*values))


PRINT_FUNCTIONS: dict[str, Function] = {
    "quote": Function(_quote, secrecy=Secrecy.JOINS),
    "squote": Function(_squote, secrecy=Secrecy.JOINS),
    "cat": Function(_cat, secrecy=Secrecy.JOINS),
    "toStrings": takes(1, lambda values: [spell(value) for value in items(values)]),
    "toString": takes(1, spell, Secrecy.JOINS),
    "urlquery": Function(lambda *values: quote_plus(_print(*values), errors="replace")),
    "html": Function(_html),
    "print": Function(_print, secrecy=Secrecy.JOINS),
    "println": Function(_println, secrecy=Secrecy.JOINS),
    "printf": Function(_printf, 1, secrecy=Secrecy.JOINS),
}
