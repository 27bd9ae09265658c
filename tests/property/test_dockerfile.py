from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.report.published import published_schema
from reconciler.taskfile.dockerfile.acbscan import scan
from reconciler.taskfile.dockerfile.entries import dependency_entries
from reconciler.taskfile.dockerfile.images import base_images
from reconciler.taskfile.dockerfile.instructions import parse
from reconciler.taskfile.dockerfile.logicallines import DockerfileError
from reconciler.taskfile.dockerfile.pin import pin

LIST = Draft202012Validator(published_schema("deps"))
DIGEST = "sha256:" + "a" * 64

PIECES = [
    *(
        "FROM a",
        "FROM ",
        "from b:1 AS c",
        "ARG V=1",
        "ARG ",
        "RUN ",
        "COPY ",
        "ONBUILD ",
        "ENV X=1",
    ),
    *("--from=c ", "--from=x:2 ", "--platform=$V ", "--mount=type=bind,from=d ", "-- ", "--y "),
    *(
        "$V",
        "${V",
        "}",
        ":-",
        "#",
        "%",
        "/",
        "*",
        "?",
        "\\",
        "`",
        '"',
        "'",
        " ",
        "\t",
        "$",
        "=",
        ",",
    ),
    *("<<E", "<<-E", "<<'E'", "E", "[", "]", "\n", "\n", "\n", "\r\n", "\\\n", "# c\n", "\ufeff"),
    *("# escape=`\n", "# syntax=f/g:1\n", "\x85", "\x1c", "\u3000", "é", "\x00", "nginx:1"),
]
BROKEN = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=30).map("".join))

WORDS = st.sampled_from(
    [
        *("nginx:1", "b", "'q r'", '"s $T"', "$U", "${W:-x}", "a\\ b", "--late", "=", "AS", "as"),
        *("<<E", "<<-E", "3<<E", "<<'F G'", '<<"F"', "<<<E", "<<", "<<$E"),
        *("(x)", "\\\n", "\\ \n  ", "\\\n# c\\\n", "\\\n\n", "a\\\nb", "\\\\", "#", "é", "\v"),
    ]
)
# The oracle is of an age that overlooked what follows a JSON list, so nothing follows one here.
LISTS = st.sampled_from(['["x"]', '["x", "<<E"]', "[]", "[ 1 ]", '["x",', '[["x"]]'])
ARGUMENTS = st.one_of(st.lists(WORDS, max_size=3).map(" ".join), LISTS)
FLAGS = st.sampled_from(
    ["", "--from=x ", '--from="y z" ', "--a --b=c\\ d ", "-- ", "--mount=type=bind,from=q  ", "-x "]
)
NAMES = st.sampled_from(["FROM", "run", "Copy", "ADD", "CMD", "ARG", "ONBUILD RUN", "onbuild copy"])
DOCUMENTS = st.sampled_from(["", "", "x\nE\n", "\tFROM q\n\tE\r\n", "E\nF\nF G\n", "\nF G\nE\n"])
ENDS = st.sampled_from(["\n", "\n\n", "\r\n", " \n", "\n  # comment \\\n"])


@st.composite
def instructions(draw: Callable[[st.SearchStrategy[str]], str]) -> str:
    return f"{draw(NAMES)} {draw(FLAGS)}{draw(ARGUMENTS)}{draw(ENDS)}{draw(DOCUMENTS)}"


FILES = st.tuples(
    st.sampled_from(["", "\ufeff", "# escape=`\n", "#escape = \\\r\n", "# c\n# escape=`\n", "\n"]),
    st.lists(instructions(), min_size=1, max_size=5).map("".join),
).map("".join)


@given(BROKEN)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = base_images(text, build_args={"V": "2"}, target=None, platform="linux/arm64")
        lines = [image.line for image in found.images]
    except DockerfileError as error:
        lines = [error.line]
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)


@given(BROKEN, st.sampled_from([None, "c", "0"]))
def test_the_list_of_any_text_keeps_to_its_schema_or_is_refused(
    text: str, target: str | None
) -> None:
    """Whatever stands in a Dockerfile: `deps` lists it, or says what is wrong and where."""
    lines = text.count("\n") + 1
    for entries in (buildkit_entries, scanner_entries):
        line = 0
        try:
            LIST.validate(json.loads(json.dumps(entries(text, target))))
        except DockerfileError as error:
            line = error.line
        assert 0 <= line <= lines


def buildkit_entries(text: str, target: str | None) -> list[dict[str, Any]]:
    found = base_images(
        text, build_args={"V": "2"}, target=target, platform="linux/arm64", unneeded=True
    )
    return dependency_entries(found, tags=["x:1"])


def scanner_entries(text: str, target: str | None) -> list[dict[str, Any]]:
    return scan(text, build_args=["V=2"], target=target)


@given(st.binary())
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        assert parse(content).instructions
    except DockerfileError:
        with pytest.raises(DockerfileError, match=r"\w"):
            parse(content)


@given(BROKEN)
def test_pinning_nothing_changes_nothing(text: str) -> None:
    try:
        assert pin(text, {}) == text
    except DockerfileError:
        with pytest.raises(DockerfileError):
            base_images(text, build_args={}, target=None, platform="linux/amd64")


@given(BROKEN)
@example('FROM a\nCOPY --from="ngi\\\nnx:1" x y')
def test_pinning_keeps_lines_and_pins_what_was_found(text: str) -> None:
    try:
        before = base_images(text, build_args={}, target=None, platform="linux/amd64").images
        pinned = pin(text, {image.reference: DIGEST for image in before})
    except DockerfileError:
        return
    after = base_images(pinned, build_args={}, target=None, platform="linux/amd64").images
    assert pinned.count("\n") == text.count("\n")
    assert [image.line for image in after] == [image.line for image in before]
    fresh = [image for image in after if image.role != "syntax"]
    assert all("@" in image.reference or "ONBUILD" in text.upper() for image in fresh)


@given(BROKEN)
def test_places_point_at_what_they_name(text: str) -> None:
    try:
        found = parse(text).instructions
    except DockerfileError:
        return
    for item in found:
        offsets = [item.source_offset(index) for index in range(len(item.text))]
        assert "".join(text[offset] for offset in offsets) == item.text


@given(FILES)
def test_instructions_are_cut_as_the_reference_parser_cuts_them(text: str) -> None:
    assert ours(text) == theirs(text)


Cut = tuple[str, int, int, str, list[str], list[tuple[str, str]]]


def ours(text: str) -> list[Cut] | None:
    try:
        found = parse(text).instructions
    except DockerfileError:
        return None
    return [
        (
            item.name,
            item.line,
            item.end_line,
            item.text,
            [f"--{flag.name}" + as_suffix(flag.value) for flag in item.flags],
            # The oracle reads those of an ONBUILD, but does not hand them out.
            [(one.name, one.content) for one in item.heredocs if item.name != "ONBUILD"],
        )
        for item in found
    ]


def as_suffix(value: str | None) -> str:
    return "" if value is None else f"={value}"


def theirs(text: str) -> list[Cut] | None:
    oracle = pytest.importorskip("dockerfile")
    try:
        found: Sequence[object] = oracle.parse_string(text)
    except oracle.GoParseError:
        return None
    return [cut(command) for command in found]


def cut(command: object) -> Cut:
    fields = {name: getattr(command, name) for name in dir(command) if not name.startswith("_")}
    heredocs = [(heredoc.name, heredoc.content) for heredoc in fields["heredocs"]]
    start, end = fields["start_line"], fields["end_line"]
    # Its text goes on with the heredocs, their ends rewritten.
    line = fields["original"].partition("\n")[0]
    return fields["cmd"].upper(), start, end, line, list(fields["flags"]), heredocs
