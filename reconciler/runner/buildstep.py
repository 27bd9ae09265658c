"""A build step of a task file: its context, its bases, its image. Pushes nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping

from reconciler.base.text import one_line
from reconciler.model.build import BuildRequest, BuildResult
from reconciler.model.platform import canonical_platform
from reconciler.model.run import Reason, RunStatus
from reconciler.runner.attempts import Ear
from reconciler.runner.bases import Bases, provide_bases, read_dependencies
from reconciler.runner.buildcheck import build_args, tags
from reconciler.runner.context import find_dockerfile, find_folder, read_dockerfile
from reconciler.runner.demands import read_demands, refuse_missing_secrets, refuse_windows
from reconciler.runner.egress import check_dockerfile
from reconciler.runner.failure import Failure
from reconciler.runner.labels import image_labels
from reconciler.runner.layercache import cache_login, cache_name, keep_cache, keeps_layers
from reconciler.runner.ledger import StepFailed
from reconciler.runner.pinning import pinned_dockerfile
from reconciler.runner.ports import Fetched
from reconciler.runner.push import note_built
from reconciler.runner.secrets import (
    refuse_leaked_secrets,
    refuse_secret_arguments,
    warn_of_short,
)
from reconciler.runner.site import Site
from reconciler.runner.stepcontext import context_path, dockerfile_path, step_context
from reconciler.runner.triggers import check_triggers
from reconciler.runner.work import Work
from reconciler.taskfile.dockerfile.demands import BuildDemands
from reconciler.taskfile.steps.buildsecrets import build_secrets
from reconciler.taskfile.steps.limits import is_fetched
from reconciler.taskfile.tasks import BuildStep, PushStep

_BASE_REFUSED = ("failed to load metadata", "failed to resolve source", "pull access denied")

_CLASSIC = "classic"
_GIVE = "write --secret id=NAME and env: ['NAME={{.Secrets.NAME}}'] at the step"


def build_step(step: BuildStep, attempt: int, ear: Ear, work: Work, site: Site) -> int:
    """Build once, note the image. Returns 0. Raises Failure or Stop."""
    context = step_context(step, work, site)
    cache = cache_name(step, site.builder, work)
    given = _secrets(step, work)
    request = _prepared(step, context, work, site, cache=cache, secrets=given)
    with work.ledger.output(step.id, attempt) as output:

        def take(chunk: bytes) -> None:
            output(chunk)
            ear(chunk)

        result = site.builder.build(request, take, work.watch)
    if result.stopped:
        work.watch.check()
    if result.image_id is None:
        raise _failure(step, result, site)
    masked = {f"number {n}": value for n, value in enumerate(site.task.masked, 1)}
    secrets = {**masked, **given}
    names = [*request.tags, *([cache] if cache and site.builder.cache == "inline" else [])]
    refuse_leaked_secrets(result.image_id, secrets, names, site.images)
    site.built.update(dict.fromkeys(request.tags, result.image_id))
    note_built(request.tags, result.image_id, work)
    if cache is not None and site.multi.push and site.builder.cache == "inline":
        keep_cache(cache, step, site.images, work)
    work.ledger.say(step.id, f"built {', '.join(request.tags) or result.image_id}", attempt)
    return 0


def _failure(step: BuildStep, result: BuildResult, site: Site) -> Failure:
    if not site.images.answers():
        message = "the container engine went away during the build"
        return Failure(Reason.ENGINE, message, status=RunStatus.ERROR)
    why = f": {result.message}" if result.message else ""
    if any(text in why for text in _BASE_REFUSED):
        return StepFailed(Reason.BASE_PULL, f"a base image cannot be pulled{why}", result.exit_code)
    message = f'step "{step.id}" exited with {result.exit_code}{why}'
    return StepFailed(Reason.STEP, message, result.exit_code)


def _secrets(step: BuildStep, work: Work) -> dict[str, str]:
    """The values that the build may mount, by name, masked from now on."""
    environment = dict(step.env)
    values = {item.id: environment[item.variable] for item in build_secrets(step.build)}
    work.ledger.hide(values.values())
    warn_of_short({f"secret {name}": value for name, value in values.items()}, step.id, work)
    return values


def _prepared(
    step: BuildStep,
    workspace: Fetched,
    work: Work,
    site: Site,
    *,
    cache: str | None,
    secrets: Mapping[str, str],
) -> BuildRequest:
    """What the builder is asked, with the bases there and written down."""
    build, inside = step.build, context_path(step)
    shown_context = f'the context {one_line(build.context)} of step "{step.id}"'
    folder = find_folder(workspace.folder, inside, shown_context)
    name = os.path.relpath(dockerfile_path(step, inside), inside)
    fetched = is_fetched(build.context)
    root = workspace.root if fetched else workspace.folder
    shown = workspace.shown if fetched else None
    dockerfile = find_dockerfile(Fetched(folder, root.resolve(), shown=shown), name)
    platform = canonical_platform(build.platform) if build.platform else work.request.platform
    args = build_args(step)
    refuse_secret_arguments(secrets, args, work)
    demands = read_demands(
        read_dockerfile(dockerfile), args=args, target=build.target, platform=platform
    )
    where = f'step "{step.id}": '
    refuse_missing_secrets(demands, secrets, file=name, where=where, fix=_GIVE)
    if platform.startswith("windows/"):
        refuse_windows(demands, site.builder.name, site.images.platform()[0], where=where)
    used = site.builder.name if step.buildkit else _CLASSIC
    check_dockerfile(read_dockerfile(dockerfile), name, args, used, work)
    own = "/".join(site.images.platform())
    dependencies = read_dependencies(
        read_dockerfile(dockerfile),
        args=args,
        target=build.target,
        platform=platform,
        build_platform=own,
        tell=lambda text: work.ledger.say_unread(step.id, text),
        closed=work.request.offline,
        unneeded=work.request.offline and used == _CLASSIC,
    )
    # One after the other: two steps on the same base pull it once.
    with site.preparing:
        bases = provide_bases(dependencies, site.images, work, platform=platform)
        data = read_dockerfile(dockerfile)
        check_triggers(data, bases, secrets, work, name=name, where=where, fix=_GIVE)
        # What steps have changed never had the histories; one made there is there on purpose.
        local = folder if workspace is site.fetched and work.request.local else None
        dockerfile, bases = pinned_dockerfile(
            dockerfile,
            args,
            bases,
            work,
            platform=platform,
            build_platform=own,
            local=local,
            root=root,
        )
        work.ledger.note_bases(bases.records)
        work.ledger.note(builder=used)
    return BuildRequest(
        context=folder,
        dockerfile=dockerfile,
        tags=tags(step),
        args=args,
        target=build.target,
        platform=platform,
        no_cache=build.no_cache,
        secrets=secrets,
        labels=_labels(step, demands, bases, workspace if fetched else None, work),
        offline=work.request.offline or step.network == "none",
        cache=cache,
        cache_login=cache_login(cache, step, site.builder, work),
        classic=not step.buildkit,
        cache_kept=site.multi.push
        and keeps_layers(cache, step, site.builder, {*site.task.masked, *secrets.values()}, work),
        keep=not _is_pushed(step, site),
        scratch=work.ports.folder,
    )


def _is_pushed(step: BuildStep, site: Site) -> bool:
    """True if a push step has one of its images."""
    pushes = (other for other in site.task.steps if isinstance(other, PushStep))
    pushed = {image for other in pushes for image in other.images}
    return site.multi.push and not pushed.isdisjoint(tags(step))


def _labels(
    step: BuildStep, demands: BuildDemands, bases: Bases, source: Fetched | None, work: Work
) -> dict[str, str]:
    """What is asked for, and ours; `source` is the repository of a step that has one."""
    words = (word.partition("=") for word in step.build.labels)
    asked = {name: value for name, _, value in words}
    own = {*asked, *demands.labels}
    record = work.ledger.record
    if source is not None:
        record = record.model_copy(update={"source": source.shown, "commit": source.commit})
    return {**asked, **image_labels(record, bases.records, own)}
