"""The text of a task file with its aliases replaced, in either manner. Reads no alias block.

Source of the rules:
https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-aliases
"""

from __future__ import annotations

import re

from reconciler.taskfile.faults import Fault, place
from reconciler.taskfile.file.alias import PREDEFINED, Aliases
from reconciler.taskfile.file.preparation import HELD_HASH
from reconciler.taskfile.findings import Findings
from reconciler.taskfile.template.functions.kit import MAX_TEXT
from reconciler.taskfile.trace import Piece, Traced, rebuilt

_PREDEFINED = re.compile(
    rf"{HELD_HASH}[^\n]*|(?P<name>(?<!\$)\$(?:{'|'.join(PREDEFINED)}))(?![A-Za-z0-9])"
)
_MOST_UNKNOWN = 50  # as many as anybody reads


def expand(source: Traced, aliases: Aliases, findings: Findings) -> Traced:
    """The text with `$name` replaced; `$$` is `$`, and what follows it stays as it is.

    Values are not expanded again. Read strictly, unknown names are errors, and what stands in
    `{{ }}` is left to the template.
    """
    mark = aliases.directive
    action = r"|(?P<action>\{\{)" if findings.strict else ""
    pattern = re.compile(
        rf"{HELD_HASH}[^\n]*{action}|{re.escape(mark)}(?:(?P<twice>{re.escape(mark)})|(?P<name>[A-Za-z0-9]+))",
        re.DOTALL,
    )
    text, pieces, copied, at, length = source.text, list[Piece](), 0, 0, 0
    unknown = 0
    while match := pattern.search(text, at):
        at = match.end()
        if match.groupdict().get("action"):
            at = _action_end(text, at)
            continue
        new = mark if match["twice"] else aliases.values.get(match["name"] or "")
        if new is not None:
            pieces.append(Piece(text[copied : match.start()], copied, copied=True))
            pieces.append(Piece(new, match.start(), copied=False))
            copied, length = at, length + len(new)
            _check_length(length, source, match)
        elif match["name"]:
            unknown += 1
            if unknown <= _MOST_UNKNOWN:
                _unknown(match, source, aliases, findings)
            # A mark right after an unknown name stays, and so does the word behind it.
            at += text.startswith(mark, at)
    pieces.append(Piece(text[copied:], copied, copied=True))
    return rebuilt(source, pieces)


def _action_end(text: str, at: int) -> int:
    end = text.find("}}", at)
    return len(text) if end < 0 else end


def _check_length(length: int, source: Traced, match: re.Match[str]) -> None:
    if length > MAX_TEXT:
        message = f"aliases make the text longer than {MAX_TEXT:,} characters"
        raise Fault(message, *place(source.text, match.start()))


def _unknown(match: re.Match[str], source: Traced, aliases: Aliases, findings: Findings) -> None:
    name, mark = match["name"], aliases.directive
    near = findings.suggestion(name, aliases.values)
    fix = f"write {mark}{mark}{name} for the text {mark}{name}" + (f"; {near}" if near else "")
    at = Fault("", *place(source.text, match.start()))
    found = f"{mark}{name}"
    if findings.strict:
        findings.error(at, f"unknown alias {found}", found=found, fix=fix)
    else:
        findings.warn(at, f"unknown alias {found}: it stays as it is", found=found, fix=fix)


def tell_unexpanded(source: Traced, findings: Findings) -> None:
    """Warn of predefined aliases in a text whose version has none."""
    told: set[str] = set()
    for match in _PREDEFINED.finditer(source.text):
        found = match["name"]
        if found and found not in told:
            told.add(found)
            at = Fault("", *place(source.text, match.start()))
            fix = "write version: v1.1.0 for the alias"
            findings.warn(at, f"{found} stays as it is: this version has no aliases", fix=fix)
