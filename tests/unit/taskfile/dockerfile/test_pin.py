"""Images of Dockerfiles pinned to digests: the references change, and nothing else."""

from __future__ import annotations

import pytest

from reconciler.taskfile.dockerfile.images import base_images
from reconciler.taskfile.dockerfile.logicallines import DockerfileError
from reconciler.taskfile.dockerfile.pin import pin

DIGEST = "sha256:" + "0123456789abcdef" * 4
PINNED = f"@{DIGEST}"


PINS = {
    "everything else stays": (
        "\ufeff# c\r\nFROM  --platform=x  nginx:1   AS  b # \r\n".replace(" # ", ""),
        "\ufeff# c\r\nFROM  --platform=x  nginx:1@D   AS  b\r\n",
    ),
    "variables go": ("ARG V=1\nFROM nginx:${V}", "ARG V=1\nFROM nginx:1@D"),
    "quotes go": ('FROM "nginx:1" AS b', "FROM nginx:1@D AS b"),
    "continuation": ("FROM \\\n nginx:1 \\\n AS b", "FROM \\\n nginx:1@D \\\n AS b"),
    "inside a word": ("FROM ngi\\\n# c\nnx:1 AS b", "FROM nginx:1@D\\\n# c\n AS b"),
    "copy": ("FROM a\nCOPY --from=nginx:1 x y", "FROM a\nCOPY --from=nginx:1@D x y"),
    "quoted flag": ('FROM a\nCOPY --from="nginx:1" x y', 'FROM a\nCOPY --from="nginx:1@D" x y'),
    "half quoted": ('FROM a\nCOPY --from=ng"inx:"1 x y', 'FROM a\nCOPY --from=nginx:1@D"" x y'),
    "escaped flag": ("FROM a\nCOPY --from=ng\\inx:1 x y", "FROM a\nCOPY --from=nginx:1@D x y"),
    "mount": (
        "FROM a\nRUN --mount=type=bind,from=nginx:1,target=/x ls",
        "FROM a\nRUN --mount=type=bind,from=nginx:1@D,target=/x ls",
    ),
    "stages stay": (
        "FROM nginx:1 AS nginx\nFROM nginx\nCOPY --from=nginx a b\nCOPY --from=0 a b",
        "FROM nginx:1@D AS nginx\nFROM nginx\nCOPY --from=nginx a b\nCOPY --from=0 a b",
    ),
    "unused stages too": ("FROM nginx:1\nFROM b", "FROM nginx:1@D\nFROM b"),
    "heredoc stays": ("FROM a\nRUN <<E\nFROM nginx:1\nE\n", "FROM a\nRUN <<E\nFROM nginx:1\nE\n"),
    "pinned stays": ("FROM nginx:1@sha256:1", "FROM nginx:1@sha256:1"),
    "syntax stays": ("# syntax=nginx:1\nFROM a", "# syntax=nginx:1\nFROM a"),
    "onbuild stays": (
        "FROM a AS o\nONBUILD COPY --from=nginx:1 x y\nFROM o",
        "FROM a AS o\nONBUILD COPY --from=nginx:1 x y\nFROM o",
    ),
    "backtick between": ("# escape=`\nFROM ngi`\nnx:1", "# escape=`\nFROM nginx:1@D`\n"),
}


@pytest.mark.parametrize(("text", "expected"), PINS.values(), ids=PINS)
def test_pinning_changes_the_reference_and_nothing_else(text: str, expected: str) -> None:
    assert pin(text, {"nginx:1": DIGEST}) == expected.replace("@D", PINNED)


def test_a_reference_without_tag_gets_the_digest_alone() -> None:
    assert pin("FROM nginx", {"nginx": DIGEST}) == f"FROM nginx{PINNED}"


def test_a_digest_is_not_added_to_a_digest() -> None:
    text = "FROM nginx@sha256:1"
    assert pin(text, {"nginx@sha256:1": DIGEST}) == text


def test_pinning_expands_with_the_build_arguments() -> None:
    text = "ARG V=1\nFROM a:$V-$TARGETARCH"
    found = pin(text, {"a:2-arm64": DIGEST}, build_args={"V": "2"}, platform="linux/arm64")
    assert found == f"ARG V=1\nFROM a:2-arm64{PINNED}"


def test_a_word_that_cannot_be_replaced_is_refused() -> None:
    text = 'FROM a\nRUN --mount=type=bind,\\"from=nginx:1\\",target=/x ls'
    with pytest.raises(DockerfileError, match="quoting") as caught:
        pin(text, {"nginx:1": DIGEST})
    assert caught.value.line == 2


@pytest.mark.parametrize("digest", ["sha256:1", "x", DIGEST.upper(), DIGEST + "\nRUN evil"])
def test_a_malformed_digest_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="not a digest"):
        pin("FROM a", {"a": digest})


def test_a_pinned_file_has_the_same_lines_and_pinned_dependencies() -> None:
    text = "ARG V=1\nFROM a:$V AS x\nFROM b\nCOPY --from=x 1 2\nCOPY --from=c 1 2\n"
    digests = dict.fromkeys(["a:1", "b", "c"], DIGEST)
    before = base_images(text, build_args={}, target=None, platform="linux/amd64")
    after = base_images(pin(text, digests), build_args={}, target=None, platform="linux/amd64")
    expected = [(image.role, image.reference + PINNED, image.line) for image in before.images]
    assert [(image.role, image.reference, image.line) for image in after.images] == expected
