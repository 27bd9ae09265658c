"""Text of others in Markdown and in workflow commands: shown, never obeyed. Pure words."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from reconciler.base.text import harmless, one_line

# What a comparison by the rules of a culture passes over: the services compare so.
_UNSEEN = (
    "\x00-\x08\x0e-\x1f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
)
_TICKS = re.compile("`+")
_BLANK = "\t\x0b\x0c \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_HASHES = re.compile(
    f"#(?=[{_UNSEEN}]*#[{_UNSEEN}]*(?:v[{_UNSEEN}]*s[{_UNSEEN}]*o|\\[))", re.IGNORECASE
)
_COLONS = re.compile(f"(^|[\r\n])([{_BLANK}{_UNSEEN}]*):(?=[{_UNSEEN}]*:)")


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


def length(blocks: Iterable[str]) -> int:
    """How many characters some blocks take, each on a line of its own."""
    return sum(len(block) + 1 for block in blocks)


def code(text: str, width: int = 300) -> str:
    """Text as inline code on one line, exactly as it is, whatever it holds.

    Inside, only as many backticks as stand outside would end it. Of blanks at both ends Markdown
    takes one away. Source: CommonMark 0.31, 6.1 Code spans.
    """
    plain = no_commands(one_line(text, width)) or " "
    fence = "`" * (max((len(run) for run in _TICKS.findall(plain)), default=0) + 1)
    has_ends = plain.startswith("`") or plain.endswith("`")
    pad = " " if has_ends or (plain[0] == plain[-1] == " " and plain.strip()) else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def no_commands(text: str) -> str:
    """Lines that no CI service takes for commands; all others stay as they are.

    GitHub looks for `::` where a line begins and for `##[` anywhere, Azure for `##vso` anywhere:
    they get a blank in their middle. Sources: actions/runner, src/Runner.Common/ActionCommand.cs;
    microsoft/azure-pipelines-agent, src/Agent.Sdk/Command.cs.
    """
    if "::" not in text and "#" not in text and text.isascii():
        return text
    return _COLONS.sub(r"\1\2: ", _HASHES.sub("# ", text))


def escape(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no links, and nobody mentioned."""
    plain = "".join(f"\\{letter}" if letter in "\\*_[]()`|#~!$" else letter for letter in text)
    plain = html.escape(harmless(plain.replace("\n", " ")), quote=False)
    for sign in ("@", "://", "www."):
        plain = plain.replace(sign, f"{sign[0]}\u200b{sign[1:]}")
    return plain
