"""One layout for YAML files, comments kept. The meaning is compared before anything is given back.

ruamel.yaml is used here and nowhere else: PyYAML drops comments.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from reconciler.base.encoding import YamlError
from reconciler.base.yaml import load_documents

_EMPTY = re.compile("^$")
_COMMENT = re.compile(r"#[^\n]*")


class FormatRefused(Exception):
    """The file cannot be laid out without a loss. The text says why."""


def format_text(text: str) -> str:
    """The text with two blanks of indent, lists indented, no trailing blanks, one last newline.

    Quotes, comments, blank lines and the order of keys stay. Raises YamlError for invalid YAML,
    FormatRefused if the result would not mean the same.
    """
    before = [document.value for document in load_documents(text)]
    if not before:
        return text
    result = _layout(text)
    short = result.rstrip("\n") + "\n"
    result = short if _values(short) == before else result  # a last `|+` ends in blank lines
    if _values(result) != before:
        raise FormatRefused("its layout cannot be changed without changing its meaning")
    if _comments(result) != _comments(text):
        raise FormatRefused("a comment would be lost or moved")
    return result


def _values(text: str) -> list[Any]:
    try:
        return [document.value for document in load_documents(text)]
    except YamlError:
        return []


def _comments(text: str) -> list[str]:
    # Also finds # inside of quotes: what matters is that before and after agree.
    return [match[0].rstrip() for match in _COMMENT.finditer(text)]


def _layout(text: str) -> str:
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415  (late: only fmt needs it)

    yaml, output = _round_trip(), io.StringIO()
    try:
        documents = [document for document in yaml.load_all(text) if document is not None]
        yaml.explicit_start = len(documents) > 1 or text.lstrip().startswith("---")
        yaml.dump_all(documents, output)
    except (YAMLError, ValueError, RecursionError) as error:
        reason = (str(error).splitlines() or ["no reason"])[0][:120]
        raise FormatRefused(f"its layout is not understood: {reason}") from None
    lines = [line.rstrip() for line in output.getvalue().splitlines()]
    return "\n".join(_with_list(lines)) + "\n"


def _round_trip() -> Any:
    from ruamel.yaml import YAML  # noqa: PLC0415  (late, see above)
    from ruamel.yaml.resolver import VersionedResolver  # noqa: PLC0415

    class Untouched(VersionedResolver):
        """Takes every plain word for text, so that dates, numbers and `null` stay as written."""

        @property
        def versioned_resolver(self) -> dict[str, list[tuple[str, re.Pattern[str]]]]:
            return {"": [("tag:yaml.org,2002:null", _EMPTY)]}

    yaml = YAML(typ="rt", pure=True)
    yaml.Resolver = Untouched
    yaml.preserve_quotes = True
    yaml.width = 4096  # long lines are the author's business
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.allow_duplicate_keys = False
    return yaml


def _with_list(lines: list[str]) -> Iterator[str]:
    """Comments before an item of a list move to the right with it."""
    indent = 0  # of the next line that is no comment
    result: list[str] = []
    for line in reversed(lines):
        words = line.lstrip()
        if words.startswith("#") and indent > len(line) - len(words):
            result.append(" " * indent + words)
            continue
        if words and not words.startswith("#"):
            indent = len(line) - len(words) if words.startswith("- ") else 0
        result.append(line)
    return reversed(result)
