"""What a Dockerfile asks of its builder: its RUN instructions and the secrets they mount."""

from __future__ import annotations

import pytest

from reconciler.taskfile.dockerfile.demands import BuildDemands, MountedSecret, build_demands

WINDOWS = "windows/amd64"


def demands(*lines: str, target: str | None = None, platform: str = "linux/amd64") -> BuildDemands:
    return build_demands(
        "\n".join(lines),
        build_args={},
        target=target,
        platform=platform,
        build_platform="linux/amd64",
    )


@pytest.mark.parametrize(
    ("words", "secret"),
    [
        ("type=secret,id=TOK", MountedSecret("TOK", 2, optional=False)),
        ("type=secret,id=TOK,required=true", MountedSecret("TOK", 2, optional=False)),
        ("type=secret,id=TOK,required", MountedSecret("TOK", 2, optional=False)),
        ("type=secret,id=TOK,required=false", MountedSecret("TOK", 2, optional=True)),
        ("type=SECRET,id=TOK,target=/x", MountedSecret("TOK", 2, optional=False)),
        ("id=TOK,env=TOK,type=secret", MountedSecret("TOK", 2, optional=False)),
        ("type=secret,src=TOK,id=other", MountedSecret("TOK", 2, optional=False)),
        ("type=secret,target=/run/x/npmrc", MountedSecret("npmrc", 2, optional=False)),
        ("type=secret,dst=npmrc", MountedSecret("npmrc", 2, optional=False)),
    ],
)
def test_a_mounted_secret_has_a_name_and_a_line(words: str, secret: MountedSecret) -> None:
    assert demands("FROM a", f"RUN --mount={words} cat x").secrets == (secret,)


@pytest.mark.parametrize("words", ["type=cache,id=TOK", "type=secret,id=${NAME}", "type=ssh"])
def test_other_mounts_and_names_that_only_the_builder_knows_are_left_out(words: str) -> None:
    assert demands("FROM a", f"RUN --mount={words},target=/x cat x").secrets == ()


@pytest.mark.parametrize(
    ("lines", "ids"),
    [
        (["FROM a", "ARG N=tok", "RUN --mount=type=secret,id=$N x"], ["tok"]),
        (["FROM a", "ARG N='tok'", "ARG M=${N}-2", "RUN --mount=type=secret,id=$M x"], ["tok-2"]),
        (["ARG N=tok", "FROM a", "ARG N", "RUN --mount=type=secret,id=$N x"], ["tok"]),
        (["ARG N=tok", "FROM a", "RUN --mount=type=secret,id=$N x"], []),
        (["FROM a", "RUN --mount=type=secret,id=$N x", "ARG N=tok"], []),
        (["FROM a", "ENV N=env", "ARG N=tok", "RUN --mount=type=secret,id=$N x"], ["env"]),
        (["FROM a AS b", "ENV N=e", "FROM b", "RUN --mount=type=secret,id=$N x"], ["e"]),
        (["FROM a AS b", "ARG N=e", "FROM b", "RUN --mount=type=secret,id=$N x"], []),
        (["FROM a", "ARG GIVEN=tok", "RUN --mount=type=secret,id=$GIVEN x"], ["given"]),
        (["FROM a", "ARG N=$M", "RUN --mount=type=secret,id=$N x"], []),
    ],
)
def test_a_variable_in_a_name_is_judged_where_its_value_is_known(
    lines: list[str], ids: list[str]
) -> None:
    found = build_demands(
        "\n".join(lines), build_args={"GIVEN": "given"}, target=None,
        platform="linux/amd64", build_platform="linux/amd64",
    )  # fmt: skip
    assert [secret.id for secret in found.secrets] == ids


def test_only_stages_that_the_target_needs_count() -> None:
    lines = (
        *("FROM a AS one", "RUN --mount=type=secret,id=ONE x"),
        *("FROM a AS two", "RUN --mount=type=secret,id=TWO x"),
        *("FROM scratch AS three", "COPY --from=one /x /x"),
    )
    assert [secret.id for secret in demands(*lines).secrets] == ["ONE"]
    assert [secret.id for secret in demands(*lines, target="two").secrets] == ["TWO"]


def test_what_a_stage_leaves_to_those_that_start_from_it_counts_there() -> None:
    left = ("FROM a AS one", "ONBUILD RUN --mount=type=secret,id=ONE x")
    assert demands(*left).secrets == ()
    assert [secret.id for secret in demands(*left, "FROM one").secrets] == ["ONE"]


def test_an_image_put_together_by_copy_runs_nothing() -> None:
    assert not demands("FROM scratch", "COPY a /", 'ENTRYPOINT ["/a"]', platform=WINDOWS).runs
    assert demands("FROM scratch", "COPY a /", "RUN a", platform=WINDOWS).runs


def test_what_the_building_machine_runs_is_no_command_of_the_target() -> None:
    lines = (
        *("FROM --platform=$BUILDPLATFORM go AS build", "RUN go build"),
        *("FROM scratch", "COPY --from=build /app.exe /"),
    )
    assert not demands(*lines, platform=WINDOWS).runs
    assert demands(*lines, "RUN x", platform=WINDOWS).runs
    assert demands(*lines).runs


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("a=1 b=2", {"a", "b"}),
        ('"a"="x y" \'b\'=z', {"a", "b"}),
        ("org.example.l some words", {"org.example.l"}),
        ('a="not closed', set()),
    ],
)
def test_the_labels_that_an_image_gives_itself_are_known(words: str, names: set[str]) -> None:
    assert demands("FROM a AS one", f"LABEL {words}", "FROM one", "COPY x /").labels == names


def test_labels_of_stages_that_are_only_copied_from_are_not_the_images() -> None:
    assert demands("FROM a AS one", "LABEL a=1", "FROM b", "COPY --from=one x /").labels == set()
