"""Plain values to text in our YAML dialect, laid out as `fmt` does. Whoever writes a file reads it
back and compares: what the dialect cannot say comes back as something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from reconciler.base.scalars import plain_value

_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_BOOL, _NULL, _MERGE = (f"tag:yaml.org,2002:{name}" for name in ("bool", "null", "merge"))


def write_document(value: Mapping[str, Any]) -> str:
    """The text of one document: block style, two blanks of indent, keys in their order."""
    text = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=float("inf"),
    )
    return str(text)


class _Reads:
    """Asked by PyYAML whether an unquoted word would be read as a kind of value."""

    def __init__(self, kind: type | None) -> None:
        self._kind = kind

    def match(self, text: str) -> bool:
        if self._kind is None:
            return text == "<<"
        return type(plain_value(text)) is self._kind


class _Dumper(yaml.SafeDumper):
    """Quotes what our own dialect would misread, and nothing more."""

    # By the first character of a word; None is any.
    yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML's own name and form)
        None: [
            (_INT, _Reads(int)),
            (_FLOAT, _Reads(float)),
            (_BOOL, _Reads(bool)),
            (_NULL, _Reads(type(None))),
            (_MERGE, _Reads(None)),
        ]
    }

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """No anchors: what stands twice is written twice."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Lists are indented below their key."""
        super().increase_indent(flow, False)


# YAML takes these for line breaks or drops them: only double quotes can say them.
_ODD_BREAKS = frozenset("\r\x85\u2028\u2029\ufeff")


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    # Several lines are a block, as a person writes them. PyYAML falls back to quotes by itself
    # where a block cannot say it.
    style = "|" if "\n" in value.rstrip("\n") else None
    if not _ODD_BREAKS.isdisjoint(value):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
