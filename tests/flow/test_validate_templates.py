"""Spec templates through the command: what goes wrong names the template and the line."""

from __future__ import annotations

import pytest

from reconciler.loader import template
from tests.flow.desk import TASK, WORKSPACE, Desk

NAME = "specs/a.yaml.j2"
DEFAULTS = "apiVersion: reconciler/v1\nkind: Defaults\nmetadata: {owner: team-web}\n"
LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"

WRONG = [
    ("undefined", "a: 1\nb: ${{ nope }}\n", "a.yaml.j2:2:1: template: 'nope' is undefined"),
    ("attribute", "a: 1\n\nb: ${{ team.nope }}", "a.yaml.j2:3:1: template: 'team' is undefined"),
    ("syntax", "a: 1\nb: ${{ nope\n", "specs/a.yaml.j2:2:1: template: unexpected end"),
    ("tag", "{% exec 'ls' %}", "specs/a.yaml.j2:1:1: template: Encountered unknown tag"),
    ("memory", "a: ${{ 'x' * 10 ** 10 }}", "specs/a.yaml.j2:1:1: the template needs too much"),
    ("output", "a: ${{ 'x' * 9 * 10 ** 6 }}", "specs/a.yaml.j2:1:1: the template gives more than"),
    ("escape", "\n${{ ''.__class__.__mro__ }}", "specs/a.yaml.j2:2:1: template: SecurityError"),
    ("format", "${{ '{0.__class__.__init__}'.format(1) }}", "specs/a.yaml.j2"),
    ("include", "{% include '/etc/passwd' %}", "specs/a.yaml.j2:1:1: template"),
    ("big range", "{% for a in range(10**9) %}{% endfor %}", "template: OverflowError"),
    ("division", "a: 1\nb: ${{ 1 // 0 }}", "specs/a.yaml.j2:2:1: template: ZeroDivisionError"),
    ("surrogate", 'a: 1\nb: ${{ "\\ud800" }}', "specs/a.yaml.j2 (rendered):2:1: half a character"),
    ("NUL", 'a: ${{ "\\x00" }}', "specs/a.yaml.j2 (rendered):1:1: the control character #x00"),
    ("not text", b"a: \xff\n", "specs/a.yaml.j2:1:1: this is not UTF-8 text"),
    ("not YAML", "{% for a in 'bc' %}x: ${{ a }}\n{% endfor %}", "(rendered):2:1: the key 'x'"),
]


@pytest.mark.parametrize(
    ("text", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_a_wrong_template_is_told_with_its_place(desk: Desk, text: str | bytes, said: str) -> None:
    outcome = desk.validate({NAME: text})
    assert outcome.code == 1
    assert said in outcome


def test_an_endless_loop_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "SECONDS", 0.5)
    outcome = desk.validate({NAME: LOOP, "specs/b.yaml": TASK})
    assert outcome.code == 1
    assert "specs/a.yaml.j2:1:1: the template took more than" in outcome
    assert "1 spec," in outcome


def test_variables_come_from_the_workspace_and_from_defaults(desk: Desk) -> None:
    text = TASK.replace("name: web-api", "name: ${{ prefix }}-api, owner: ${{ metadata.owner }}")
    outcome = desk.validate(
        {
            "reconciler.yaml": WORKSPACE + "vars: {prefix: shop}\n",
            "specs/d.yaml": DEFAULTS,
            NAME: text.replace("web:1", "web:{{.Run.ID}}"),
        },
        "--show-rendered",
    )
    assert outcome.code == 0
    assert "name: shop-api, owner: team-web" in outcome
    assert "web:{{.Run.ID}}" in outcome


def test_a_wrong_value_names_the_line_that_show_rendered_prints(desk: Desk) -> None:
    text = "{% if true %}\n" + TASK + "  timeout: 5\n{% endif %}\n"
    outcome = desk.validate({NAME: text}, "--show-rendered")
    assert outcome.code == 1
    assert "specs/a.yaml.j2 (rendered):8:3: spec.timeout is too small" in outcome
    printed = outcome.text.split(f"--- {NAME}\n")[1].split("\n")
    assert printed[8 - 1] == "  timeout: 5"


def test_show_rendered_prints_no_terminal_escapes(desk: Desk) -> None:
    outcome = desk.validate({NAME: 'a: ${{ "\\x1b[31m" }}'}, "--show-rendered")
    assert outcome.code == 1
    assert "\x1b" not in outcome.text


def test_a_template_gives_as_many_tasks_as_it_likes(desk: Desk) -> None:
    one = TASK.replace("web-api", "web-${{ n }}00").replace("web:1", "web:${{ n }}")
    outcome = desk.validate({NAME: "{% for n in range(3) %}---\n" + one + "{% endfor %}"})
    assert (outcome.code, "3 specs" in outcome) == (0, True)


def test_a_template_that_gives_nothing_is_no_problem(desk: Desk) -> None:
    outcome = desk.validate({NAME: "{% if false %}a: 1{% endif %}\n"})
    assert (outcome.code, "0 errors, 0 warnings" in outcome) == (0, True)


def test_defaults_cannot_be_a_template(desk: Desk) -> None:
    outcome = desk.validate(
        {NAME: "apiVersion: reconciler/v1\nkind: Defaults\nspec: {timeout: 600}\n"}
    )
    assert outcome.code == 1
    assert "Defaults cannot come from a template" in outcome


def test_a_policy_cannot_be_a_template(desk: Desk) -> None:
    outcome = desk.validate({"policies/p.yaml.j2": "kind: Policy\n"})
    assert outcome.code == 1
    assert "policies/p.yaml.j2:1:1: policies are not templates" in outcome


def test_the_digest_of_the_specs_changes_with_a_variable(desk: Desk) -> None:
    from reconciler.loader.files import WorkspaceFiles
    from reconciler.loader.specs import SpecReader

    desk.write({NAME: TASK})

    def digest(value: str) -> str:
        reader = SpecReader(WorkspaceFiles(desk.root), {"a": value})
        assert len(list(reader.tasks())) == 1
        return reader.digest

    assert digest("1") == digest("1") != digest("2")
