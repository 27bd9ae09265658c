"""Who took a line away: the newest change since the last apply whose removed lines held it.

A guess by words, the key and its value; what no patch held is told by the last change of the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from reconciler.adapters.git.removed import Patch, patches
from reconciler.adapters.git.revisions import files_with_word
from reconciler.base.text import as_text
from reconciler.loader.kinds import SPEC_FOLDER
from reconciler.operations.planning.history import History
from reconciler.plan.change import FieldChange
from reconciler.plan.parts import Blame

# Files whose patches are read for one revision, and revisions: what goes beyond is told by file.
_MOST_FILES, _MOST_REVISIONS = 200, 20


@dataclass(frozen=True, slots=True)
class Gone:
    """Something that no file says any more: a key or an item, spellings of its last value.

    `file` is that of its task, `since` the commit it was applied from, where that is known.
    """

    key: str | None
    values: tuple[str, ...]
    file: str
    since: str | None
    inherits: bool = True

    def weight(self, patch: Patch) -> int:
        """0: this patch did not take it away; 1: it took a key of this name; 2: the value too."""
        value = "|".join(map(re.escape, self.values))
        if value and _lost(patch, rf"{_key(self.key)}.*(?:{value})"):
            return 2
        return 1 if self.key is not None and _lost(patch, _key(self.key)) else 0


def gone_field(field: FieldChange, file: str, since: str | None) -> Gone:
    """A field that is written no longer; `file` is that of its task."""
    last = field.path.rpartition(".")[2]
    return Gone(None if last.isdigit() else last, _spellings(field.before), file, since)


def gone_task(name: str, file: str, since: str | None) -> Gone:
    """A task that is declared no longer."""
    return Gone("name", (name,), file, since, inherits=False)


def removals(history: History, asked: Iterable[Gone]) -> dict[Gone, Blame]:
    """Who took each away; those of which nobody knows lack."""
    found: dict[Gone, Blame] = {}
    by_revision: dict[str | None, list[Gone]] = {}
    for one in asked:
        by_revision.setdefault(one.since, []).append(one)
    for since, heap in list(by_revision.items())[:_MOST_REVISIONS]:
        found.update(_of_revision(history, since, heap))
    return found


def _of_revision(
    history: History, since: str | None, heap: list[Gone]
) -> Iterator[tuple[Gone, Blame]]:
    changed = history.changed_since(since) if since is not None else None
    above = _defaults(history, since, changed) if since is not None and changed else set()
    files = {
        one: {one.file, *(name for name in above if one.inherits and bears_on(one.file, name))}
        for one in heap
    }
    wanted = sorted(set().union(*files.values()))[:_MOST_FILES]
    known = since if changed is not None else None
    best: dict[Gone, tuple[int, Patch]] = {}
    for patch in patches(history.opened.root, wanted, known):
        for one in heap:
            have = best[one][0] if one in best else 0
            if have < 2 and patch.file in files[one] and (weight := one.weight(patch)) > have:
                best[one] = (weight, patch)
        if all(best.get(one, (0,))[0] == 2 for one in heap):
            break
    for one, (_, patch) in best.items():
        yield one, _blame(patch)


def _defaults(history: History, since: str, changed: set[str]) -> set[str]:
    """The files that changed and held Defaults."""
    return changed & files_with_word(history.opened.root, since, "Defaults", SPEC_FOLDER)


def bears_on(spec: str, other: str) -> bool:
    """True if a file may say something about a spec: YAML in its folder or above."""
    place = PurePosixPath(other)
    return place.suffix in {".yaml", ".yml", ".j2"} and PurePosixPath(spec).is_relative_to(
        place.parent
    )


def _key(key: str | None) -> str:
    return rf"(?:^|[\s{{,]|- )[\"']?{re.escape(key)}[\"']?\s*:" if key is not None else ""


def _spellings(value: Any) -> tuple[str, ...]:
    if value is None or isinstance(value, dict | list):
        return ()
    return tuple(sorted({str(value), json.dumps(value, ensure_ascii=False)}))


def _lost(patch: Patch, pattern: str) -> bool:
    """True if more lines with a pattern were removed than added."""
    found = re.compile(pattern)
    before = sum(found.search(line) is not None for line in patch.removed)
    return before > sum(found.search(line) is not None for line in patch.added)


def _blame(patch: Patch) -> Blame:
    file, commit = as_text(patch.file), patch.commit
    if commit is None:
        return Blame(of="removal", file=file, uncommitted=True)
    return Blame(
        of="removal",
        file=file,
        commit=commit.id,
        author=as_text(commit.author),
        committed=commit.time,
    )
