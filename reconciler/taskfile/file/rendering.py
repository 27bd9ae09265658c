"""Templates of one reading of a task file: data, functions, secrets and manner held together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.taskfile.faults import Fault
from reconciler.taskfile.file.alias import Aliases
from reconciler.taskfile.file.passes import Knowledge
from reconciler.taskfile.file.values import AnySecret, template_data
from reconciler.taskfile.findings import Findings
from reconciler.taskfile.inputs import Inputs
from reconciler.taskfile.template.functions.catalogue import template_functions
from reconciler.taskfile.template.functions.kit import Function
from reconciler.taskfile.template.govalues import ValueFault
from reconciler.taskfile.template.lookup import Closed
from reconciler.taskfile.template.render import render
from reconciler.taskfile.template.vault import Vault, check_reserved
from reconciler.taskfile.trace import Traced, untouched

_NO_VALUE = "<no value>"  # what Go prints; ACR's engine cuts it out of the whole text


@dataclass(frozen=True, slots=True)
class Rendering:
    """What every template of one reading is rendered with."""

    data: Closed
    functions: Mapping[str, Function]
    vault: Vault
    strict: bool
    resolved: bool
    tell: Callable[[Fault], None]
    warn: Callable[[Fault], None]

    def text(self, source: Traced) -> Traced:
        """The rendered text. Raises Fault; a text that becomes empty is one."""
        found = self._rendered(source, lines=not self.strict)
        if not self.strict:
            found = Traced(found.text.replace(_NO_VALUE, ""), found.lines)
        if source.text.strip() and not found.text.strip():
            fix = "check the conditions around the steps"
            raise Fault("the template gives an empty text", fix=fix)
        return found

    def word(self, text: str) -> str:
        """A short text, rendered; it may become empty. Raises Fault."""
        if "{{" not in text:
            return text
        return self._rendered(untouched(text)).text

    def _rendered(self, source: Traced, *, lines: bool = True) -> Traced:
        found, strict = (self.data, self.functions, self.vault), self.strict
        return render(source, *found, strict=strict, lines=lines, tell=self.tell, warn=self.warn)

    def image_alias(self, aliases: Aliases | None) -> Callable[[str], str | None]:
        """What the first word of a cmd stands for. ACR's engine leaves templates in it as text."""

        def first_word(word: str) -> str | None:
            found = aliases.values.get(word) if aliases else None
            return found if found is None or not self.strict else self.word(found)

        return first_word


def rendering(inputs: Inputs, knowledge: Knowledge, vault: Vault, findings: Findings) -> Rendering:
    """Everything that templates of a reading need; what is absent is told where ACR's engine
    would write nothing. Raises Fault if a value cannot be used.
    """
    strict, secrets = findings.strict, knowledge.secrets
    if strict and not isinstance(secrets, AnySecret):
        secrets = Closed(secrets)
    try:
        data = template_data(inputs, secrets, vault)
    except ValueFault as fault:
        raise Fault(f"values: {fault}") from None
    functions = template_functions(inputs.now, inputs.seed)

    def tell(absent: Fault) -> None:
        findings.warn(absent, f"{absent.message}: it reads empty", fix=absent.fix)

    def warn(fault: Fault) -> None:
        findings.warn(fault, fault.message, fix=fault.fix)

    return Rendering(data, functions, vault, strict, knowledge.resolved, tell, warn)


def check_text(text: str) -> None:
    """Raise Fault for a text that cannot be read here at all."""
    try:
        check_reserved(text)
    except ValueFault as fault:
        raise Fault(str(fault)) from None
