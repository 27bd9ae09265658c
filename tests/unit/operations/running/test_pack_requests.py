"""From the words of `pack build` to a request: what is refused before any run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.base.errors import WrongUsage
from reconciler.model.workspace import Workspace
from reconciler.operations.running.pack_requests import PackWords, pack_request
from reconciler.runner.request import RunRequest, read_request

WORKSPACE = Workspace.model_validate(
    {
        "apiVersion": "reconciler/v1",
        "kind": "Workspace",
        "registries": [{"name": "contoso", "loginServer": "registry.contoso.example"}],
    }
)


def asked(**words: Any) -> RunRequest:
    known = {"source": ".", "builder": "builder:1", "images": ("web:{{.Run.ID}}",), **words}
    return pack_request(PackWords(**known), WORKSPACE, "dev")


def test_a_request_can_be_stored_and_done_by_another_process() -> None:
    request = asked(pull=True, network="host")
    stored = request.first_record(datetime(2026, 11, 21, tzinfo=UTC)).wanted
    assert read_request(stored) == request
    assert request.login_server == "registry.contoso.example"
    assert request.multi is not None
    assert request.multi.pack is not None
    assert request.multi.pack.images == ("web:{{.Run.ID}}",)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"platform": "windows/amd64"}, "buildpacks run on Linux only"),
        ({"builder": "No Builder"}, "--builder No Builder: an image name is"),
        ({"images": ("Web Site",)}, "images.0: an image name is"),
        ({"images": ()}, "images"),
        ({"registry": "other"}, "no registry is called other"),
        ({"timeout": 0}, "a timeout is 1 to"),
    ],
)
def test_wrong_words_are_told(words: dict[str, Any], told: str) -> None:
    with pytest.raises(WrongUsage, match=told):
        asked(**words)
