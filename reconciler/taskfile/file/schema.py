"""JSON Schema of a task file as it is written, for editors. Reads no file; strict like the reader.

What a template or an alias makes is not known here, so a text with `{{` or `$` fits everywhere a
text does. A test holds this and the reader together.
"""

from __future__ import annotations

from typing import Any

from reconciler.taskfile.file.meanings import OF_MAPS, OF_STEPS, OF_TASKS
from reconciler.taskfile.steps.assemble import KEYS as TASK_KEYS
from reconciler.taskfile.steps.assemble import VERSIONS
from reconciler.taskfile.steps.step import KEYS as STEP_KEYS
from reconciler.taskfile.steps.step import KINDS, MAX_STEPS
from reconciler.taskfile.tree.fields import MAX_SECONDS, MAX_TRIES

Schema = dict[str, Any]

_MADE: Schema = {"type": "string", "pattern": r"\{\{|\$"}  # by a template or an alias
_TEXT: Schema = {"type": ["string", "number", "boolean", "null"]}
_ITEM: Schema = {"type": ["string", "number", "boolean"]}
_SWITCH: Schema = {"type": ["boolean", "null"]}
_DOWNLOADS: Schema = {"type": ["integer", "null"], "maximum": MAX_TRIES}
_COUNT: Schema = {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_TRIES}
_SECONDS: Schema = {"type": ["integer", "null"], "maximum": MAX_SECONDS}
_ENV: Schema = {
    "type": ["array", "null"],
    "items": {"anyOf": [{"type": "string", "pattern": r"^[^\s=]+="}, _MADE]},
}


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": ["array", "null"], "items": items, **more}


def _one_of(*words: str) -> Schema:
    return {"anyOf": [{"enum": [*words, None]}, _MADE]}


def _either(pattern: str, kinds: Schema = _TEXT) -> Schema:
    """A scalar; if it is a text, of this pattern or made by a template or an alias."""
    return {**kinds, "anyOf": [{"pattern": pattern}, _MADE]}


def _map(what: str, required: list[str], /, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": {
            key: {**value, "description": OF_MAPS[what][key]} for key, value in properties.items()
        },
    }


_PORTS = _list(_either(r"^((\S+:)?[0-9-]*:)?[0-9]+(-[0-9]+)?(/(tcp|udp|sctp))?$", _ITEM))
_CODES = _list({"type": "integer", "minimum": 0, "maximum": 255})
_STEP: dict[str, Schema] = {
    "id": {**_either(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"), "not": {"const": "acb_root"}},
    "cmd": _TEXT,
    "build": _TEXT,
    "push": _list(_ITEM),
    "when": _list(_ITEM, uniqueItems=True),
    "timeout": _SECONDS,
    "startDelay": _SECONDS,
    "ignoreErrors": _SWITCH,
    "cache": _either("^([eE][nN]|[dD][iI][sS])[aA][bB][lL][eE][dD]$", {"type": ["string", "null"]}),
    "retries": _COUNT,
    "retryDelay": _SECONDS,
    "retryOnErrors": _list(_ITEM),
    "repeat": _COUNT,
    "keep": _SWITCH,
    "network": {**_TEXT, "not": {"pattern": "^[cC][oO][nN][tT][aA][iI][nN][eE][rR]:"}},
    "env": _ENV,
    "workingDirectory": _TEXT,
    "disableWorkingDirectoryOverride": _SWITCH,
    "volumeMounts": _list(_map("mount", ["name", "mountPath"], name=_ITEM, mountPath=_ITEM)),
    "detach": _SWITCH,
    "cmdDownloadRetries": _DOWNLOADS,
    "cmdDownloadRetryDelay": _SECONDS,
    "pull": _SWITCH,
    "privileged": _SWITCH,
    "user": _TEXT,
    "isolation": _one_of("default", ""),
    "cpus": _either(r"^([0-9]+(\.[0-9]+)?|\.[0-9]+)$"),
    "entryPoint": _TEXT,
    "ports": _PORTS,
    "expose": _PORTS,
    "exitedWith": _CODES,
    "exitedWithout": _CODES,
}
_ALIAS = _map(
    "alias",
    [],
    src=_list(_ITEM, maxItems=20),
    values={
        "type": ["object", "null"],
        "propertyNames": {"pattern": "^[A-Za-z0-9]+$"},
        "additionalProperties": _TEXT,
    },
    directive=_either(r"^[^A-Za-z0-9\s{}]$"),
)
_TASK: dict[str, Schema] = {
    "version": {
        "anyOf": [
            {"enum": [*VERSIONS, None]},
            {
                "type": "string",
                "pattern": "^([vV]1\\.[01]\\.0|1\\.0-[pP][rR][eE][vV][iI][eE][wW]-1)$",
            },
            _MADE,
        ]
    },
    "steps": {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_STEPS,
        "items": {"$ref": "#/$defs/step"},
    },
    "stepTimeout": _SECONDS,
    "workingDirectory": _TEXT,
    "env": _ENV,
    "secrets": _list(
        {
            **_map("secret", ["id"], id=_ITEM, keyvault=_ITEM, akv=_ITEM, clientID=_TEXT),
            "oneOf": [{"required": ["keyvault"]}, {"required": ["akv"]}],
        }
    ),
    "networks": _list(
        _map(
            "network",
            ["name"],
            name=_ITEM,
            driver=_TEXT,  # which are right depends on skipCreation
            ipv6=_SWITCH,
            skipCreation=_SWITCH,
            isDefault=_SWITCH,
        )
    ),
    "volumes": _list(
        _map(
            "volume",
            ["name", "secret"],
            name=_ITEM,
            secret={"type": "object", "minProperties": 1, "additionalProperties": _TEXT},
        )
    ),
    "alias": {**_ALIAS, "type": ["object", "null"]},
}


def task_file_schema() -> Schema:
    """The schema (2020-12) of a task file that is read strictly."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Task file",
        "description": "Steps of a task in the language of ACR Tasks.",
        "type": "object",
        "additionalProperties": False,
        "required": ["steps"],
        "properties": {key: {**_TASK[key], "description": OF_TASKS[key]} for key in TASK_KEYS},
        "if": {"properties": {"alias": {"type": "object"}}, "required": ["alias"]},
        "then": {"properties": {"version": _VERSION_WITH_ALIASES}, "required": ["version"]},
        "$defs": {"step": _step_schema()},
    }


_VERSION_WITH_ALIASES: Schema = {"anyOf": [{"type": "string", "pattern": "^[vV]1\\.1\\.0$"}, _MADE]}


def _step_schema() -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {key: {**_STEP[key], "description": OF_STEPS[key]} for key in STEP_KEYS},
        "oneOf": [{"required": [kind], "properties": {kind: _SAYS[kind]}} for kind in KINDS],
        "allOf": [
            {"not": {"required": ["exitedWith", "exitedWithout"], "properties": _BOTH_CODES}},
            {
                "not": {
                    "required": ["push", "volumeMounts"],
                    "properties": {"push": _SAYS["push"], "volumeMounts": {"type": "array"}},
                }
            },
        ],
    }


_SAYS: dict[str, Schema] = {
    "cmd": {"type": ["string", "number", "boolean"], "minLength": 1},
    "build": {"type": ["string", "number", "boolean"], "minLength": 1},
    "push": {"type": "array", "minItems": 1},
}
_SOME: Schema = {"type": "array", "minItems": 1}
_BOTH_CODES = {"exitedWith": _SOME, "exitedWithout": _SOME}
