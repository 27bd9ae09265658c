"""`--secret` of a build step: from a variable of the step, or refused by line."""

from __future__ import annotations

import pytest

from reconciler.taskfile.steps.buildsecrets import BuildSecret, read_build_secret
from reconciler.taskfile.tasks import BuildStep
from tests.unit.taskfile.reading import V11, errors, read, steps


def step(words: str, *environment: str) -> str:
    return V11 + f"steps:\n  - build: {words} .\n    env: {list(environment)}\n"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("id=NPM", BuildSecret("NPM", "NPM")),
        ("id=npm,env=NPM_TOKEN", BuildSecret("npm", "NPM_TOKEN")),
        ("type=env,id=npm", BuildSecret("npm", "npm")),
        ("type=env,id=npm,src=NPM_TOKEN", BuildSecret("npm", "NPM_TOKEN")),
        ('"id=npm"', BuildSecret("npm", "npm")),
    ],
)
def test_a_secret_comes_from_a_variable(text: str, secret: BuildSecret) -> None:
    assert read_build_secret(text) == secret


@pytest.mark.parametrize("manner", ["strict", "acb"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--secret id=NPM", "nothing gives the secret NPM: the step has no NPM in env"),
        ("--secret id=NPM,env=X", "nothing gives the secret NPM: the step has no X in env"),
        ("--secret id=NPM,src=token.txt", "a --secret comes from a variable of the step, not"),
        ("--secret id=NPM,type=file", "a --secret comes from a variable of the step, not"),
        ("--secret env=A", "a --secret has an id of letters, digits"),
        ("--secret id=a/b", "a --secret has an id of letters, digits"),
        ("--secret id=A,mode=0400", "--secret has no mode"),
        ("--ssh default", "this version does not do --ssh in a build"),
        ("--ulimit nofile=9", "this version does not do --ulimit in a build"),
    ],
)
def test_what_is_not_done_is_told_by_line(words: str, message: str, manner: str) -> None:
    (found,) = read(step(words, "A=1"), manner).diagnostics
    assert message in found.message
    assert found.location is not None
    assert found.location.line == 3
    assert found.fix


def test_a_secret_that_is_given_is_no_finding_and_means_buildkit() -> None:
    text = step("--secret id=NPM", "NPM={{.Values.t}}")
    for manner in ("strict", "acb"):
        (found,) = steps(text, manner, values={"t": "longvalue"})
        assert isinstance(found, BuildStep)
        assert found.buildkit


def test_a_secret_for_the_classic_builder_is_refused() -> None:
    assert errors(step("--secret id=A", "A=1", "DOCKER_BUILDKIT=0")) == [
        "3: the classic builder mounts no secret"
    ]
