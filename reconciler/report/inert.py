"""Text of others in Markdown and in workflow commands: shown, never obeyed. Pure words."""

from __future__ import annotations

import html
from collections.abc import Iterable

from reconciler.base.text import harmless, one_line


def fit(blocks: Iterable[str], room: int) -> tuple[list[str], int]:
    """The blocks that fit, in order, and how many do not."""
    shown, left_out = [], 0
    for block in blocks:
        if len(block) + 1 > room:
            left_out += 1
            continue
        room -= len(block) + 1
        shown.append(block)
    return shown, left_out


def code(text: str, width: int = 300) -> str:
    """Text as inline code on one line, whatever it holds."""
    return f"`{one_line(text, width).replace('`', chr(39)) or ' '}`"


def escape(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no links, and nobody mentioned."""
    plain = "".join(f"\\{letter}" if letter in "\\*_[]()`|#~!$" else letter for letter in text)
    plain = html.escape(harmless(plain.replace("\n", " ")), quote=False)
    for sign in ("@", "://", "www."):
        plain = plain.replace(sign, f"{sign[0]}\u200b{sign[1:]}")
    return plain
