"""Task files of any text and any structure: a result or diagnostics, never anything else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.base.diagnostics import Location
from reconciler.operations.rendering.render import Rendered, render_file
from reconciler.operations.rendering.render_words import RenderWords
from reconciler.report.render_json import render_json
from reconciler.report.render_text import render_lines
from reconciler.taskfile.file.inline import read_inline
from reconciler.taskfile.file.read import read_task_file
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.steps.step import KEYS
from reconciler.taskfile.tasks import CmdStep, TaskFile

MANNERS = st.sampled_from(list(Manner))
PIECES = st.sampled_from(
    [
        *("version: v1.1.0\n", "steps:\n", "  - cmd: x\n", "  - {id: a, cmd: b}\n", "alias:\n"),
        *("  values: {a: b}\n", "  src: [f]\n", "$ID", "$$", "$", "{{", "}}", "{{ .Run.ID }}"),
        *("{{ if true }}", "{{ end }}", "{{ range until 3 }}", "{{/*", "*/}}", "# x\n", "'", '"'),
        *("|\n", ">-\n", "&a ", "*a", "<<: ", "- ", ": ", ", ", "[", "]", "{", "}", "\n", "  "),
        *("secrets:\n", "volumes:\n", "networks:\n", "env: [A=1]\n", "when: ['-']", "\t", "---\n"),
        *("{{ .Secrets.a }}", "{{ .Values.a }}", "\ue1000\ue101", "\ue103", "\x00", "\ud800", "~"),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=25).map("".join)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**20),
    st.floats(allow_nan=False),
    st.sampled_from(
        ["-", "a", "b", "$ID", "{{.Run.ID}}", "x y", "enabled", "A=1", "https://k.v/secrets/s"]
    ),
    st.text(max_size=8),
)
STRUCTURES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*KEYS, "name", "mountPath", "secret"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
STEP = st.dictionaries(st.sampled_from(KEYS), STRUCTURES, max_size=5)
FILES = st.fixed_dictionaries(
    {"version": st.sampled_from(["v1.0.0", "v1.1.0"])},
    optional={
        "steps": st.lists(STEP | STRUCTURES, max_size=3) | STRUCTURES,
        "alias": STRUCTURES,
        "env": st.lists(SCALARS, max_size=3),
        "networks": STRUCTURES,
        "volumes": STRUCTURES,
        "secrets": STRUCTURES,
        "stepTimeout": STRUCTURES,
        "workingDirectory": STRUCTURES,
    },
)


def read(text: str, manner: Manner) -> TaskFile:
    inputs = Inputs(
        run={"ID": "r1"}, values={"a": "v"}, fetch=lambda _: text, secret=lambda _: "hush hush"
    )
    return read_task_file(text, file="task.yaml", manner=manner, inputs=inputs)


def check(task: TaskFile, lines: int | None = None) -> None:
    """The result is whole: it can be shown, has its order, and nothing runs that was refused."""
    assert not (task.refused and task.steps)
    rendered = Rendered("task.yaml", {}, task)
    json.dumps(render_json(rendered))
    assert max(map(len, render_lines(rendered, 80))) <= 80
    earlier: set[str] = set()
    for step in task.steps:
        assert set(step.needs) <= earlier
        assert len(set(step.needs)) == len(step.needs)
        assert step.id not in earlier
        earlier.add(step.id)
    for item in task.diagnostics:
        assert lines is None or item.location is None or 1 <= item.location.line <= lines
        assert item.location is None or item.location.column >= 1


@given(TEXTS, MANNERS)
@example("version: v1.1.0\nalias:\n  src: [f]\n", Manner.ACB)
@example("{{ block `a` . }}{{ end }}", Manner.STRICT)
def test_any_text_gives_a_task_file_or_diagnostics(text: str, manner: Manner) -> None:
    check(read(text, manner), text.count("\n") + 1)


@given(FILES, MANNERS, st.booleans())
def test_any_structure_gives_a_task_file_or_diagnostics(
    document: dict[str, Any], manner: Manner, flow: bool
) -> None:
    text = yaml.safe_dump(document, default_flow_style=flow, sort_keys=False, allow_unicode=True)
    check(read(text, manner))


BUILDS = st.lists(
    st.sampled_from(
        [
            *(
                ".",
                "-t",
                "a:1",
                "--tag=A",
                "-f",
                "../D",
                "--target",
                "s",
                "--build-arg",
                "A=1",
                "-",
            ),
            *("https://[x", "https://github.com/o/r", "x.git#m:../s", "oci://", "git@h:r", "/abs"),
            *("--platform", "odd", "--secret", "id=s", "--squash", "--label", "'", "&&", "../../x"),
        ]
    ),
    max_size=6,
).map(" ".join)


@given(BUILDS, MANNERS, st.booleans())
def test_render_answers_any_build(words: str, manner: Manner, cached: bool) -> None:
    step = {"build": words} | ({"cache": "enabled"} if cached else {})
    text = yaml.safe_dump({"version": "v1.1.0", "steps": [step]}).encode()
    wanted = RenderWords("-", Path("/"), text, registry="r.example", manner=manner)
    check(render_file(wanted, datetime(2026, 11, 21, tzinfo=UTC)).task)


@given(FILES, MANNERS)
def test_any_inline_structure_gives_a_task_file_or_diagnostics(
    document: dict[str, Any], manner: Manner
) -> None:
    inputs = Inputs(run={"ID": "r1"}, secret=lambda _: "hush hush")
    task = read_inline(
        document, locate=lambda path: Location(str(path)), manner=manner, inputs=inputs
    )
    check(task)


@given(st.data())
def test_any_graph_has_a_legal_order_and_each_step_once(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    lines = []
    for number in range(count):
        earlier = [f"s{i}" for i in range(number)]
        when = data.draw(
            st.none()
            | st.just([])
            | st.just(["-"])
            | (st.lists(st.sampled_from(earlier), unique=True) if earlier else st.just([]))
        )
        lines.append({"id": f"s{number}", "cmd": "x"} | ({} if when is None else {"when": when}))
    task = read(yaml.safe_dump({"version": "v1.0.0", "steps": lines}), Manner.STRICT).checked()
    check(task)
    for number, (step, line) in enumerate(zip(task.steps, lines, strict=True)):
        named = line.get("when")
        expected = named or ([f"s{number - 1}"] if number else [])
        assert list(step.needs) == ([] if named == ["-"] else expected)


@given(st.text(min_size=1, max_size=30).filter(lambda text: "\x00" not in text), MANNERS)
def test_a_secret_arrives_whole_and_is_never_shown(secret: str, manner: Manner) -> None:
    text = (
        "secrets: [{id: s, keyvault: 'https://k.v/secrets/s'}]\n"
        'steps: [{cmd: "x {{.Secrets.s}} \'{{.Secrets.s}}\'", env: ["K={{.Secrets.s}}"]}]\n'
    )
    if manner is Manner.STRICT:
        text = text.replace("{{.Secrets.s}} '{{.Secrets.s}}'", "")
    inputs = Inputs(secret=lambda _: secret)
    (step,) = read_task_file(text, file="t", manner=manner, inputs=inputs).checked().steps
    assert isinstance(step, CmdStep)
    assert step.argv == (() if manner is Manner.STRICT else (secret, secret))
    assert step.env == (("K", secret),)


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8), max_size=5
    )
)
def test_words_are_split_as_they_were_joined(given_words: list[str]) -> None:
    import shlex

    from reconciler.taskfile.steps.words import split_words

    assert list(split_words(shlex.join(given_words)).words) == given_words
