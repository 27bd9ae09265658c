"""Image names, and what two tasks may not both write."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from reconciler.model.image import ImageName, RepositoryPattern, output_key, parse_reference

DIGEST = "sha256:" + "a" * 64
HOME = "registry.contoso.example"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("web", (None, "web", None, None)),
        ("web:1", (None, "web", "1", None)),
        ("team/web:1", (None, "team/web", "1", None)),
        ("localhost/web", ("localhost", "web", None, None)),
        ("127.0.0.1:5000/web:1", ("127.0.0.1:5000", "web", "1", None)),
        ("builder:5000/web", ("builder:5000", "web", None, None)),
        ("[::1]:5000/web", ("[::1]:5000", "web", None, None)),
        (f"docker.io/library/alpine:3@{DIGEST}", ("docker.io", "library/alpine", "3", DIGEST)),
    ],
)
def test_an_image_name_has_four_parts(text: str, parts: tuple[str | None, ...]) -> None:
    found = parse_reference(text)
    assert (found.registry, found.repository, found.tag, found.digest) == parts
    assert str(found) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Web",
        "web:",
        ":1",
        "web:a b",
        "web:" + "x" * 129,
        "a" * 256,
        "a//b",
        "-a",
        "web@sha256:1",
    ],
)
def test_what_is_no_image_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an image name is"):
        parse_reference(text)


@pytest.mark.parametrize(
    "text",
    ["web:{{.Run.ID}}", "{{.Run.Registry}}/web:1", "$Registry/web:$ID", "web:{{ .Run.Date }}-x"],
)
def test_run_variables_stand_for_what_is_not_known_yet(text: str) -> None:
    assert TypeAdapter(ImageName).validate_python(text) == text


@pytest.mark.parametrize(
    "text", [f"web@{DIGEST}", "WEB:{{.Run.ID}}", "{{.Run.ID", "a" * 2000, "a-" * 9000]
)
def test_a_name_that_cannot_be_written_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ImageName).validate_python(text)


@pytest.mark.parametrize(
    ("image", "key"),
    [
        ("web:1", f"{HOME}/web:1"),
        ("web", f"{HOME}/web:latest"),
        ("{{.Run.Registry}}/web:1", f"{HOME}/web:1"),
        ("{{ .Run.Registry }}/web:1", f"{HOME}/web:1"),
        ("$Registry/web:1", f"{HOME}/web:1"),
        (f"{HOME}/web:1", f"{HOME}/web:1"),
        ("Registry.Contoso.example/web:1", f"{HOME}/web:1"),
        ("other.example:5000/web", "other.example:5000/web:latest"),
        ("web:{{.Values.v}}", f"{HOME}/web:{{{{.Values.v}}}}"),
        ("web:{{.Run.ID}}", None),
        ("web:{{ .Run.Date }}", None),
        ("web:$ID", None),
    ],
)
def test_the_key_of_an_output_is_the_same_however_it_is_written(
    image: str, key: str | None
) -> None:
    assert output_key(image, HOME) == key


@pytest.mark.parametrize("text", ["web", "team/web", "team/*", "*-base", "host.example:5000/web"])
def test_a_pattern_of_repositories_is_a_name_with_stars(text: str) -> None:
    assert TypeAdapter(RepositoryPattern).validate_python(text) == text


@pytest.mark.parametrize(
    "text", ["", "*", "*/*", "Web", "web@sha256:1", "web:1", "w b", "-w", "/w"]
)
def test_a_pattern_that_means_all_or_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(RepositoryPattern).validate_python(text)
