"""Shell words as Dockerfiles write them: quotes, escapes, `$` expansion; knows no instruction.

The rules are those of the Dockerfile frontend of BuildKit (the word lexer behind FROM, ARG and
heredoc detection), quirks included: https://docs.docker.com/reference/dockerfile/#environment-replacement
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.taskfile.dockerfile.shellpattern import Budget
from reconciler.taskfile.dockerfile.shellreader import SPACES, Reader


def expand(word: str, values: Mapping[str, str], *, escape: str, budget: Budget) -> str:
    """`word` with quotes removed and variables replaced; an unset variable is empty.

    Raises ShellWordError for unbalanced quotes, a bad substitution or a spent budget.
    """
    return Reader(word, values, budget, escape=escape).until("").text()


def shell_words(line: str, *, raw: bool) -> list[str]:
    """The words of a shell line, variables left as written; `raw` keeps quotes and escapes too.

    Raises ShellWordError for unbalanced quotes or a bad substitution. The escape character is
    always the backslash: this is the shell's line, not the Dockerfile's.
    """
    budget = Budget(left=16 * len(line) + 1024)
    reader = Reader(line, {}, budget, keep_quotes=raw, keep_escapes=raw, keep_unset=True)
    return reader.until("").words()


def assignments(text: str, *, escape: str) -> list[str]:
    """The words of an ARG instruction, split at spaces outside quotes; quotes and escapes stay."""
    words: list[str] = []
    word: list[str] = []
    at, quote = 0, ""
    while at < len(text):
        char = text[at]
        if char in SPACES and not quote:
            words.append("".join(word))
            word = []
        elif char == escape and quote != "'":
            word.append(text[at : at + 2] if at + 1 < len(text) else "")
            at += 1
        else:
            quote = _quote_after(char, quote)
            word.append(char)
        at += 1
    return [found for found in [*words, "".join(word)] if found]


def _quote_after(char: str, quote: str) -> str:
    if quote:
        return "" if char == quote else quote
    return char if char in "'\"" else ""
