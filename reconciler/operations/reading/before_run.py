"""What stands for what only a run knows, while its steps are read before it. Reads nothing."""

from __future__ import annotations

import re

from reconciler.taskfile.file.values import RUN_NAMES

# Legal in every part of an image name, so that the reader takes them.
RUN_WORDS = {name: f"known-by-run-{name.lower()}-only" for name in RUN_NAMES}
_WORD = re.compile(r"known-by-run-([a-z]+)-only")
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_PLAIN = re.compile(r"\{\{-?\s*(\.Run\.[A-Za-z]+|\.Build\.ID)\s*-?\}\}")
_RUN = re.compile(r"\.Run|\.Build|\bnow\b|\brand[A-Z]|\buuidv4\b")


def in_braces(text: str) -> str:
    """The text with every such word as a person reads it: `{run id}`."""
    return _WORD.sub(lambda match: f"{{run {match[1]}}}", text)


def depends_on_run(text: str) -> bool:
    """True if a template of the text makes something of what only a run knows."""
    return any(map(_RUN.search, _ACTION.findall(_PLAIN.sub("", text))))
