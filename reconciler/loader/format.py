"""One layout for YAML files, comments kept. The meaning is compared before anything is given back.

ruamel.yaml is used here and nowhere else: PyYAML drops comments.
"""

from __future__ import annotations

import io
import re

from reconciler.loader.encoding import YamlError
from reconciler.loader.yaml import load_documents

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
    try:
        after = [document.value for document in load_documents(result)]
    except YamlError:
        after = []
    if after != before:
        raise FormatRefused("its layout cannot be changed without changing its meaning")
    if _comments(result) != _comments(text):
        raise FormatRefused("a comment would be lost or moved")
    return result


def _comments(text: str) -> list[str]:
    # Also finds # inside of quotes: what matters is that before and after agree.
    return [match[0].rstrip() for match in _COMMENT.finditer(text)]


def _layout(text: str) -> str:
    from ruamel.yaml import YAML  # noqa: PLC0415  (late: only fmt needs it)
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 4096  # long lines are the author's business
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.allow_duplicate_keys = False
    # Plain words such as `on`, 012 and dates are text in our dialect: never touch scalars.
    yaml.Constructor.add_constructor("tag:yaml.org,2002:timestamp", _as_text)
    output = io.StringIO()
    try:
        documents = [document for document in yaml.load_all(text) if document is not None]
        yaml.explicit_start = len(documents) > 1 or text.lstrip().startswith("---")
        yaml.dump_all(documents, output)
    except (YAMLError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0][:120]
        raise FormatRefused(f"its layout is not understood: {reason}") from None
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines()) + "\n"


def _as_text(_loader: object, node: object) -> str:
    return str(node.value)  # type: ignore[attr-defined]
