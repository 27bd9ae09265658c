from __future__ import annotations

import pytest

from reconciler.taskfile.dockerfile.images import BaseImage, base_images
from reconciler.taskfile.dockerfile.instructions import Instruction, parse
from reconciler.taskfile.dockerfile.logicallines import DockerfileError, decode

DIGEST = "sha256:" + "0123456789abcdef" * 4
PINNED = f"@{DIGEST}"


def images(
    text: str | bytes, target: str | None = None, platform: str = "linux/amd64", **args: str
) -> list[tuple[str, str]]:
    found = base_images(text, build_args=args, target=target, platform=platform)
    return [(image.role, image.reference) for image in found.images]


def runtime(text: str | bytes, platform: str = "linux/amd64", **args: str) -> str:
    found = base_images(text, build_args=args, target=None, platform=platform).runtime
    assert found is not None
    return found.reference


def refusal(text: str | bytes, target: str | None = None) -> tuple[int, str]:
    with pytest.raises(DockerfileError) as caught:
        base_images(text, build_args={}, target=target, platform="linux/amd64")
    return caught.value.line, str(caught.value)


def only(text: str) -> Instruction:
    (instruction,) = parse(text).instructions
    return instruction


# --- which images a file depends on -------------------------------------------------------------

RUNTIME = {
    "plain": ("FROM alpine", "alpine"),
    "digest": (f"FROM alpine{PINNED}", f"alpine{PINNED}"),
    "host with port": ("FROM localhost:5000/a/b:1", "localhost:5000/a/b:1"),
    "lower case": ("from alpine as b", "alpine"),
    "quotes": ('FROM "alpine:3"', "alpine:3"),
    "byte order mark": ("\ufeffFROM alpine", "alpine"),
    "windows line ends": ("ARG V=3\r\nFROM alpine:$V\r\n", "alpine:3"),
    "default": ("ARG V=3\nFROM alpine:$V", "alpine:3"),
    "quoted default": ("ARG V=\"3\" W='4'\nFROM alpine:$V$W", "alpine:34"),
    "nested": ("ARG V=3\nARG W=$V.20\nFROM alpine:${W}", "alpine:3.20"),
    "two on a line": ("ARG R=alpine V=3\nFROM $R:$V", "alpine:3"),
    "the last default": ("ARG V=1\nARG V=2\nFROM alpine:$V", "alpine:2"),
    ":-": ("ARG E=\nFROM alpine:${V:-9}${E:-8}", "alpine:98"),
    "-": ("ARG E=\nFROM alpine:${V-9}${E-8}", "alpine:9"),
    ":+": ("ARG V=1 E=\nFROM alpine:1${V:+-slim}${W:+-x}${E:+-y}", "alpine:1-slim"),
    "+": ("ARG E=\nFROM alpine:1${E+-slim}${W+-x}", "alpine:1-slim"),
    "inner": ("ARG V=3\nFROM alpine:${X:-${Y:-$V}}", "alpine:3"),
    "?": ("ARG V=3\nFROM alpine:${V:?set-V}", "alpine:3"),
    "#": ("ARG V=v-v-3\nFROM alpine:${V#*v-}", "alpine:v-3"),
    "##": ("ARG V=v-v-3\nFROM alpine:${V##*v-}", "alpine:3"),
    "%": ("ARG V=3.2.1\nFROM alpine:${V%.*}", "alpine:3.2"),
    "%%": ("ARG V=3.2.1\nFROM alpine:${V%%.*}", "alpine:3"),
    "question mark": ("ARG V=v3\nFROM alpine:${V#?}", "alpine:3"),
    "no such prefix": ("ARG V=3\nFROM alpine:${V#v}", "alpine:3"),
    "/": ("ARG V=3.2.1\nFROM alpine:${V/./_}", "alpine:3_2.1"),
    "//": ("ARG V=3.2.1\nFROM alpine:${V//./_}", "alpine:3_2_1"),
    "// with everything": ("ARG V=3.2\nFROM alpine:${V//*/x}", "alpine:x"),
    "escaped slash": ("ARG V=a/b\nFROM alpine:${V/\\//-}", "alpine:a-b"),
    "pattern in a variable": ("ARG V=v3 P=v\nFROM alpine:${V#$P}", "alpine:3"),
    "escaped dollar": ("ARG V=\\$x\nFROM alpine:${V#?}", "alpine:x"),
    "escapes in double quotes": ('ARG V="\\$\\"3"\nFROM alpine:${V#??}', "alpine:3"),
    "other escapes in double quotes stay": ('ARG V="\\3"\nFROM alpine:${V#?}', "alpine:3"),
    "a heredoc behind a replacement": ("FROM alpine:3\nRUN ${x/a/b} <<E\nFROM q\nE", "alpine:3"),
    "a heredoc behind quotes": ('FROM alpine:3\nRUN "\\n$x" <<E\nFROM q\nE', "alpine:3"),
    "single quotes hide": ("ARG V='$x'\nFROM alpine:${V#?}", "alpine:x"),
    "two dollars": ("FROM alpine:3$$b", "alpine:3b"),
    "backtick escape": ("# escape=`\nARG V=`$x\nFROM alpine:${V#?}", "alpine:x"),
    "platform argument": ("FROM alpine:$TARGETARCH-$TARGETOS", "alpine:amd64-linux"),
    "a default hides the platform": ("ARG TARGETARCH=x\nFROM alpine:$TARGETARCH", "alpine:x"),
    "a bare ARG does not": ("ARG TARGETARCH\nFROM alpine:$TARGETARCH", "alpine:amd64"),
    "the stage's name": ("FROM a AS b\nFROM alpine:$TARGETSTAGE AS last", "alpine:last"),
    "no stage name": ("FROM alpine:$TARGETSTAGE", "alpine:default"),
    "empty variant": ("FROM alpine:3${TARGETVARIANT-x}", "alpine:3"),
    "continuation": ("FROM \\\n  alpine:3 \\\n AS b", "alpine:3"),
    "inside a word": ("FROM alp\\\nine:3", "alpine:3"),
    "comment inside": ("FROM \\\n# no\n\n  alpine:3", "alpine:3"),
    "trailing blanks": ("FROM \\ \t\nalpine:3", "alpine:3"),
    "backtick continuation": ("#escape=`\nFROM `\nalpine:3", "alpine:3"),
    "end after a continuation": ("FROM alpine:3 \\", "alpine:3"),
    "heredoc": ("FROM alpine:3\nRUN <<EOF\nFROM fake\nEOF", "alpine:3"),
    "heredoc in COPY": ("FROM alpine:3\nCOPY <<a <<'b' /x/\nFROM q\na\nFROM q\nb\n", "alpine:3"),
    "tabbed heredoc": ("FROM alpine:3\nRUN <<-E\n\tFROM q\n\tE\n", "alpine:3"),
    "heredoc in ONBUILD": ("FROM alpine:3\nONBUILD RUN <<E\nFROM q\nE", "alpine:3"),
    "no heredoc in JSON": ('FROM a\nRUN ["<<E"]\nFROM alpine:3', "alpine:3"),
    "no heredoc in CMD": ("FROM a\nCMD cat <<E\nFROM alpine:3", "alpine:3"),
    "a here-string": ("FROM a\nRUN cat <<<E\nFROM alpine:3", "alpine:3"),
    "quoted arrows": ("FROM a\nRUN echo '<<E'\nFROM alpine:3", "alpine:3"),
    "an arrow with a variable": ("FROM alpine:3\nRUN cat <<$E\nFROM q\n$E\n", "alpine:3"),
    "shell the lexer cannot read": ("FROM a\nRUN ${x^^} <<E\nFROM alpine:3", "alpine:3"),
    "stage argument": ("ARG V=1\nFROM a AS b\nARG V=2\nFROM alpine:$V", "alpine:1"),
    "stage of a stage": ("FROM alpine:3 AS b\nFROM b AS c\nFROM c", "alpine:3"),
    "stage of another case": ("FROM alpine:3 AS Build\nFROM bUILD", "alpine:3"),
    "the latest of equal names": ("FROM a AS s\nFROM alpine:3 AS s\nFROM s", "alpine:3"),
    "a name from later is an image": ("FROM c\nFROM alpine:3 AS c", "alpine:3"),
    "stage by variable": ("ARG S=b\nFROM alpine:3 AS b\nFROM $S", "alpine:3"),
    "ENV is not for FROM": ("FROM a AS x\nENV V=2\nFROM alpine:3$V", "alpine:3"),
}


@pytest.mark.parametrize(("text", "expected"), RUNTIME.values(), ids=RUNTIME)
def test_the_runtime_base_is_found(text: str, expected: str) -> None:
    assert runtime(text) == expected


def test_a_build_argument_wins_over_a_declared_default() -> None:
    assert runtime("ARG V=3\nFROM alpine:$V", V="4") == "alpine:4"


def test_a_build_argument_fills_a_bare_declaration() -> None:
    assert runtime("ARG V\nFROM alpine:$V", V="4") == "alpine:4"


def test_an_undeclared_build_argument_has_no_effect() -> None:
    assert runtime("FROM alpine:3$V", V="4") == "alpine:3"


def test_an_argument_of_a_stage_takes_no_part_in_from() -> None:
    assert runtime("FROM a AS b\nARG V=2\nFROM alpine:3$V", V="4") == "alpine:3"


def test_a_platform_argument_can_be_overridden_undeclared() -> None:
    assert runtime("FROM alpine:$TARGETARCH", TARGETARCH="s390x") == "alpine:s390x"


def test_an_overridden_default_is_not_even_read() -> None:
    assert runtime("ARG V=${\nFROM alpine:$V", V="4") == "alpine:4"


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", "linux-amd64-.linux-amd64"),
        ("Linux/AMD64", "linux-amd64-.linux-amd64"),
        ("linux/x86_64", "linux-amd64-.linux-amd64"),
        ("linux/arm64", "linux-arm64-.linux-arm64"),
        ("linux/arm64/v8", "linux-arm64-.linux-arm64"),
        ("linux/aarch64", "linux-arm64-.linux-arm64"),
        ("linux/arm", "linux-arm-v7.linux-arm-v7"),
        ("linux/arm/6", "linux-arm-v6.linux-arm-v6"),
        ("windows/amd64", "windows-amd64-.windows-amd64"),
    ],
)
def test_platform_arguments_are_normalised(platform: str, expected: str) -> None:
    text = "FROM a:$TARGETOS-$TARGETARCH-$TARGETVARIANT.${TARGETPLATFORM//\\//-}"
    assert runtime(text, platform) == f"a:{expected}"


def test_the_build_platform_may_differ() -> None:
    found = base_images(
        "FROM --platform=$BUILDPLATFORM go AS b\nFROM a:$BUILDARCH-$TARGETARCH\nCOPY --from=b x y",
        build_args={},
        target=None,
        platform="linux/arm64",
        build_platform="linux/amd64",
    )
    assert [(image.reference, image.platform) for image in found.images] == [
        ("go", "linux/amd64"),
        ("a:amd64-arm64", None),
    ]


DEPENDENCIES = {
    "three stages, one unused": (
        "FROM golang:1 AS b\nFROM node:18 AS n\nFROM alpine:3\nCOPY --from=b /a /b",
        [("buildtime", "golang:1"), ("runtime", "alpine:3")],
    ),
    "by number": (
        "FROM a\nFROM b\nFROM c\nCOPY --from=1 x y",
        [("buildtime", "b"), ("runtime", "c")],
    ),
    "copy from an image": (
        "FROM scratch\nCOPY --from=nginx:1 /a /b",
        [("buildtime", "nginx:1")],
    ),
    "quoted flag": (
        'FROM a\nCOPY --from="nginx:1" /a /b',
        [("runtime", "a"), ("buildtime", "nginx:1")],
    ),
    "flag after flag": (
        "FROM a\nCOPY --chown=1:1 --from=b --link /a /b",
        [("runtime", "a"), ("buildtime", "b")],
    ),
    "no flag after the first word": ("FROM a\nCOPY x --from=b /b", [("runtime", "a")]),
    "flags end at two dashes": ("FROM a\nCOPY -- --from=b /b", [("runtime", "a")]),
    "mount": (
        "FROM a\nRUN --mount=type=bind,from=b:1,target=/x --mount=type=cache,target=/c,from=c ls",
        [("runtime", "a"), ("buildtime", "b:1"), ("buildtime", "c")],
    ),
    "mount of a stage in another case": (
        "FROM b:1 AS tools\nFROM a\nRUN --mount=FROM=TOOLS,target=/x ls",
        [("buildtime", "b:1"), ("runtime", "a")],
    ),
    "a number in a mount is an image": (
        "FROM b\nFROM a\nRUN --mount=from=0,target=/x ls",
        [("runtime", "a"), ("buildtime", "0")],
    ),
    "mount in CSV quotes": (
        'FROM a\nRUN --mount=type=bind,\\"from=b\\",target=/x ls',
        [("runtime", "a"), ("buildtime", "b")],
    ),
    "tmpfs takes nothing": (
        "FROM a\nRUN --mount=type=tmpfs,from=b,target=/x ls",
        [("runtime", "a")],
    ),
    "scratch everywhere": (
        "FROM scratch\nCOPY --from=scratch a b\nRUN --mount=type=cache,from=scratch,target=/x ls",
        [],
    ),
    "syntax": (
        "# syntax = docker/dockerfile:1.7-labs some arguments\nFROM a",
        [("syntax", "docker/dockerfile:1.7-labs"), ("runtime", "a")],
    ),
    "syntax after a shebang": (
        "#!/usr/bin/env builder\n# syntax=x/y:1\nFROM a",
        [("syntax", "x/y:1"), ("runtime", "a")],
    ),
    "syntax below a comment is a comment": ("# hello\n# syntax=x/y\nFROM a", [("runtime", "a")]),
    "syntax below a blank line is a comment": ("\n# syntax=x/y\nFROM a", [("runtime", "a")]),
    "syntax after an unknown key is a comment": ("# k=v\n# syntax=x/y\nFROM a", [("runtime", "a")]),
    "syntax after another directive": (
        "# check=skip=all\n# escape=`\n# syntax=x/y\nFROM a",
        [("syntax", "x/y"), ("runtime", "a")],
    ),
    "onbuild of a parent stage": (
        "FROM a AS o\nONBUILD COPY --from=b x y\nFROM o",
        [("runtime", "a"), ("buildtime", "b")],
    ),
    "onbuild without a child": ("FROM a AS o\nONBUILD COPY --from=b x y", [("runtime", "a")]),
    "onbuild of a grandparent": (
        "FROM a AS o\nONBUILD COPY --from=b x y\nFROM o AS p\nFROM p",
        [("runtime", "a"), ("buildtime", "b")],
    ),
    "needed through a needed stage": (
        "FROM a AS x\nFROM b AS y\nCOPY --from=x 1 2\nFROM c\nCOPY --from=y 1 2",
        [("buildtime", "a"), ("buildtime", "b"), ("runtime", "c")],
    ),
    "a stage name hides an image": (
        "FROM a AS nginx\nFROM b\nCOPY --from=nginx 1 2",
        [("buildtime", "a"), ("runtime", "b")],
    ),
    "the same image twice": (
        "FROM a AS x\nFROM a\nCOPY --from=x 1 2",
        [("buildtime", "a"), ("runtime", "a")],
    ),
}


@pytest.mark.parametrize(("text", "expected"), DEPENDENCIES.values(), ids=DEPENDENCIES)
def test_dependencies_are_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert images(text) == expected


def test_only_the_target_and_what_it_needs_count() -> None:
    text = "FROM a AS x\nFROM b AS y\nFROM x AS z\nFROM c"
    assert images(text, target="Z") == [("runtime", "a")]


def test_a_target_may_be_a_number() -> None:
    assert images("FROM a\nFROM b", target="0") == [("runtime", "a")]


def test_an_image_tells_where_it_stands() -> None:
    text = "ARG V=1\n\nFROM --platform=$TARGETPLATFORM \\\n  a:$V AS b\nCOPY --from=c \\\n x y"
    found = base_images(text, build_args={}, target=None, platform="linux/arm64")
    assert found.runtime == BaseImage("runtime", "a:$V", "a:1", 3, "linux/arm64")
    assert found.buildtime == (BaseImage("buildtime", "c", "c", 5, None),)
    assert found.syntax is None


def test_the_frontend_argument_wins_over_the_directive() -> None:
    found = base_images(
        "# syntax=a/b\nFROM x",
        build_args={"BUILDKIT_SYNTAX": "c/d:2"},
        target=None,
        platform="linux/amd64",
    )
    assert found.syntax == BaseImage("syntax", "c/d:2", "c/d:2", 0)


# --- what is refused ----------------------------------------------------------------------------

REFUSED = {
    "empty": ("", 1, "no instruction"),
    "comments only": ("# hello\n\n#x", 1, "no instruction"),
    "no FROM": ("ARG V=1", 1, "no FROM"),
    "something before FROM": ("\nRUN ls\nFROM a", 2, "RUN stands before"),
    "unknown instruction": ("FROM a\nRUM ls", 2, "unknown instruction: 'RUM'"),
    "only an escape": ("FROM a\n\\", 2, "unknown instruction"),
    "FROM without image": ("FROM", 1, "FROM image"),
    "FROM with a comment": ("FROM alpine # x", 1, "FROM image"),
    "FROM with two words": ("FROM alpine b", 1, "FROM image"),
    "FROM without AS": ("FROM alpine IS b", 1, "FROM image"),
    "stage name with a digit first": ("FROM alpine AS 1b", 1, "stage name"),
    "unset variable": ("FROM a\nFROM $V", 2, "is empty"),
    "unset variable in an unused stage": ("FROM $V\nFROM a", 1, "is empty"),
    "empty platform": ("FROM --platform=$V a", 1, "--platform is empty"),
    "platform without value": ("FROM --platform a", 1, "--platform must"),
    "required variable": ("FROM a:${V:?set-me}", 1, "V: set-me"),
    "open brace": ("FROM a:${V", 1, "missing"),
    "open default": ("FROM a:${V:-x", 1, "missing"),
    "empty braces": ("FROM a:${}", 1, "bad substitution"),
    "unknown modifier": ("FROM a:${V^^}", 1, "unsupported modifier '^'"),
    "unknown colon modifier": ("FROM a:${V:=x}", 1, "unsupported modifier ':='"),
    "replacement without end": ("FROM a:${V/x}", 1, "missing '/'"),
    "pattern escape": ("ARG V=a\nFROM a:${V#\\a}", 2, "invalid escape"),
    "open quote": ('FROM "alpine', 1, "double quote"),
    "open single quote": ("ARG V='x\nFROM a", 1, "single quote"),
    "blank ARG": ("ARG\nFROM a", 1, "at least one"),
    "nameless ARG": ("ARG =x\nFROM a", 1, "blank"),
    "no image reference": ("FROM -x", 1, "not an image reference"),
    "foreign letters": ("FROM älpine", 1, "not an image reference"),
    "variable in COPY": ("ARG V=a\nFROM a\nCOPY --from=$V x y", 3, "not expanded here"),
    "variable in a mount": ("FROM a\nRUN --mount=from=$V,target=/x ls", 2, "not expanded here"),
    "copy from itself": ("FROM a AS b\nCOPY --from=b x y", 2, "no stage before"),
    "copy from later": ("FROM a AS b\nCOPY --from=c x y\nFROM b AS c", 2, "no stage before"),
    "copy from a number too high": ("FROM a\nCOPY --from=7 x y", 2, "no stage before"),
    "copy from a negative number": ("FROM a\nFROM b\nCOPY --from=-1 x y", 3, "no stage before"),
    "copy from twice": ("FROM a\nCOPY --from=b --from=c x y", 2, "given once"),
    "copy from nothing": ("FROM a\nCOPY --from x y", 2, "with a value"),
    "mount without value": ("FROM a\nRUN --mount ls", 2, "must have a value"),
    "mount that is no CSV": ('FROM a\nRUN --mount=\\"a\\"b ls', 2, "cannot be read"),
    "open heredoc": ("FROM a\nRUN <<EOF\nls", 2, "unterminated heredoc <<EOF"),
    "heredoc end behind blanks": ("FROM a\nRUN <<-E\n  E", 2, "unterminated"),
    "indented heredoc end": ("FROM a\nRUN <<E\n\tE", 2, "unterminated"),
    "list of numbers": ("FROM a\nRUN [1]", 2, "strings only"),
    "onbuild FROM": ("FROM a\nONBUILD FROM b", 2, "ONBUILD trigger"),
    "onbuild onbuild": ("FROM a\nONBUILD ONBUILD RUN ls", 2, "ONBUILD trigger"),
    "directive twice": ("# escape=`\n# escape=`\nFROM a", 2, "only one escape"),
    "strange escape": ("# escape=x\nFROM a", 1, "escape directive"),
    "utf-16": ("FROM a".encode("utf-16"), 1, "UTF-16"),
}


@pytest.mark.parametrize(("text", "line", "message"), REFUSED.values(), ids=REFUSED)
def test_a_bad_file_is_refused_with_its_line(text: str | bytes, line: int, message: str) -> None:
    found_line, found = refusal(text)
    assert (found_line, message in found) == (line, True), found


def test_an_unknown_target_is_refused() -> None:
    assert refusal("FROM a AS b", target="c") == (0, "target stage 'c' could not be found")


@pytest.mark.parametrize("target", ["1", "-1", "b c"])
def test_a_target_that_cannot_be_is_refused(target: str) -> None:
    assert "could not be found" in refusal("FROM a", target=target)[1]


def test_another_frontend_may_know_more_instructions() -> None:
    assert images("# syntax=x/y\nFROM a\nINCLUDE b") == [("syntax", "x/y"), ("runtime", "a")]


def test_a_wrong_word_in_a_stage_nobody_needs_is_no_error() -> None:
    assert images("FROM a AS x\nCOPY --from=y 1 2\nFROM b AS y") == [("runtime", "b")]


def test_the_size_is_limited() -> None:
    with pytest.raises(DockerfileError, match="larger than 10 bytes"):
        parse("FROM alpine", limit=10)
    assert parse("FROM alpin", limit=10).instructions


def test_an_error_is_a_plain_value_error() -> None:
    assert issubclass(DockerfileError, ValueError)


HOSTILE = {
    "doubling arguments": "ARG A=xxxxxxxxxx\n" + "ARG A=$A$A\n" * 60 + "FROM a",
    "deep nesting": "FROM " + "${A:-" * 100_000,
    "costly pattern": "ARG A=" + "a" * 50_000 + "\nFROM x${A#" + "*a" * 20_000 + "b}",
    "multiplied triggers": "FROM a AS o\n" + "ONBUILD COPY --from=x a b\n" * 999 + "FROM o\n" * 99,
    "nested lists": "FROM a\nRUN " + "[" * 100_000 + "\nBAD",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_and_not_computed(text: str) -> None:
    assert refusal(text)


# --- instructions -------------------------------------------------------------------------------


def test_lines_count_from_one_and_include_what_belongs_to_the_instruction() -> None:
    text = "# c\nFROM a\n\nRUN x \\\n # c\n y\nRUN <<A <<B\n1\nA\n2\nB\nUSER u"
    found = [(item.name, item.line, item.end_line) for item in parse(text).instructions]
    assert found == [("FROM", 2, 2), ("RUN", 4, 6), ("RUN", 7, 11), ("USER", 12, 12)]


def test_the_arguments_stay_raw() -> None:
    assert only('RUN --network=none [ "a" , "b c" ]').arguments == '[ "a" , "b c" ]'
    assert only('RUN [ "a" , "b c" ]').is_json
    assert not only("RUN [ a ]").is_json
    assert only("run  echo  \"a\"  'b'  ").arguments == "echo  \"a\"  'b'"


def test_two_escapes_do_not_continue_a_line() -> None:
    assert [item.name for item in parse("RUN a \\\\\nUSER b").instructions] == ["RUN", "USER"]


def test_a_continuation_keeps_the_blanks_of_the_next_line() -> None:
    assert only("RUN a\\\n  b").arguments == "a  b"


def test_a_heredoc_keeps_its_text() -> None:
    (heredoc,) = only('COPY <<-"my file" /x\n\ta\\\r\n# no comment\n\tmy file').heredocs
    assert (heredoc.name, heredoc.strip_tabs) == ("my file", True)
    assert heredoc.content == "\ta\\\r\n# no comment\n"


def test_flags_lose_their_quotes() -> None:
    (first, second) = only("""RUN --a="b c" --d=e\\ f'g' x""").flags
    assert [(flag.name, flag.value) for flag in (first, second)] == [("a", "b c"), ("d", "e fg")]


def test_bytes_that_are_no_utf8_survive() -> None:
    text = decode(b"# caf\xe9\nFROM a\n")
    assert text.encode("utf-8", "surrogateescape") == b"# caf\xe9\nFROM a\n"
    assert runtime(b"# caf\xe9\nFROM a\n") == "a"
