"""Pushes the images of a run and reads back what the registry serves. Pushes no other names."""

from __future__ import annotations

from reconciler.base.errors import RegistryRefused
from reconciler.base.text import did_you_mean
from reconciler.model.build import Refusal, Transfer
from reconciler.model.image import parse_reference
from reconciler.model.run import OutputImage, Reason
from reconciler.runner.failure import Failure
from reconciler.runner.ledger import StepFailed
from reconciler.runner.ports import Images
from reconciler.runner.work import Work

# What the engine says of a name it does not have is no word of the registry's.
_MAYBE_NOT_HERE = frozenset({Refusal.MISSING, Refusal.OTHER})


def push_all(names: tuple[str, ...], images: Images, work: Work) -> None:
    """Push every name, in order; the record holds each digest as soon as it is known.

    Raises Failure (push-auth, push-conflict, step) or Stop.
    """
    with work.ledger.step("push", "push"):
        push_names(names, images, work, step="push")


def push_names(names: tuple[str, ...], images: Images, work: Work, *, step: str) -> None:
    """The pushes of a step that is already written down. Raises as `push_all` does."""
    for name in names:
        work.watch.check()
        digest = _push(name, images, work, step)
        note_pushed(name, digest, work)
        work.ledger.say(step, f"{_short(name, work)}  {digest}")


def _push(name: str, images: Images, work: Work, step: str) -> str:
    registry = parse_reference(name).registry or "docker.io"
    login = work.login(registry)
    result = images.push(name, login, work.watch)
    if result.stopped:
        work.watch.check()
    if result.refusal in _MAYBE_NOT_HERE and images.image(name) is None:
        raise _not_here(name, work)
    if result.refusal is not None:
        raise _push_failure(name, registry, result)
    if result.digest is None:
        raise StepFailed(Reason.STEP, f"the engine pushed {name} and named no digest", 1)
    _confirm(name, result.digest, work, step)
    return result.digest


def _confirm(name: str, digest: str, work: Work, step: str) -> None:
    """Ask the registry itself, by digest: a tag may have moved on since."""
    parts = parse_reference(name)
    registry = parts.registry or "docker.io"
    try:
        served = work.ports.registry(registry, parts.repository, digest, work.login(registry))
    except RegistryRefused as error:
        work.ledger.say(step, f"warning: not read back: {error.message}")
        return
    if served != digest:
        message = f"the registry {registry} took {name} but does not serve {digest}"
        raise StepFailed(Reason.STEP, message, 1)


def note_pushed(name: str, digest: str, work: Work) -> None:
    """Write down what the registry calls an image now."""
    with work.ledger.lock:
        known = {output.reference: output for output in work.ledger.record.outputs}
        output = known.get(name, OutputImage(reference=name))
        known[name] = output.model_copy(update={"digest": digest})
        work.ledger.note(outputs=tuple(known.values()))


def note_built(names: tuple[str, ...], image_id: str, work: Work) -> None:
    """Write down the images that exist on the engine and were not pushed yet."""
    with work.ledger.lock:
        known = {output.reference: output for output in work.ledger.record.outputs}
        built = {name: OutputImage(reference=name, image_id=image_id) for name in names}
        work.ledger.note(outputs=tuple((known | built).values()))


def _not_here(name: str, work: Work) -> StepFailed:
    # Without the registry, which they all share: it would make any two names alike.
    built = [_short(output.reference, work) for output in work.ledger.record.outputs]
    near = did_you_mean(_short(name, work), built)
    fix = f"did you mean {near}?" if near else "build it in a step before, with -t"
    return StepFailed(Reason.STEP, f"there is no image {name} on the engine to push; {fix}", 1)


def _push_failure(name: str, registry: str, result: Transfer) -> Failure:
    repository = parse_reference(name).repository
    start = f"the registry {registry} refuses the push to {repository}"
    if result.refusal is Refusal.AUTH:
        advice = f"log in with: docker login {registry} (as a user who may push to {repository})"
        return Failure(Reason.PUSH_AUTH, f"{start}: {result.message}; {advice}")
    if result.refusal is Refusal.CONFLICT:
        advice = "use a new tag, such as {{.Run.ID}}, or unlock this one"
        return Failure(Reason.PUSH_CONFLICT, f"{start}: {result.message}; {advice}")
    if result.refusal is Refusal.UNREACHABLE:
        start = f"the registry {registry} cannot be reached to push {repository}"
    return StepFailed(Reason.STEP, f"{start}: {result.message}", 1)


def _short(name: str, work: Work) -> str:
    return name.removeprefix(f"{work.request.login_server}/")
