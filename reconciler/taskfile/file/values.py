"""What templates may use: values files, `--set` words, run variables, secrets. Reads no file."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.taskfile.faults import Fault
from reconciler.taskfile.inputs import Inputs
from reconciler.taskfile.template.functions.maps import to_json
from reconciler.taskfile.template.govalues import SecretText, UnreadText, ValueFault, convert
from reconciler.taskfile.template.lookup import Closed
from reconciler.taskfile.template.vault import Vault, check_reserved, shown
from reconciler.taskfile.tree.nodes import Mapping as MapNode
from reconciler.taskfile.tree.nodes import Node, Scalar
from reconciler.taskfile.tree.nodes import Sequence as SequenceNode
from reconciler.taskfile.tree.parse import parse_yaml
from reconciler.taskfile.tree.scalars import switch, whole_number

# Source: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
RUN_NAMES = (
    *("ID", "SharedVolume", "Registry", "RegistryName", "Date", "OS", "OSVersion", "Architecture"),
    *("Commit", "Branch", "TaskName", "Repository", "GitTag", "TriggeredBy"),
)
UNREAD = UnreadText().value  # how a secret reads that nobody has resolved


def read_values(text: str, *, lenient: bool = False) -> dict[str, Any]:
    """The map of a values file. Raises Fault with the place in it."""
    node = parse_yaml(text, lenient=lenient)
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return {}
    if not isinstance(node, MapNode):
        raise Fault("a values file is a map of names and values", node.line, node.column)
    for key in node.repeated:
        if not lenient:
            raise Fault(f'the value "{key.text}" is given twice', key.line, key.column)
    return {name: _plain(value) for name, value in node.entries.items()}


def _plain(node: Node) -> Any:
    if isinstance(node, MapNode):
        return {name: _plain(value) for name, value in node.entries.items()}
    if isinstance(node, SequenceNode):
        return [_plain(item) for item in node]
    if node.is_null:
        return None
    for read in (whole_number, switch):
        value = read(node, lenient=False)
        if value is not None:
            return value
    return _fraction(node)


def _fraction(node: Scalar) -> Any:
    """A fraction that is written in its shortest form; `1.10` stays a text, it is a version."""
    try:
        number = float(node.text) if node.plain and len(node.text) < 20 else None
    except ValueError:
        return node.text
    return number if number is not None and repr(number) == node.text else node.text


def read_settings(words: Sequence[str]) -> dict[str, str]:
    """`NAME=value` words of `--set`; the last of two wins. Raises ValueError.

    Split at the first `=`, always texts, no nesting: as `az acr` hands them on.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise ValueError("a value is set as NAME=value")
        found[name] = value
    return found


def template_data(inputs: Inputs, secrets: Mapping[str, Any], vault: Vault) -> Closed:
    """The data of a template. Raises ValueFault if a value holds a reserved character."""
    run = {name: inputs.run.get(name, "") for name in RUN_NAMES}
    run["RegistryName"] = run["RegistryName"] or run["Registry"].partition(".")[0]
    values = convert(dict(inputs.values), _checked) | {
        name: UnreadText() if value == UNREAD else SecretText(value)
        for name, value in inputs.secret_values.items()
    }
    convert(run, _checked)
    return Closed(
        Run=Closed(run),
        Build=Closed(ID=run["ID"]),
        Values=values,
        Secrets=secrets,
        RunJSON=lambda: _shell_json(run, vault),
        ValuesJSON=lambda: _shell_json(values, vault),
    )


def _checked(value: Any) -> Any:
    if isinstance(value, str):
        check_reserved(value)
    elif value is not None and not isinstance(value, bool | int | float):
        raise ValueFault(
            f"a value is a text, a number, a list or a map, not {type(value).__name__}"
        )
    return value


def _shell_json(values: Mapping[str, Any], vault: Vault) -> str:
    """JSON in one shell word; the secrets in it are escaped where they are put in."""
    escaped = convert(values, lambda leaf: _escaped(leaf) if isinstance(leaf, SecretText) else leaf)
    return shlex.quote(to_json(shown(escaped, vault)))


def _escaped(secret: SecretText) -> SecretText:
    return SecretText(json.dumps(secret.value, ensure_ascii=False)[1:-1])


class AnySecret(Mapping[str, Any]):
    """Stands for secrets whose names are not known yet: every name has one that reads `***`."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> SecretText:
        return UnreadText()

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
