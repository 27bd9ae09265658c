"""Who wrote the lines that changed fields come from: asked of Git, each file once, and bounded.

Of more files than `EXACT_FILES` only the last change of a file is told, and told as that.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.adapters.git.blame import Authors as LineAuthors
from reconciler.adapters.git.blame import Lines, authors_of_lines, latest_of
from reconciler.adapters.git.checkout import Commit, changed_files, last_changes
from reconciler.base.encoding import YamlError, decode
from reconciler.base.source import RENDERED
from reconciler.base.text import as_text
from reconciler.loader.workspace import WORKSPACE_FILE
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.change import FieldChange
from reconciler.plan.parts import Blame, Of

# Each costs a start of Git: 200 of them half a second.
EXACT_FILES = 200


@dataclass(slots=True, eq=False)
class Authors:
    """Answers who wrote lines. `prepare` asks Git once for all that will be asked."""

    opened: OpenWorkspace
    _asked: set[str] = field(default_factory=set)
    _lines: dict[str, LineAuthors] = field(default_factory=dict)
    _files: dict[str, Commit] = field(default_factory=dict)
    _dirty: set[str] = field(default_factory=set)
    _texts: dict[str, list[str]] = field(default_factory=dict)

    def choose(self, files: Iterable[str]) -> set[str]:
        """Of some files, those that matter most first, the ones whose lines are asked for."""
        self._asked = set(itertools.islice(dict.fromkeys(files), EXACT_FILES))
        return self._asked

    def prepare(self, spans: Mapping[str, Iterable[Lines]], whole: Iterable[str]) -> None:
        """Ask for lines of chosen files, and for the last change of `whole` files.

        Files are plain names below the root.
        """
        self._lines = authors_of_lines(self.opened.root, spans)
        rest = {*spans, *whole} - self._lines.keys()
        if rest:
            self._dirty = changed_files(self.opened.root)
            self._files = last_changes(self.opened.root, rest - self._dirty)

    def of_lines(self, file: str, lines: Callable[[], Lines]) -> Blame | None:
        """Who wrote some lines of a file: of several the one who did it last.

        `lines` is only asked for those of a chosen file.
        """
        name = _plain(file)
        authors = self._lines.get(name)
        if file.endswith(RENDERED) or name not in self._asked:
            return self.of_file(name)
        if authors is None:  # Git does not know the file, not a line of it
            return Blame(uncommitted=True) if name in self._dirty else self.of_file(name)
        first, last = lines()
        found = [authors[number] for number in range(first, last + 1) if number in authors]
        if not found:
            return None  # a shallow clone cut it off
        if None in found:
            return Blame(uncommitted=True)
        return _blame(latest_of(self.opened.root, filter(None, found)), "line")

    def of_file(self, name: str) -> Blame | None:
        """Who changed a file last."""
        commit = self._files.get(name)
        if commit is None:
            return Blame(of="file", uncommitted=True) if name in self._dirty else None
        return _blame(commit, "file")

    # ------------------------------------------------------------------ extent
    def span(self, field_: FieldChange) -> Lines:
        """The lines of a field's value: a text may have many."""
        if field_.cause == "variables":
            return self.read_anew(str(field_.origin))
        file, line, column = str(field_.origin).rsplit(":", 2)
        is_item = field_.path.rpartition(".")[2].isdigit()
        # What goes on stands further in than a key, or at least as far in as an item.
        least = int(column) - (1 if is_item else 0)
        return int(line), self._end(_plain(file), int(line), least)

    def read_anew(self, origin: str) -> Lines:
        """The lines of what a template reads: one variable, or a document of Defaults."""
        file, line, _ = origin.rsplit(":", 2)
        is_variable = file == WORKSPACE_FILE
        return (int(line), int(line)) if is_variable else self.document(file, int(line))

    def document(self, file: str, line: int) -> Lines:
        """The lines of a document that starts at a line."""
        lines = self._text(file)
        for number in range(line, len(lines)):
            if lines[number].startswith("---"):
                return line, max(number, line)
        return line, max(len(lines), line)

    def _end(self, file: str, line: int, least: int) -> int:
        last, lines = line, self._text(file)
        for number in range(line, len(lines)):
            text = lines[number]
            if not text.strip():
                continue
            if len(text) - len(text.lstrip(" ")) < least:
                break
            last = number + 1
        return last

    def _text(self, file: str) -> list[str]:
        if file not in self._texts:
            try:
                text = decode(self.opened.files.read(file))
            except YamlError:
                text = ""
            self._texts[file] = text.rstrip("\n").split("\n")
        return self._texts[file]


def _plain(file: str) -> str:
    return file.removesuffix(RENDERED)


def _blame(commit: Commit, of: Of) -> Blame:
    return Blame(of=of, commit=commit.id, author=as_text(commit.author), committed=commit.time)
