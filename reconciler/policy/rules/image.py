"""What a task may push: how many images, where to, and under which tags."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated

from pydantic import Field

from reconciler.base.text import plural
from reconciler.model.common import Flag, Model, OneOrMany, Whole, Word
from reconciler.model.image import parse_reference
from reconciler.model.task import Task
from reconciler.policy.rule import BuiltIn, Finding, Predicate, fails, ignores, passes

_HOME = "{{.Run.Registry}}/"
_VARIABLE = re.compile(r"\{\{[^{}]*\}\}|\$[A-Za-z][A-Za-z0-9]*")
# Variables that differ from run to run. Source: run variables of ACR task files.
_UNIQUE = re.compile(r"\.Run\.(?:ID|Commit)\b|\.Build\.ID\b|\$(?:ID|Commit)\b")
Globs = Annotated[tuple[Word, ...], OneOrMany]


class ImageTags(Model):
    """Parameters of image-tags."""

    forbid: Globs = Field(
        default=("latest",), description="globs of tags that may not be pushed; no tag is latest"
    )
    require_unique: Flag = Field(
        default=True, description="at least one tag holds the run id or the commit"
    )
    repositories: Mapping[Word, Globs] = Field(
        default_factory=dict,
        description="globs of repositories by registry (name or host, * for all others)",
    )
    max_images: Annotated[Whole, Field(ge=1, le=100)] = Field(
        default=10, description="most images a task pushes"
    )


@functools.lru_cache(maxsize=1024)  # each predicate asks again
def split_image(image: str) -> tuple[str | None, str, str]:
    """(host or None, repository, tag) of an image name that may hold variables; no tag: ""."""
    plain = image.removeprefix(_HOME)
    repository, colon, tag = plain.rpartition(":")
    if not colon or "/" in _VARIABLE.sub("x", tag):
        repository, tag = plain, ""
    host = parse_reference(_VARIABLE.sub("x", plain)).registry
    return host, repository.removeprefix(f"{host}/"), tag


def _pushes(_params: ImageTags, task: Task) -> bool:
    return bool(task.images)


def _tags_allowed(params: ImageTags, task: Task, _today: date) -> Iterator[Finding]:
    for index, image in enumerate(task.images):
        _host, _repository, tag = split_image(image)
        if any(fnmatch.fnmatchcase(tag or "latest", glob) for glob in params.forbid):
            yield Finding(
                ("spec", "step", "docker", "images", index),
                f"the tag {tag or 'latest'} is moved by every run"
                + (" (none written)" * (not tag)),
                image,
                f"any tag but {', '.join(params.forbid)}",
                "use a tag that is never moved, for example one with {{.Run.ID}}",
            )


def _one_is_unique(_params: ImageTags, task: Task, _today: date) -> Iterator[Finding]:
    tags = [split_image(image)[2] for image in task.images]
    if not any(_UNIQUE.search(tag) for tag in tags):
        yield Finding(
            ("spec", "step", "docker", "images"),
            "no tag tells the runs apart",
            ", ".join(tag or "latest" for tag in tags),
            "a tag with {{.Run.ID}} or {{.Run.Commit}}",
            "add an image such as " + split_image(task.images[0])[1] + ":{{.Run.ID}}",
        )


def _wants_unique(params: ImageTags, task: Task) -> bool:
    return params.require_unique and bool(task.images)


def _globs(params: ImageTags, task: Task, host: str | None) -> tuple[str, ...] | None:
    found = params.repositories.get(host or task.metadata.registry)
    return params.repositories.get("*") if found is None else found


def _repositories_allowed(params: ImageTags, task: Task, _today: date) -> Iterator[Finding]:
    for index, image in enumerate(task.images):
        host, repository, _tag = split_image(image)
        globs = _globs(params, task, host)
        plain = _VARIABLE.sub("x", repository)
        if globs is not None and not any(fnmatch.fnmatchcase(plain, glob) for glob in globs):
            yield Finding(
                ("spec", "step", "docker", "images", index),
                "the task may not push to this repository",
                image,
                ", ".join(globs) or "none",
                "push to a repository the policy names",
            )


def _has_bounds(params: ImageTags, task: Task) -> bool:
    return bool(params.repositories) and bool(task.images)


def _few_enough(params: ImageTags, task: Task, _today: date) -> Iterator[Finding]:
    if len(task.images) > params.max_images:
        yield Finding(
            ("spec", "step", "docker", "images"),
            f"the task pushes {plural(len(task.images), 'image')}",
            str(len(task.images)),
            f"at most {params.max_images}",
            "split the task, or push fewer tags",
        )


def _pushing(*images: str) -> dict[str, object]:
    return {"spec": {"step": {"docker": {"images": list(images)}}}}


RULE = BuiltIn(
    name="image-tags",
    title="Pushed images can be told apart and stand where they belong",
    description=(
        "A tag that every run moves cannot be rolled back to, and nobody can say later what ran. "
        "Only images of a docker step are judged: task files are read at run time."
    ),
    params=ImageTags,
    severity="medium",
    predicates=(
        Predicate("tags-allowed", "no tag is a forbidden one", _tags_allowed, _pushes),
        Predicate("one-tag-unique", "a tag holds run id or commit", _one_is_unique, _wants_unique),
        Predicate(
            "repositories-allowed", "each repository is allowed", _repositories_allowed, _has_bounds
        ),
        Predicate("few-enough", "there are at most maxImages", _few_enough, _pushes),
    ),
    examples=(
        passes("run id and a release name", _pushing("web:{{.Run.ID}}", "web:2026-11")),
        passes("by commit", _pushing("web:{{.Run.Commit}}"), repositories={"contoso": "web*"}),
        ignores("nothing is pushed", {}),
        fails("latest", _pushing("web:{{.Run.ID}}", "web:latest")),
        fails("no tag is latest", _pushing("web:{{.Run.ID}}", "127.0.0.1:5000/web")),
        fails("no unique tag", _pushing("web:stable")),
        fails("a foreign repository", _pushing("etl:{{.Run.ID}}"), repositories={"*": ["web*"]}),
        fails("too many", _pushing("web:{{.Run.ID}}", "web:a", "web:b"), maxImages=2),
    ),
    fix="push at least one tag with {{.Run.ID}} or {{.Run.Commit}}, and no moving tag",
    controls=("SLSA Build L1",),
)
