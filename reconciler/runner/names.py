"""Names of the images a run makes: variables filled in, registry in front, checked. Pushes none."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from reconciler.base.text import one_line
from reconciler.model.image import parse_reference
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure
from reconciler.runner.variables import RunVariables, empty_variables, expand

_ILLEGAL_IN_TAG = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST_TAG = 128
_INSTEAD = "write {{.Run.ID}} or {{.Run.Commit}} in the tag instead"


def image_names(
    images: Collection[str],
    variables: RunVariables,
    login_server: str | None,
    known_registries: Collection[str] = (),
) -> tuple[str, ...]:
    """Complete names `registry/repository:tag`, in the order given, each once.

    A name gets the login server in front unless it begins with it or with a registry the task
    has a login for (ACR's rule). Raises Failure (taskfile-invalid) for a name that is illegal
    once its variables have values, or names any other registry.
    """
    known = {host for host in (login_server, *known_registries) if host}
    names = [_name(image, variables, login_server, known) for image in images]
    return tuple(dict.fromkeys(names))


def _name(
    image: str, variables: RunVariables, login_server: str | None, known: Collection[str]
) -> str:
    text = _expanded(image, variables)
    if not any(text.startswith(host + "/") for host in known):
        _refuse_other_registry(text, login_server)
        text = f"{login_server}/{text}" if login_server else text
    try:
        reference = parse_reference(text)
    except ValueError as error:
        why = _wrong_tag(image, text, variables) or str(error)
        raise _illegal(image, text, variables, why) from None
    if reference.digest:
        raise _illegal(image, text, variables, "a name to push carries no digest")
    return text if reference.tag else text + ":latest"


def _expanded(image: str, variables: RunVariables) -> str:
    head, colon, tag = image.rpartition(":")
    if not colon or "/" in tag:
        return expand(image, variables)
    in_tag = replace(
        variables, branch=tag_text(variables.branch), git_tag=tag_text(variables.git_tag)
    )
    return f"{expand(head, variables)}:{expand(tag, in_tag)}"


def _wrong_tag(image: str, text: str, variables: RunVariables) -> str | None:
    """What is wrong with a tag that a branch or a Git tag made, and the way out."""
    template, tag = image.rpartition(":")[2], text.rpartition(":")[2]
    kinds = {
        "branch": (".Run.Branch", variables.branch),
        "Git tag": (".Run.GitTag", variables.git_tag),
    }
    for kind, (field, name) in kinds.items():
        if field in template and name and not tag_text(name):
            return f"the {kind} {one_line(name)} has no character that a tag may have; {_INSTEAD}"
    if "/" not in tag and len(tag) > _LONGEST_TAG:
        return f"its tag has {len(tag)} characters, and {_LONGEST_TAG} are legal; {_INSTEAD}"
    return None


def tag_text(name: str) -> str:
    """A branch or a Git tag as part of an image's tag: `feature/x` is `feature-x`.

    Each character that a tag may not have becomes a dash, and a tag begins with neither dash nor
    dot: the rule of the usual CI actions. Two branches may so come to the same tag.
    """
    return _ILLEGAL_IN_TAG.sub("-", name).lstrip("-.")


def changed_in_tags(images: Collection[str], variables: RunVariables) -> str | None:
    """How a branch is spelled in the tags of images, if otherwise than it is called."""
    branch = variables.branch
    tagged = any(".Run.Branch" in image.rpartition(":")[2] for image in images)
    if not tagged or tag_text(branch) == branch:
        return None
    spelled = tag_text(branch) or "nothing"
    return f"the branch {one_line(branch)} is {spelled} in a tag, where it must be legal"


def _refuse_other_registry(text: str, login_server: str | None) -> None:
    head, slash, _ = text.partition("/")
    # What docker reads as a host: a report would name it, and the push would go elsewhere.
    if login_server and slash and (":" in head or "." in head or head == "localhost"):
        message = (
            f"the image {one_line(text)} names the registry {one_line(head)}, "
            f"but the run pushes to {login_server}"
        )
        raise Failure(Reason.TASKFILE_INVALID, message)


def _illegal(image: str, text: str, variables: RunVariables, why: str) -> Failure:
    empty = empty_variables(image, variables)
    cause = f"; {', '.join(empty)} has no value in this run" if empty else ""
    message = f"the image name {one_line(text)} (from {one_line(image)}) is not legal: {why}{cause}"
    return Failure(Reason.TASKFILE_INVALID, message)
