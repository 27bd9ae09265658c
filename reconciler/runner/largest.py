"""Which paths of a context make it large: folders where one is to blame, else files. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

COUNT = 5
_MOST_FILES = 50
# A folder that is nearly all one of its parts is told as that part.
_NEARLY_ALL = 0.9


class Largest:
    """Takes the files of a context one by one; then names its largest paths."""

    def __init__(self) -> None:
        self._folders: dict[str, int] = {}
        self._files: list[tuple[int, str]] = []

    def add(self, path: str, size: int) -> None:
        """Count a file; `path` is relative, with `/`."""
        folder = path
        while "/" in folder:
            folder = folder.rpartition("/")[0]
            self._folders[folder] = self._folders.get(folder, 0) + size
        push = heapq.heappush if len(self._files) < _MOST_FILES else heapq.heappushpop
        push(self._files, (size, path))

    def paths(self) -> list[tuple[str, int]]:
        """The largest paths and their bytes, the largest first; a folder ends with `/`."""
        top = heapq.nlargest(COUNT, ((size, path) for path, size in self._below("")))
        narrowed = (self._narrowed(path, size) for size, path in top)
        return sorted(narrowed, key=lambda one: (-one[1], one[0]))

    def _below(self, folder: str) -> Iterator[tuple[str, int]]:
        for path, size in self._folders.items():
            if path.rpartition("/")[0] == folder:
                yield f"{path}/", size
        for size, path in self._files:
            if path.rpartition("/")[0] == folder:
                yield path, size

    def _narrowed(self, path: str, size: int) -> tuple[str, int]:
        while path.endswith("/"):
            parts = list(self._below(path[:-1]))
            large = max(parts, key=lambda one: one[1], default=("", 0))
            if large[1] < size * _NEARLY_ALL:
                break
            path, size = large
        return path, size
