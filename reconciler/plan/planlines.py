"""A plan as lines of JSON: one for each key, and for each item of a list. Pure; nothing is sealed.

Nobody holds the text of a whole plan: it may be of a hundred thousand tasks. Only printable ASCII
is written, and no two `#` in a row: a hostile name does nothing to the terminal of who looks at it,
and is no command to a CI service.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from reconciler.base.canonical import digest_of_lines
from reconciler.plan.change import Change, Plan
from reconciler.plan.parts import Frozen

OPENING = "{\n"
_NOT_PLAIN = re.compile(r"[^\x20-\x7e]|(?<=#)#")
_Item = TypeAdapter[Any]
_ONLY_TOLD = (
    "drift",
    "known_drift",
    "releases",
    "unknown_releases",
    "timers",
    "rebuilds",
    "inherited",
    "unmanaged",
    "looks_like_renames",
)


def plan_lines(plan: Plan) -> Iterator[str]:
    """The lines of a plan but for the last ones: who writes them adds keys, and the brace."""
    yield OPENING
    for name in Plan.model_fields:
        yield from key_lines(name, getattr(plan, name))


def key_lines(name: str, value: Any, end: str = ",\n") -> Iterator[str]:
    """The lines of one key. `end` is what follows its value."""
    if not isinstance(value, tuple | list) or not value:
        yield f'"{name}": {json_text(value)}{end}'
        return
    yield f'"{name}": [\n'
    last = len(value) - 1
    for number, item in enumerate(value):
        yield json_text(item) + (",\n" if number < last else "\n")
    yield f"]{end}"


def json_text(value: Any) -> str:
    """A part of a plan as JSON on one line."""
    if isinstance(value, Change):
        return change_json(value)
    return _plain(to_json(value).decode())


def change_json(change: Change) -> str:
    """A change as JSON: its documents are put in as the text they are."""
    small = {
        "address": change.address,
        "action": change.action,
        "previous_address": change.previous_address,
        "adopts": change.adopts,
        "unreadable": change.unreadable,
        "paths": change.paths,
        "file": change.file,
        "cause": change.cause,
        "live_hash": change.live_hash,
        "bases": change.bases,
        "tracks": change.tracks,
        "depends_on": change.depends_on,
        "drift_left": change.drift_left,
    }
    documents = f',"base":{_text(change.base)},"target":{_text(change.target)}'
    return _plain(f'{to_json(small).decode()[:-1]}{documents},"applied":{_text(change.applied)}}}')


def read_change(text: str) -> Change:
    """The change of `change_json`. Raises ValueError."""
    found: Change = item_adapter("changes").validate_python(from_json(text))
    return found


def kept_part(plan: Plan) -> Plan:
    """What the journal of an apply keeps of a plan: all but what only a reviewer reads."""
    kept: Plan = plan.model_copy(update=dict.fromkeys(_ONLY_TOLD, ()))
    return kept


def plan_digest(plan: Plan) -> str:
    """Digest of everything in the plan."""
    return digest_of_lines(plan_lines(plan))


@functools.cache
def item_adapter(name: str) -> _Item:
    """What reads an item of one of the plan's lists. Raises KeyError, IndexError."""
    return TypeAdapter(get_args(Plan.model_fields[name].annotation)[0])


def in_chunks(lines: Iterable[str], size: int = 1 << 16) -> Iterator[str]:
    """The same text in pieces of about `size` characters: one write for each is enough."""
    held, length = list[str](), 0
    for line in lines:
        held.append(line)
        length += len(line)
        if length >= size:
            yield "".join(held)
            held, length = [], 0
    yield "".join(held)


def _text(document: Frozen | None) -> str:
    return "null" if document is None else document.text


def _plain(text: str) -> str:
    if text.isascii() and text.isprintable() and "##" not in text:
        return text
    return _NOT_PLAIN.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
