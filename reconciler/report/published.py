"""The published JSON Schemas of what reports print for scripts. Prints nothing."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

# what is printed -> its schema's file
PUBLISHED = {
    "report": "audit.schema.json",
    "render": "render.schema.json",
    "deps": "deps.schema.json",
    "doctor": "doctor.schema.json",
}


def published_schema(kind: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of the output of one command. Raises KeyError."""
    folder = resources.files("reconciler.report").joinpath("schemas")
    schema: dict[str, Any] = json.loads(folder.joinpath(PUBLISHED[kind]).read_text())
    return schema
