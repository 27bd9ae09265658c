"""Spec templates: run variables stay what they are, and no template gets past the sandbox."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.loader.template import TemplateProblem, render

# Text without the three marks of the template language.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="{}%#$\r"), max_size=30)
NOISE = st.text(st.sampled_from("${}%# abc.()[]'\"|+*~_-01\n"), max_size=40)


@given(TEXT, st.sampled_from(["{{.Run.ID}}", "{{ .Run.Registry }}", "$ID", "{{.Values.x}}"]))
@settings(max_examples=25)
def test_run_variables_and_plain_text_stay_as_they_are(text: str, variable: str) -> None:
    assert render(f"{text}{variable}{text}", {}) == f"{text}{variable}{text}"


@given(TEXT)
@settings(max_examples=25)
def test_a_variable_is_put_in_as_it_is_and_not_read_again(value: str) -> None:
    assert render("a: ${{ v }}", {"v": f"${{{{ w }}}}{value}"}) == f"a: ${{{{ w }}}}{value}"


@given(NOISE)
@settings(max_examples=50)
def test_any_template_gives_text_or_a_problem_with_a_line(text: str) -> None:
    result = render("${{ " + text + " }}", {"a": 1, "b": [1], "c": {"a": "b"}})
    if isinstance(result, TemplateProblem):
        assert result.message
        assert 1 <= result.line <= text.count("\n") + 2
