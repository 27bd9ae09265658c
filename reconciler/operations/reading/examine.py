"""One spec file: read, checked and judged, to an entry of plain values. Depends on nothing else.

An entry is what the pass over all specs needs of a file in which nothing is wrong and of tasks that
are everywhere as declared. It is small, it can be kept by the bytes of the file, and it comes from
another process as it comes from the index.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from typing import Any

from reconciler.base.canonical import canonical_json
from reconciler.base.diagnostics import Diagnostic
from reconciler.base.source import Located
from reconciler.loader.crosscheck import TaskFacts, facts_of
from reconciler.loader.spec_file import SpecReading
from reconciler.loader.specs import SpecReader
from reconciler.loader.taskcheck import TaskCheck
from reconciler.loader.walk import SpecFile
from reconciler.model.task import Task
from reconciler.plan.declared import NewTask
from reconciler.plan.normalise import canonical_document
from reconciler.plan.parts import Frozen
from reconciler.policy.evaluate import RuleSet, Status, Verdict, hold_until, judge
from reconciler.policy.rule import Finding, Subject

# Raise it when an entry gets another form or meaning: the index then starts anew.
ENTRY_VERSION = 5

_LETTERS = {
    Status.PASS: "p",
    Status.FAIL: "f",
    Status.NOT_APPLICABLE: "n",
    Status.ERROR: "e",
}
_STATUSES = {letter: status for status, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One task of a file: its place, what is compared with others, its verdicts.

    `digest` is of the canonical document. `letters` has one for each rule, in their order;
    `findings` are those of single rules, by their number. `minding` is what of a document with a
    trigger for base images that is on decides whom it builds anew; empty for all others.
    """

    index: int
    line: int
    digest: str
    facts: TaskFacts
    letters: str
    findings: tuple[tuple[int, tuple[Finding, ...]], ...] = ()
    minding: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file comes to. `rows` are its entries as plain values; they hold `since` the day they
    were judged on, up to the day `until`: a clock may also go back.

    `new` are the tasks as a plan tells them that creates them, one for each entry, where asked for.
    """

    rows: Sequence[Sequence[Any]]
    since: date
    until: date
    specs: int
    diagnostics: tuple[Diagnostic, ...] = ()
    rendered: str | None = None
    new: tuple[NewTask, ...] = ()


@dataclass(frozen=True, slots=True)
class Examiner:
    """Reads, checks and judges files of one workspace on one day.

    `for_plan`: what a plan tells of new tasks is wanted too.
    """

    reader: SpecReader
    check: TaskCheck
    rules: RuleSet
    today: date
    for_plan: bool = False

    def __call__(self, files: Sequence[SpecFile]) -> list[Examined]:
        """What each of some files comes to."""
        return [self.examine(file) for file in files]

    def examine(self, file: SpecFile) -> Examined:
        """What a file comes to."""
        reading = self.reader.read(file)
        wrong = [item for _, task in reading.tasks for item in self.check.problems(task)]
        until, rows, new = date.max, [], list[NewTask]()
        for index, located in self._usable(reading):
            task = NewTask.of(located) if self.for_plan else NewTask(_document(located))
            row, end = self._row(index, located, task.document)
            rows.append(row)
            new.append(task)
            until = min(until, end)
        return Examined(
            rows,
            self.today,
            until,
            reading.specs,
            (*reading.diagnostics, *wrong),
            reading.rendered,
            tuple(new) if self.for_plan else (),
        )

    def _usable(self, reading: SpecReading) -> Iterator[tuple[int, Located[Task]]]:
        """Tasks whose registry is known: nothing can be said of the others."""
        for index, located in reading.tasks:
            if self.check.workspace.registry(located.value.metadata.registry) is not None:
                yield index, located

    def _row(self, index: int, located: Located[Task], document: Frozen) -> tuple[list[Any], date]:
        task = located.value
        verdicts = judge(self.rules, task, Subject.of(task), self.today)
        found = [
            [number, [astuple(finding) for finding in verdict.findings]]
            for number, verdict in enumerate(verdicts)
            if verdict.findings
        ]
        facts = facts_of(task, self.check.workspace)
        row = [
            index,
            located.source.line,
            document.digest,
            *(facts.address, facts.owner, facts.labels),
            *(facts.moved_from, facts.outputs, facts.shared, facts.demand),
            "".join([_LETTERS[verdict.status] for verdict in verdicts]),
            found,
            _minding(task, document),
        ]
        return row, hold_until(self.rules, task, verdicts, self.today)


def _document(located: Located[Task]) -> Frozen:
    return Frozen.of(canonical_document(located.value))


def _minding(task: Task, frozen: Frozen) -> str:
    trigger = task.spec.triggers.base_image
    if trigger is None or task.spec.status != "Enabled" or trigger.status != "Enabled":
        return ""
    document = frozen.read()
    spec, metadata = document["spec"], document["metadata"]
    kept = {key: spec[key] for key in ("step", "platform", "compat") if key in spec}
    kept["context"] = {"source": spec["context"]["source"]}
    kept["triggers"] = {"baseImage": spec["triggers"]["baseImage"]}
    named = {key: metadata[key] for key in ("registry", "name")}
    head = {"apiVersion": document["apiVersion"], "kind": document["kind"]}
    return canonical_json({**head, "metadata": named, "spec": kept})


def entries_of(rows: Iterable[Sequence[Any]]) -> Iterator[Entry]:
    """The entries of a file, from its rows."""
    for row in rows:
        index, line, digest, address, owner, labels, former, outputs, shared, *told = row
        demand, letters, found, minding = told
        facts = TaskFacts(address, owner, labels, tuple(former), tuple(outputs), shared, demand)
        yield Entry(index, line, digest, facts, letters, _findings(found) if found else (), minding)


def _findings(rows: Any) -> tuple[tuple[int, tuple[Finding, ...]], ...]:
    return tuple(
        (number, tuple(Finding(tuple(path), *rest) for path, *rest in findings))
        for number, findings in rows
    )


def verdicts_of(rules: RuleSet, entry: Entry) -> tuple[Verdict, ...]:
    """The verdicts of an entry, as judging gave them."""
    found = dict(entry.findings)
    return tuple(
        Verdict(rule.id, _STATUSES[letter], found.get(number, ()))
        for number, (rule, letter) in enumerate(zip(rules.rules, entry.letters, strict=True))
    )


@functools.lru_cache(maxsize=1024)
def words_of(letters: str) -> tuple[str, ...]:
    """The words that verdicts without findings are counted under, in the order of the rules."""
    return tuple(str(_STATUSES[letter]) for letter in letters)
