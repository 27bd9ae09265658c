"""Tasks that stand on images of each other, in a workspace on disk."""

from __future__ import annotations

from typing import Any

from tests.flow.project import Project

SERVER = "registry.contoso.example"


def write(
    project: Project, name: str, *bases: str, trigger: Any = None, head: str = "", **parts: Any
) -> None:
    """A task that pushes NAME:1 and takes its last stage from the last of its bases.

    `trigger` False: none for base images. `head` is what its Dockerfile begins with.
    """
    folder = project.root / name
    folder.mkdir(exist_ok=True)
    stages = [f"FROM {base} AS s{number}\n" for number, base in enumerate(bases)]
    taken = [f"COPY --from=s{number} /a /a\n" for number in range(len(bases) - 1)]
    (folder / "Dockerfile").write_text("".join([head, *stages, *taken]))
    triggers = {} if trigger is False else {"baseImage": trigger or {}}
    spec = {"context": {"source": name}, "triggers": triggers, **parts}
    project.write(name, **{"step": {"docker": {"images": [f"{name}:1"]}}, **spec})


def own(name: str) -> str:
    """The image that a task of `write` pushes."""
    return f"{SERVER}/{name}:1"
