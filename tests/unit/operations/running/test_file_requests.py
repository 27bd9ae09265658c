"""What `run -f` and `run --cmd` ask for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.base.errors import WrongUsage
from reconciler.model.workspace import Workspace
from reconciler.operations.running.file_requests import FileWords, file_request

FILE = FileWords("ctx", file="task.yaml")
COMMAND = FileWords("ctx", cmd="busybox:1 true")


@pytest.mark.parametrize("words", [FILE, COMMAND])
def test_a_file_is_read_strictly_unless_asked_otherwise(words: FileWords) -> None:
    for wanted, compat in ((words, "strict"), (replace(words, compat="acb"), "acb")):
        multi = file_request(wanted, WORKSPACE, "dev").multi
        assert multi is not None
        assert multi.compat == compat


@pytest.mark.parametrize("words", [FileWords("ctx"), replace(FILE, cmd="x")])
def test_a_file_or_a_command_is_run(words: FileWords) -> None:
    with pytest.raises(WrongUsage, match="one of the two"):
        file_request(words, WORKSPACE, "dev")


@pytest.mark.parametrize("words", [FILE, COMMAND])
@pytest.mark.parametrize(
    "source",
    ["https://u:hunterpw@h.example/r.git", "u:hunterpw@h.example/r", "https://h/a?sig=hunterpw"],
)
def test_a_context_with_a_password_is_refused_before_anything_is_kept(
    words: FileWords, source: str
) -> None:
    with pytest.raises(WrongUsage, match="no user, token") as refused:
        file_request(replace(words, source=source), WORKSPACE, "dev")
    assert "hunterpw" not in str(refused.value)


WORKSPACE = Workspace.model_validate(
    {
        "apiVersion": "reconciler/v1",
        "kind": "Workspace",
        "registries": [{"name": "contoso", "loginServer": "registry.contoso.example"}],
    }
)
