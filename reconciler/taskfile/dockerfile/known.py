"""Which variables of a stage have a value that the Dockerfile itself says. Reads no file.

A base image may set ENV of the same name: what is said here is what an honest one leaves.
https://docs.docker.com/reference/dockerfile/#environment-replacement
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.taskfile.dockerfile.instructions import Instruction
from reconciler.taskfile.dockerfile.shellpattern import Budget, ShellWordError
from reconciler.taskfile.dockerfile.shellreader import Reader
from reconciler.taskfile.dockerfile.shellwords import assignments

_BUDGET = 64 * 1024


def known_variables(
    before: Iterable[Instruction], build_args: Mapping[str, str], outer: Mapping[str, str]
) -> dict[str, str]:
    """Name and value after the instructions of a stage; ENV wins over ARG of the same name.

    `outer` are the ARGs before the first FROM, which an ARG without a value takes in.
    """
    arguments: dict[str, str] = {}
    settings: dict[str, str] = {}
    for item in before:
        if item.name not in {"ARG", "ENV"}:
            continue
        known = arguments | settings
        for word in assignments(item.arguments, escape="\\"):
            name, equals, value = word.partition("=")
            if item.name == "ENV":
                # The old form `ENV NAME VALUE` is left unknown.
                settings |= {name: resolved(value, known)} if equals else {}
            elif name in build_args:
                arguments[name] = build_args[name]
            elif equals:
                arguments[name] = resolved(value, known)
            elif name in outer:
                arguments[name] = outer[name]
    return {name: value for name, value in (arguments | settings).items() if "$" not in value}


def resolved(word: str, known: Mapping[str, str]) -> str:
    """The word with what is known put in; what is not stays as it is written, with its `$`."""
    try:
        reader = Reader(word, known, Budget(left=_BUDGET), keep_unset=True)
        return reader.until("").text()
    except ShellWordError:
        return "$"
