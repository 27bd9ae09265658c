"""Documents of kind Defaults: which are in force in a folder, and merging them into a task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from reconciler.base.canonical import digest
from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.source import Path, Source
from reconciler.base.yaml import RawDocument
from reconciler.loader.explain import explain
from reconciler.loader.files import TEMPLATE_SUFFIX, WorkspaceFiles, parse_bytes
from reconciler.model.step import STEP_KINDS

_WORD = b"Defaults"


@dataclass(frozen=True, slots=True)
class FolderDefaults:
    """One Defaults document: its file, its index in the file, and its metadata and spec."""

    file: str
    index: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chain:
    """The Defaults in force in a folder, from the root to the nearest, and what they make together.

    `broken`: one of them is wrong and left out, so what is missing in a task may be its fault.
    """

    layers: tuple[FolderDefaults, ...] = ()
    broken: bool = False
    merged: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Equal for chains that give a task the same: what they merge to, and if one is broken."""
        return digest([self.merged, self.broken]) if self.layers or self.broken else ""


class DefaultsReader:
    """Reads the Defaults of one folder after the other; what is wrong is in `diagnostics`."""

    def __init__(self, files: WorkspaceFiles) -> None:
        self.files = files
        self.diagnostics: list[Diagnostic] = []
        self.count = 0
        self._broken = False

    def extend(self, above: Chain, files: Iterable[tuple[str, bytes]]) -> Chain:
        """The chain of a folder: that of the folder above, and the Defaults in its own files.

        A file is its name and its bytes.
        """
        self._broken = above.broken
        own = [layer for name, data in files for layer in self._of_file(name, data)]
        return chain_of(above, own, broken=self._broken)

    def _of_file(self, file: str, data: bytes) -> Iterator[FolderDefaults]:
        if _WORD not in data or file.endswith(TEMPLATE_SUFFIX):
            return  # spares parsing every file twice
        documents, problems = parse_bytes(file, data)
        self._broken = self._broken or bool(problems)
        for index, document in enumerate(documents):
            if isinstance(document.value, dict) and document.value.get("kind") == "Defaults":
                yield from self._of_document(file, index, document)

    def _of_document(
        self, file: str, index: int, document: RawDocument
    ) -> Iterator[FolderDefaults]:
        # Late: the models of Defaults are made from those of tasks, which takes time.
        from reconciler.model.defaults import Defaults  # noqa: PLC0415

        self.count += 1
        source = Source(file, document.line, lambda path: self._place(file, index, path))
        try:
            Defaults.model_validate(document.value)
        except ValidationError as error:
            self.diagnostics += explain(error, Defaults, document.value, source, None)
            self._broken = True
            return
        values = {k: document.value[k] for k in ("metadata", "spec") if document.value.get(k)}
        yield FolderDefaults(file, index, values)

    def _place(self, file: str, index: int, path: Path) -> Location:
        return self.files.locate(file, index, path)[0]


def chain_of(above: Chain, own: list[FolderDefaults], *, broken: bool = False) -> Chain:
    """A chain with further layers, the nearest last."""
    if not own and broken == above.broken:
        return above
    merged = above.merged
    for layer in own:
        merged = _merge(merged, layer.values, ())
    return Chain((*above.layers, *own), broken or above.broken, merged)


def merge_defaults(document: dict[str, Any], chain: Chain) -> dict[str, Any]:
    """The document over its defaults: maps merge, lists and scalars replace, the nearest wins.

    Nothing that was passed in is changed.
    """
    return _merge(chain.merged, document, ()) if chain.layers else document


def _merge(below: dict[str, Any], above: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    result = dict(below)
    if path == ("spec", "step"):
        # Another kind of step replaces the default kind: a task has exactly one.
        kinds = STEP_KINDS.keys() & above.keys()
        result = {key: value for key, value in result.items() if not kinds or key in kinds}
    for key, value in above.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            result[key] = _merge(old, value, (*path, key))
        else:
            result[key] = value
    return result
