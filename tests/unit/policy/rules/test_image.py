"""Taking image names with variables apart."""

from __future__ import annotations

import pytest

from reconciler.policy.rules.image import split_image


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("web", (None, "web", "")),
        ("web:v1", (None, "web", "v1")),
        ("{{.Run.Registry}}/team/web:{{.Run.ID}}", (None, "team/web", "{{.Run.ID}}")),
        ("127.0.0.1:5000/web", ("127.0.0.1:5000", "web", "")),
        ("registry.contoso.example/team/web:$ID", ("registry.contoso.example", "team/web", "$ID")),
        ("{{.Values.name}}:{{.Run.Commit}}-x", (None, "{{.Values.name}}", "{{.Run.Commit}}-x")),
    ],
)
def test_an_image_name_has_host_repository_and_tag(
    image: str, parts: tuple[str | None, str, str]
) -> None:
    assert split_image(image) == parts
