"""What a value holds under a name, and what is said where it holds nothing. Calls no function.

Read strictly, what is not there is an error where it is used; as ACR's engine does it, it is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.base.text import did_you_mean
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.template.bounds import Bounds
from reconciler.taskfile.template.govalues import Missing, plain_kind


class Closed(dict[str, Any]):
    """A map whose names are all known: another one is a mistake, even where it is asked about."""


class Lookup:
    """Finds names and items in values, in one manner. A value that can be called is made then."""

    def __init__(self, bounds: Bounds, *, strict: bool) -> None:
        self._bounds, self._strict = bounds, strict

    def missing(self, value: Missing, offset: int) -> Fault:
        """The fault of using a value that is not there."""
        fix = f"did you mean {value.near}?" if value.near else None
        name = value.path.rpartition(".")[2]
        fallback = f'give it (--set {name}=...), or write {{{{ {value.path} | default "..." }}}}'
        return self._bounds.fault(offset, f"{value.path} is not given", fix or fallback)

    def names(self, value: Any, names: tuple[str, ...], path: str, offset: int) -> Any:
        """The value under one name after the other; `path` is how the first value is written.

        Raises Fault where there is none to ask.
        """
        for name in names:
            value = self._name(value, name, path, offset)
            path = f"{path}.{name}"
        return value

    def _name(self, value: Any, name: str, path: str, offset: int) -> Any:
        if isinstance(value, Missing) and self._strict:
            raise self.missing(value, offset)
        if value is None or isinstance(value, Missing):
            raise self._bounds.fault(offset, f"{path} is not given and has no field {name}")
        if not isinstance(value, Mapping):
            message = f"{path or 'this'} is a {plain_kind(value)} and has no field {name}"
            raise self._bounds.fault(offset, message)
        return _made(value[name]) if name in value else self._unknown(value, name, path, offset)

    def _unknown(self, value: Mapping[str, Any], name: str, path: str, offset: int) -> Missing:
        near = did_you_mean(name, value)
        missing = Missing(f"{path}.{name}", f"{path}.{near}" if near else None)
        if self._strict and isinstance(value, Closed):
            allowed = ", ".join(f"{path}.{known}" for known in list(value)[:20]) or "nothing"
            fix = f"did you mean {missing.near}?" if near else f"known are {allowed}"
            if path == ".Secrets" and not near:
                fix = f"list it: secrets: [{{id: {name}, keyvault: https://VAULT/secrets/NAME}}]"
                fix += f"; what --set-secret gives is .Values.{name}"
            raise self._bounds.fault(offset, f"{missing.path} is not known", fix)
        return missing

    def pairs(self, value: Any, offset: int) -> Iterator[tuple[Any, Any]]:
        """What `range` goes over: a list with numbers from 0, or a map in the order of its keys.

        Raises Fault for anything else but nothing.
        """
        if isinstance(value, Missing):
            if self._strict:
                raise self.missing(value, offset)
        elif isinstance(value, list):
            yield from enumerate(value)
        elif isinstance(value, Mapping):
            yield from ((key, _made(value[key])) for key in sorted(value))
        elif value is not None:
            message = f"range cannot go over a {plain_kind(value)}"
            raise self._bounds.fault(offset, message, 'split a text: splitList "," ...')


def _made(value: Any) -> Any:
    return value() if callable(value) else value
