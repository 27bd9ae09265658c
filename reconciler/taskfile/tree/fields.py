"""Reads the fields of one map by name and kind; notes what is of the wrong kind. Keeps no state.

Source of the rules: section "Task properties" of
https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from reconciler.taskfile.findings import Findings
from reconciler.taskfile.tree.keys import check_keys
from reconciler.taskfile.tree.nodes import Mapping, Node, Scalar, Sequence, is_null, kind_name
from reconciler.taskfile.tree.scalars import switch, whole_number

MAX_SECONDS = 28_800  # the longest that a run may last
MAX_TRIES = MAX_SECONDS  # nobody waits for more than one each second


class Fields:
    """One map of the file. Getters return None (or an empty tuple) where nothing is written."""

    def __init__(
        self,
        mapping: Mapping,
        findings: Findings,
        known: Iterable[str],
        what: str,
        reveal: Callable[[str], str],
    ) -> None:
        self.mapping = mapping
        self._findings = findings
        self._reveal = reveal
        check_keys(mapping, tuple(known), what, findings)

    def place(self, key: str) -> Scalar | Mapping:
        """Where a key stands, else where the map starts."""
        return self.mapping.keys.get(key, self.mapping)

    def has(self, key: str) -> bool:
        """True if the key is written with a value."""
        return self.mapping.get(key) is not None

    def scalar(self, key: str) -> Scalar | None:
        """A text as it is written, secrets not yet in it."""
        node = self.mapping.get(key)
        if node is None or isinstance(node, Scalar):
            self._refuse_nul(key, node)
            return node
        self._wrong_kind(key, node, "a text")
        return None

    def _refuse_nul(self, key: str, node: Scalar | None) -> None:
        """No program can be given one: words and variables end there."""
        if node is not None and "\0" in node.text:
            self._findings.doubt(node, f'"{key}" holds a NUL character', fix="remove it")

    def text(self, key: str) -> str | None:
        """A text that may be secret."""
        node = self.scalar(key)
        return None if node is None else self._reveal(node.text)

    def word(self, key: str) -> str | None:
        """A text that should hold no secret, for it is shown to everybody."""
        node = self.scalar(key)
        return None if node is None else self._public(key, node)

    def words(self, key: str) -> tuple[str, ...]:
        """A list of such texts."""
        return tuple(self._public(key, node) for node in self.scalars(key))

    def _public(self, key: str, node: Scalar) -> str:
        text = self._reveal(node.text)
        if text != node.text:
            fix = "secrets belong in env or volumes"
            self._findings.doubt(node, f'"{key}" holds a secret', fix=fix)
        return text

    def whole(self, key: str, most: int = 2**63 - 1) -> int | None:
        """A whole number. `most` is what a fix may tell somebody to write; it limits nothing."""
        node = self.mapping.get(key)
        return None if node is None else self._whole(key, node, most)

    def tries(self, key: str) -> int:
        """How often something is tried again; 0 where nothing is written."""
        found = self.whole(key, MAX_TRIES) or 0
        at = self.mapping.get(key) or self.mapping
        if found < 0:
            self._findings.error(at, f'"{key}" cannot be negative', fix="write 0")
        if found > MAX_TRIES:
            message, fix = f'"{key}" is more often than any run can', f"write at most {MAX_TRIES}"
            self._findings.doubt(at, message, found=str(found), fix=fix)
        return max(found, 0)

    def seconds(self, key: str) -> int:
        """A whole number of seconds, at most as many as a run lasts; 0 where nothing is written."""
        found = self.whole(key, MAX_SECONDS) or 0
        if found > MAX_SECONDS:
            fix = f"write at most {MAX_SECONDS}"
            at = self.mapping.get(key) or self.mapping
            self._findings.doubt(at, f'"{key}" is longer than any run', found=str(found), fix=fix)
        return min(found, MAX_SECONDS)

    def _whole(self, key: str, node: Node, most: int = 2**63 - 1) -> int | None:
        found = whole_number(node, lenient=False) if isinstance(node, Scalar) else None
        if found is None and isinstance(node, Scalar) and not self._findings.strict:
            found = whole_number(node, lenient=True)
            self._tell_reading(key, node, found)
        if found is None:
            self._wrong_kind(key, node, "a whole number, without quotes or unit", most)
        return found

    def _tell_reading(self, key: str, node: Scalar, found: int | bool | None) -> None:
        """ACR's engine makes something of it that not everybody expects."""
        if found is not None:
            meant = str(found).lower()
            message = f'"{key}" is read as {meant}'
            self._findings.warn(node, message, found=node.text, fix=f"write {meant}")

    def flag(self, key: str) -> bool:
        """A switch; absent is false."""
        node = self.mapping.get(key)
        if node is None:
            return False
        found = switch(node, lenient=False) if isinstance(node, Scalar) else None
        if found is None and isinstance(node, Scalar) and not self._findings.strict:
            found = switch(node, lenient=True)
            self._tell_reading(key, node, found)
        if found is None:
            self._wrong_kind(key, node, "true or false")
        return bool(found)

    def items(self, key: str) -> list[Node]:
        """A list of anything but nothing."""
        found = self._list(key)
        for item in found:
            if is_null(item):
                self._findings.error(item, f'an item of "{key}" is empty', fix="remove it")
        return [item for item in found if not is_null(item)]

    def _list(self, key: str) -> list[Node]:
        node = self.mapping.get(key)
        if node is None or isinstance(node, Sequence):
            return [] if node is None else node.items
        self._wrong_kind(key, node, "a list")
        return []

    def scalars(self, key: str) -> tuple[Scalar, ...]:
        """A list of texts as they are written, secrets not yet in them."""
        found = [item for item in self._list(key) if isinstance(item, Scalar)]
        for item in self._list(key):
            if not isinstance(item, Scalar):
                self._wrong_kind(key, item, "a list of texts")
            elif "\0" in item.text:
                self._refuse_nul(key, item)
            elif item.is_null:
                # Nothing is an empty text for ACR's engine.
                self._findings.doubt(item, f'an item of "{key}" is empty', fix="remove it")
        return tuple(replace(item, text="") if item.is_null else item for item in found)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(self._reveal(item.text) for item in self.scalars(key))

    def wholes(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        found = (self._whole(key, item) for item in self.items(key))
        return tuple(number for number in found if number is not None)

    def maps(self, key: str) -> list[Mapping]:
        """A list of maps."""
        found = self.items(key)
        for item in found:
            if not isinstance(item, Mapping):
                self._wrong_kind(key, item, "a list of maps")
        return [item for item in found if isinstance(item, Mapping)]

    def map(self, key: str) -> Mapping | None:
        """A map."""
        node = self.mapping.get(key)
        if node is None or isinstance(node, Mapping):
            return node
        self._wrong_kind(key, node, "a map")
        return None

    def _wrong_kind(self, key: str, node: Node, allowed: str, most: int = 0) -> None:
        found = node.text if isinstance(node, Scalar) else kind_name(node)
        fix = _KIND_FIXES.get(allowed)
        if isinstance(node, Scalar) and "number" in allowed:
            meant = _meant(node)
            fix = "write digits" if meant is None else f"write {key}: {min(meant, most)}"
            if not node.plain:
                found, fix = f'"{node.text}"', "remove the quotes"
        self._findings.error(
            node, f'"{key}" is of the wrong kind', found=found, allowed=allowed, fix=fix
        )


def _meant(node: Scalar) -> int | None:
    """The number that somebody seems to have meant: `0x10`, `1.5`, `30s`, `5m`."""
    unit = _WITH_UNIT.fullmatch(node.text)
    if unit:
        return int(unit[1]) * _UNITS[unit[2][:1].lower()]
    return whole_number(replace(node, plain=True), lenient=True)


_WITH_UNIT = re.compile(r"\s*([0-9]{1,15})\s*([sSmMhH]|sec|seconds?|min|minutes?|hours?)\s*")
_UNITS = {"s": 1, "m": 60, "h": 3600}
_KIND_FIXES = {
    "a text": "write it as one text",
    "true or false": "write true or false, without quotes",
    "a list": "write it as a list: [...]",
    "a list of texts": "write it as a list: [...]",
    "a list of maps": "write each item as a map: - {NAME: value}",
    "a map": "write it as a map: {NAME: value}",
}
