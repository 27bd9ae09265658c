"""What a plan looked at and what it left out, as sentences: for text, Markdown and notes."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.base.text import cut, one_line, plural
from reconciler.plan.change import Plan
from reconciler.plan.selection import LeftOut


def scope_sentences(plan: Plan) -> Iterator[str]:
    """One sentence for each thing that a reader must not take for looked at."""
    if plan.compared_with is not None:
        yield (
            f"note: compared with the specs of {spell_revision(plan)}; live state was not looked "
            "at, and this cannot be applied"
        )
    if plan.left_out is not None:
        yield f"note: {_spell_left_out(plan.left_out)}"


def base_warnings(plan: Plan) -> Iterator[str]:
    """One sentence for each base that was left out, though it differs too."""
    for base in plan.left_out.bases if plan.left_out else ():
        takers = cut(one_line(", ".join(base.needed_by), 400), 160)
        yield (
            f"{base.address} is left out and differs too, and {takers} "
            f"{'builds' if len(base.needed_by) == 1 else 'build'} on it: "
            f"plan for it as well, or know that it stays as it is"
        )


def spell_revision(plan: Plan) -> str:
    """`main (9ac11e0)`."""
    revision = plan.compared_with
    return f"{one_line(revision.ref, 80)} ({revision.commit[:7]})" if revision else ""


def _spell_left_out(left: LeftOut) -> str:
    """`left out by --target web-*: 410 tasks, of which 3 differ ...`."""
    words = [f"--target {text}" for text in left.target]
    words += [f"--exclude {text}" for text in left.exclude]
    words += [f"--since {left.since} ({(left.since_commit or '')[:7]})"] if left.since else []
    asked = cut(one_line(" ".join(words), 400), 160)
    if not left.tasks:
        return f"{asked}: nothing was left out"
    differing = {0: "none of them differs", 1: "1 of them differs"}.get(
        left.differing, f"{left.differing:,} of them differ"
    )
    return (
        f"left out by {asked}: {plural(left.tasks, 'task')}; {differing} from what is declared, "
        "was applied or is live"
    )
