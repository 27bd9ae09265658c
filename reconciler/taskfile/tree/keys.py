"""Which keys a map may have, and what was meant by another one. Reads no value.

Source of the rules: section "Task properties" of
https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
"""

from __future__ import annotations

from reconciler.taskfile.findings import Findings
from reconciler.taskfile.tree.nodes import Mapping

# Fields of the engine's own structures that its YAML reader lets a file set.
_HIDDEN = frozenset(
    (
        *("isbuildtask", "taskname", "registry", "registryname", "credentials"),
        *("initbuildkitcontainer", "registrylogincredentials", "dag", "tags", "buildargs"),
        *("usesbuildkit", "stepstatus", "starttime", "endtime", "completedchan"),
        *("imagedependencies", "defaultnetwork", "cachecontainer", "nodes", "root"),
    )
)
# What the documentation of ACR calls otherwise than its engine, or what others call so.
_MEANT_IN_STEPS = {
    "secret": "list it under secrets: of the file, and write {{ .Secrets.ID }} in env",
    "downloadRetries": 'its name is "cmdDownloadRetries"',
    "downloadRetryDelay": 'its name is "cmdDownloadRetryDelay"',
    "image": "the image is the first word of cmd",
    "name": 'the name of a step is its "id"',
    "dependsOn": 'steps that are waited for stand under "when"',
    "depends_on": 'steps that are waited for stand under "when"',
}


def is_hidden(name: str) -> bool:
    """True for an inner field of ACR's engine, which no file may set."""
    return name in _HIDDEN


def check_keys(mapping: Mapping, known: tuple[str, ...], what: str, findings: Findings) -> None:
    """Note every key of `mapping` that is repeated or not known; `what` is what the map is."""
    for key in mapping.repeated:
        fix = "remove one of the two; ACR's engine takes the last"
        findings.doubt(key, f'the key "{key.text}" stands twice in {what}', fix=fix)
    for name, key in mapping.keys.items():
        if name in known:
            continue
        if is_hidden(name):
            message, fix = f'"{name}" is an inner field of the engine', "remove it"
        else:
            meant = _MEANT_IN_STEPS.get(name) if what == "a step" else None
            message = f'unknown key "{name}" in {what}'
            near = meant or findings.suggestion(name, known)
            fix = near or f"known are {', '.join(known)}"
        findings.doubt(key, message, found=name, fix=fix)
