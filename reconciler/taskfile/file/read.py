"""Reads a task file from its text to its steps: comments, aliases, template, YAML, checks.

Everything from outside comes in through `Inputs`; a problem of the file becomes a diagnostic of
the result, all of them at once. The order is that of ACR's engine,
https://github.com/Azure/acr-builder.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.base.diagnostics import Location
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.file.alias import Aliases, Fetch, cut_blocks, merged, read_block
from reconciler.taskfile.file.expansion import expand, tell_unexpanded
from reconciler.taskfile.file.passes import (
    Knowledge,
    concluded,
    read_with_secrets,
    remembering,
)
from reconciler.taskfile.file.preparation import (
    expands_aliases,
    find_version,
    held_comments,
    released,
    without_comments,
)
from reconciler.taskfile.file.rendering import Rendering, check_text, rendering
from reconciler.taskfile.findings import Findings
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.steps.assemble import VERSIONS, Expansion, assemble
from reconciler.taskfile.tasks import TaskFile
from reconciler.taskfile.template.functions.kit import MAX_TEXT
from reconciler.taskfile.template.vault import Vault
from reconciler.taskfile.trace import Traced, source_column, untouched
from reconciler.taskfile.tree.parse import parse_yaml

_MOST_BLOCKS = 20


def read_task_file(text: str, *, file: str, manner: Manner, inputs: Inputs) -> TaskFile:
    """The task file of a text; `file` is its name in diagnostics. Raises nothing.

    With an error among the diagnostics there are no steps. Secrets of vaults are read (through
    `inputs.secret`) only after the file was found to be right, and only if it uses any.
    """
    if manner is Manner.STRICT:
        text = text.removeprefix("\ufeff")  # ACR's engine finds no version behind it
    reading = _Reading(file, text, manner, inputs, remembering(inputs.fetch))
    return read_with_secrets(reading.attempt, uses_secrets=".Secrets" in text, inputs=inputs)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One task file that is being read."""

    file: str
    text: str
    manner: Manner
    inputs: Inputs
    fetch: Fetch | None

    def attempt(self, knowledge: Knowledge) -> TaskFile:
        def read(findings: Findings, vault: Vault) -> TaskFile:
            return self._read(findings, vault, knowledge)

        places = self._places(untouched(self.text))
        return concluded(read, self.manner, knowledge, places, self._version())

    def _version(self) -> str:
        """That of the version line, if there is one that is right."""
        found = find_version(self.text)
        written = re.sub(r"\s+#.*", "", found[0]).strip(" \t\"'").lower() if found else ""
        return written if written in VERSIONS else TaskFile().version

    def _read(self, findings: Findings, vault: Vault, knowledge: Knowledge) -> TaskFile:
        strict = findings.strict
        self._check_text(strict=strict)
        source = untouched(self.text)
        prepared = held_comments(source) if strict else without_comments(source)
        context = rendering(self.inputs, knowledge, vault, findings)
        aliases: Aliases | None = None
        if expands_aliases(prepared.text, strict=strict):
            aliases, prepared = self._expanded(prepared, context, findings)
        else:
            findings.look_at(self._places(prepared))
            tell_unexpanded(prepared, findings)
        findings.look_at(self._places(prepared))
        rendered = released(context.text(prepared))
        findings.look_at(self._places(rendered))
        node = parse_yaml(rendered.text, lenient=not strict, tell=findings.passed_over)
        alias_of = context.image_alias(aliases)
        expansion = Expansion(vault.reveal, alias_of, context.resolved, aliases is not None)
        return assemble(node, findings, expansion, self.inputs)

    def _check_text(self, *, strict: bool) -> None:
        check_text(self.text)
        if len(self.text) > MAX_TEXT:
            raise Fault(f"a task file has at most {MAX_TEXT:,} characters", fix="split it")
        if strict:
            _refuse_indented_version(self.text)

    def _expanded(
        self, source: Traced, context: Rendering, findings: Findings
    ) -> tuple[Aliases, Traced]:
        """The aliases of the file, and the rest of its text with them put in."""
        blocks, rest = cut_blocks(source)
        found: list[Aliases] = []
        if len(blocks) > _MOST_BLOCKS:
            raise Fault("there are too many alias blocks", fix="keep one alias block")
        for number, block in enumerate(blocks):
            findings.look_at(self._places(block))
            if number:
                findings.doubt(Fault(""), "a second alias block", fix="keep one alias block")
            rendered = released(context.text(block))
            findings.look_at(self._places(rendered))
            found.append(read_block(rendered, self.fetch, findings))
        findings.look_at(self._places(rest))
        aliases = merged(found)
        return aliases, expand(rest, aliases, findings)

    def _places(self, traced: Traced) -> Callable[[int, int], Location]:
        """From a line and column of a made text to the file's."""
        source_lines, lines = self.text.split("\n"), traced.text.split("\n")

        def locate(line: int, column: int) -> Location:
            number = traced.source_line(line)
            written = source_lines[number - 1] if number <= len(source_lines) else ""
            made = lines[line - 1] if line <= len(lines) else ""
            return Location(self.file, number, source_column(written, made, column))

        return locate


def _refuse_indented_version(text: str) -> None:
    """Behind an indented version line YAML ends before the keys at column 1: nothing would run."""
    lines = enumerate(text.split("\n"), 1)
    said = ((number, line) for number, line in lines if line.strip() and line.strip()[0] != "#")
    number, first = next(said, (0, ""))
    _, second = next(said, (0, ""))
    indented = first[:1].isspace() and first.strip().startswith("version")
    if indented and not second[:1].isspace():
        fix = "remove the blanks before version"
        raise Fault("version is indented: what follows would be lost", number, 1, fix=fix)
