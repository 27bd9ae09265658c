"""What runs work with: where the files of secrets are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.operations.running.credentials import open_secrets
from reconciler.operations.running.run_place import place_of
from reconciler.operations.workspace import open_without_workspace, open_workspace


@pytest.mark.parametrize("workspace", [True, False])
def test_a_file_of_a_secret_lies_in_the_workspace_or_where_the_person_stands(
    tmp_path: Path, workspace: bool
) -> None:
    stands = tmp_path / "here"
    stands.mkdir()
    (stands / "tok").write_bytes(b"the value\n")
    environment = {"XDG_STATE_HOME": str(tmp_path / "state"), "RECONCILER_ACTOR": "a@b.example"}
    if workspace:
        header = "apiVersion: reconciler/v1\nkind: Workspace\n"
        (stands / "reconciler.yaml").write_text(header)
    opened = (open_workspace if workspace else open_without_workspace)(stands, environment)
    try:
        with open_secrets(place_of(opened), lambda: False) as secrets:
            assert secrets.read("file:tok") == "the value\n"
    finally:
        opened.close()
