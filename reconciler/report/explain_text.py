"""What a field is, as lines for people."""

from __future__ import annotations

from reconciler.base.text import harmless, wrap
from reconciler.operations.authoring.explain import Field


def explain_lines(field: Field, width: int) -> list[str]:
    """The whole output of `explain`."""
    lines = [field.path or f"kind {field.kind}"]
    facts = [
        ("meaning", field.meaning),
        ("type", " or ".join(field.types)),
        ("default", "none: it must be given" if field.required else field.default or "none"),
        ("allowed", ", ".join(field.allowed)),
    ]
    for label, text in facts:
        if text:
            lines += wrap(harmless(f"  {label:<9} {text}"), width, " " * 12)
    if field.keys:
        lines.append("  keys")
        longest = max(len(key) for key, _ in field.keys)
        for key, meaning in field.keys:
            lines += wrap(harmless(f"    {key:<{longest}}  {meaning}"), width, " " * (longest + 6))
    return lines
