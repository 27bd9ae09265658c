"""Which tasks a plan is for: by address, name, label, owner, registry, or by changed files. Pure.

`web-*`, `contoso/web-*`, `label:tier=prod`, `label:tier`, `owner:team-web`, `registry:contoso`: `*`
and `?` stand for any letters in all of them. A selector that fits no task is an error, not a plan
that says nothing.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.base.errors import WrongUsage
from reconciler.base.source import RENDERED
from reconciler.base.text import did_you_mean, one_line
from reconciler.plan.parts import PlanModel

KINDS = ("label", "owner", "registry")


class LeftOutBase(PlanModel):
    """A task that was left out and differs, though chosen tasks (`needed_by`) build on it."""

    address: str
    needed_by: tuple[str, ...]


class LeftOut(PlanModel):
    """What a plan was made for, and how much of the workspace it does not tell of.

    `tasks` are all that were not chosen; `differing` of them are not as their specs say, or are
    not declared any more. `since_commit` is the commit that changes were counted from.
    """

    target: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    since: str | None = None
    since_commit: str | None = None
    tasks: int = 0
    differing: int = 0
    bases: tuple[LeftOutBase, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What selectors ask of a task. `addresses`: with the former one of a rename."""

    addresses: tuple[str, ...]
    owner: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector as it was written, taken apart. `kind` is "" for an address or a name."""

    option: str
    text: str
    kind: str
    pattern: str

    def fits(self, facts: Facts) -> bool:
        """True if a task is meant."""
        return any(fnmatch.fnmatchcase(name, self.pattern) for name in self.names(facts))

    def names(self, facts: Facts) -> Iterable[str]:
        """What this selector looks at, of one task."""
        if self.kind == "owner":
            return (facts.owner,) if facts.owner else ()
        if self.kind == "registry":
            return (one.partition("/")[0] for one in facts.addresses)
        if self.kind == "label":
            with_value = "=" in self.pattern
            return (f"{key}={text}" if with_value else key for key, text in facts.labels.items())
        return (name for one in facts.addresses for name in (one, one.partition("/")[2]))


def parse_selector(option: str, text: str) -> Selector:
    """A selector of an option such as `--target`. Raises WrongUsage."""
    kind, colon, pattern = text.partition(":")
    if not colon:
        kind, pattern = "", text
    elif kind not in KINDS:
        near = did_you_mean(kind, KINDS)
        raise WrongUsage(
            f"{option} {one_line(text, 80)}: there is no selector {one_line(kind, 40)!r}",
            details=[
                ("allowed", "a name or an address, label:KEY=VALUE, owner:NAME, registry:NAME")
            ],
            hint=f"did you mean {near}:{one_line(pattern, 60)}?" if near else None,
        )
    if not pattern:
        raise WrongUsage(f"{option} {one_line(text, 80)!r} names nothing", hint="use * for all")
    return Selector(option, text, kind, pattern)


@dataclass(frozen=True, slots=True)
class Since:
    """What changed since a commit: files, and folders whose Defaults did. All below the root.

    `last_names` tells of files that are gone under which name they were there last.
    """

    ref: str
    commit: str
    files: frozenset[str]
    folders: frozenset[str]
    last_names: Callable[[Iterable[str]], Mapping[str, str]] = lambda _files: {}

    def moved(self, files: Iterable[str]) -> Mapping[str, str]:
        """The last names of the files of tasks that are gone, as far as they alone tell more."""
        return self.last_names({plain_file(file) for file in files if not self.touches(file)})

    def touches(self, file: str | None) -> bool:
        """True if a task of a file may be another one than it was then."""
        if file is None:
            return False
        plain = plain_file(file)
        above = plain.split("/")[:-1]
        return plain in self.files or any(
            "/".join(above[:depth]) in self.folders for depth in range(1, len(above) + 1)
        )


def plain_file(file: str | None) -> str:
    """The file that a task stands in, without the word that its text is rendered."""
    return (file or "").removesuffix(RENDERED)


@dataclass(frozen=True, slots=True)
class Selection:
    """Targets (any of them), without what is excluded (by any), of what changed since a commit."""

    targets: tuple[Selector, ...] = ()
    excludes: tuple[Selector, ...] = ()
    since: Since | None = None

    def __bool__(self) -> bool:
        return bool(self.targets or self.excludes or self.since)

    def selects(self, facts: Facts) -> bool:
        """True if a plan tells of a task."""
        return (
            (not self.targets or any(one.fits(facts) for one in self.targets))
            and not any(one.fits(facts) for one in self.excludes)
            and (self.since is None or self.since.touches(facts.file))
        )


@dataclass(slots=True)
class Hits:
    """Notes which selectors fit something, and what they might have meant. `among`: of what."""

    selection: Selection
    among: str = "what is declared, was applied, or is live"
    _open: list[Selector] = field(init=False)
    _near: dict[Selector, set[str]] = field(init=False)

    def __post_init__(self) -> None:
        self._open = [*self.selection.targets, *self.selection.excludes]
        self._near = {one: set() for one in self._open}

    def see(self, facts: Facts) -> None:
        """Look at one task, chosen or not."""
        for selector in [one for one in self._open if one.fits(facts)]:
            self._open.remove(selector)
        for selector in self._open:
            self._near[selector].update(selector.names(facts))

    def refuse_misses(self) -> None:
        """Raises WrongUsage if a selector fits no task at all."""
        if not self._open:
            return
        missed = self._open[0]
        near = did_you_mean(missed.pattern, sorted(self._near[missed]))
        kind = f"{missed.kind}:" if missed.kind else ""
        raise WrongUsage(
            f"{missed.option} {one_line(missed.text, 80)} fits no task",
            details=[("looked at", self.among)],
            hint=f"did you mean {kind}{one_line(near, 80)}?"
            if near
            else "reconciler tasks lists what is live",
        )
