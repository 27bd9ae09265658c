"""Whether a name in a task file is the name of an image. Looks for none."""

from __future__ import annotations

import re

from reconciler.model.image import parse_reference
from reconciler.taskfile.findings import Findings, Place


def check_image(name: str, at: Place, findings: Findings) -> None:
    """Note a name that is no image name; ACR's engine looks at none."""
    try:
        parse_reference(name)
    except ValueError as error:
        alias = re.match(r"\$[A-Za-z]", name)
        fix = "aliases need version: v1.1.0" if alias else "write REPOSITORY:TAG, e.g. web-api:1"
        findings.doubt(at, str(error), found=name, fix=fix)
