"""`init`: a workspace that validates and plans at once, from the files in `starter/`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from reconciler.adapters.files import write_whole
from reconciler.base.errors import ReconcilerError

_STARTER = {
    "reconciler.yaml": "reconciler.yaml",
    "specs/defaults.yaml": "specs/defaults.yaml",
    "specs/hello.yaml": "specs/hello.yaml",
    "policies/default.yaml": "policies/default.yaml",
    "hello/Dockerfile": "hello/Dockerfile",
    "hello/hello.txt": "hello/hello.txt",
    "gitignore": ".gitignore",
}


def start_workspace(folder: Path) -> list[str]:
    """Write the starter files; the names of those written. Existing files are never replaced.

    Raises ReconcilerError if the folder holds a workspace already or cannot be written.
    """
    if (folder / "reconciler.yaml").exists():
        raise ReconcilerError(
            f"there is a reconciler.yaml in {folder} already",
            hint="go on with: reconciler validate",
        )
    try:
        return [name for source, name in _STARTER.items() if _write(source, folder / name)]
    except OSError as error:
        raise ReconcilerError(f"cannot write {error.filename}: {error.strerror}") from None


def _write(source: str, target: Path) -> bool:
    if target.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(
        target, files("reconciler.operations.authoring").joinpath("starter", source).read_bytes()
    )
    return True
