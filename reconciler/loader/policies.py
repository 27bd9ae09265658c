"""The folder `policies/`: policies and waivers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError

from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.encoding import YamlError
from reconciler.base.source import Located, Path, Source
from reconciler.base.yaml import RawDocument
from reconciler.loader.explain import explain
from reconciler.loader.files import (
    TEMPLATE_SUFFIX,
    WorkspaceFiles,
    list_folders,
    parse_bytes,
    yaml_diagnostic,
)
from reconciler.loader.kinds import POLICY_FOLDER, wrong_kind
from reconciler.model.policy import Policy, Waiver

__all__ = ["POLICY_FOLDER", "PolicySet", "load_policies"]


@dataclass(slots=True)
class PolicySet:
    """All policies and waivers, what is wrong with them, and the digest of their files."""

    policies: list[Located[Policy]] = field(default_factory=list)
    waivers: list[Located[Waiver]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    digest: str = ""


def load_policies(files: WorkspaceFiles) -> PolicySet:
    """Read every file of `policies/`; nothing is raised, diagnostics say what is wrong."""
    result, content = PolicySet(), hashlib.sha256()
    for folder in list_folders(files.root, POLICY_FOLDER):
        result.diagnostics += folder.problems
        for file in folder.files:
            _load_file(files, file, result, content)
    result.digest = "sha256:" + content.hexdigest()
    return result


def _load_file(files: WorkspaceFiles, file: str, result: PolicySet, content: hashlib._Hash) -> None:
    if file.endswith(TEMPLATE_SUFFIX):
        message = "policies are not templates: what is judged must be what is read"
        result.diagnostics.append(Diagnostic(message, Location(file), fix="write plain YAML"))
        return
    try:
        data = files.read(file)
    except YamlError as error:
        result.diagnostics.append(yaml_diagnostic(file, error))
        return
    content.update(f"{file}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
    content.update(data)
    documents, problems = parse_bytes(file, data)
    result.diagnostics += problems
    for index, document in enumerate(documents):
        _load_document(files, file, index, document, result)


def _load_document(
    files: WorkspaceFiles, file: str, index: int, document: RawDocument, result: PolicySet
) -> None:
    source = _source(files, file, index, document)
    problem = wrong_kind(document.value, source, POLICY_FOLDER)
    if problem is not None:
        result.diagnostics.append(problem)
        return
    model: type[BaseModel] = Policy if document.value["kind"] == "Policy" else Waiver
    try:
        value = model.model_validate(document.value)
    except ValidationError as error:
        result.diagnostics += explain(error, model, document.value, source, None)
        return
    if isinstance(value, Policy):
        result.policies.append(Located(value, source))
    elif isinstance(value, Waiver):
        result.waivers.append(Located(value, source))


def _source(files: WorkspaceFiles, file: str, index: int, document: RawDocument) -> Source:
    def locate(path: Path) -> Location:
        return files.locate(file, index, path)[0]

    return Source(file, document.line, locate)
