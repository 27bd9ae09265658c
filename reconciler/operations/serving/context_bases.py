"""What a live task stands on, read from its context, which is fetched as a run would fetch it.

Nothing that was fetched is executed, and nothing of it stays.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from reconciler.adapters.files import private_folder
from reconciler.base.errors import ReconcilerError
from reconciler.base.redact import Redactor
from reconciler.base.text import one_line
from reconciler.loader.files import WorkspaceFiles
from reconciler.model.build import Login
from reconciler.model.context import ContextKind
from reconciler.model.task import Task
from reconciler.model.tracked import TaskBases
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.running.credentials import Credentials, open_secrets
from reconciler.operations.running.run_overrides import TaskWords
from reconciler.operations.running.run_place import place_of
from reconciler.operations.running.run_requests import task_request
from reconciler.operations.running.runs import contexts_of
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.normalise import canonical_document
from reconciler.plan.parts import Document
from reconciler.runner.failure import Failure
from reconciler.runner.fetch import check_expiry, tell_token
from reconciler.runner.ports import Fetched
from reconciler.runner.request import RunRequest

_LONGEST = 300


class UnfetchedError(Exception):
    """Why the files of a task could not be fetched; no secret is in it."""


def bases_of(opened: OpenWorkspace, task: Task, stopping: Callable[[], bool]) -> TaskBases:
    """What a task stands on, as its files say it now; what they do not say is in `unknown`.

    Raises UnfetchedError, Stop when told to stop, StateUnusable.
    """
    document = canonical_document(task)
    if task.spec.context.kind is ContextKind.LOCAL:
        return _read(opened, document)
    place = place_of(opened)
    request = _request(opened, task)
    try:
        with private_folder(place.work) as folder, open_secrets(place, stopping) as secrets:
            fetching = _Fetching(opened, request, Credentials(place, request, secrets), folder)
            return fetching.masked(_read_fetched(opened, document, fetching.fetched(stopping)))
    except OSError as error:  # mostly a full disk
        why = error.strerror or type(error).__name__
        raise UnfetchedError(f"its context cannot be kept here: {why}") from None


def _request(opened: OpenWorkspace, task: Task) -> RunRequest:
    words = TaskWords(name=task.address)
    try:
        return task_request(words, opened.workspace, opened.provider, opened.actor)
    except ReconcilerError as error:
        raise UnfetchedError(one_line(error.message, _LONGEST)) from None


@dataclass(slots=True)
class _Fetching:
    """One fetch with the token and the logins of its task, none of which is ever told."""

    opened: OpenWorkspace
    request: RunRequest
    credentials: Credentials
    folder: Path
    _values: list[str] = field(default_factory=list, init=False)

    def fetched(self, stopping: Callable[[], bool]) -> Fetched:
        """The context on this machine. Raises UnfetchedError, Stop."""
        try:
            return self._fetch(stopping)
        except Failure as failure:
            raise UnfetchedError(self.clean(failure.message)) from None
        except ReconcilerError as error:
            hint = f"; {error.hint}" if error.hint else ""
            raise UnfetchedError(self.clean(error.message + hint)) from None

    def _fetch(self, stopping: Callable[[], bool]) -> Fetched:
        token, value = self.request.token, None
        if token is not None:
            check_expiry(token, self.opened.clock().date())
            value = self.credentials.secret(token.reference).strip()
            self._values += [value, *value.split(":")[1:]]
        place = self.credentials.place
        fetch = contexts_of(place, self.request, self.folder, self._login)
        try:
            return fetch(self.request.source, value, stopping)
        except Failure as failure:
            tell_token(failure, token)
            raise

    def _login(self, host: str) -> Login | None:
        found = self.credentials.login(host)
        if found is not None:
            self._values += found.values
        return found

    def clean(self, text: str) -> str:
        """A text of others as it may be told."""
        return one_line(Redactor(self._values).text(text), _LONGEST)

    def masked(self, bases: TaskBases) -> TaskBases:
        """What was read, told so that no secret is in it."""
        return bases if bases.unknown is None else replace(bases, unknown=self.clean(bases.unknown))


def _read_fetched(opened: OpenWorkspace, document: Document, fetched: Fetched) -> TaskBases:
    """As of a folder of a workspace: the fetched tree takes its place."""
    root = fetched.root.resolve()
    files = WorkspaceFiles(root)
    tree = OpenWorkspace(root, opened.config, files, opened.environment, opened.clock, opened.actor)
    folder = os.path.relpath(fetched.folder.resolve(), root)
    # What wakes it does not matter here, and would not fit such a context.
    spec = {**document["spec"], "context": {"source": f"./{folder}"}, "triggers": {}}
    try:
        found = _read(tree, {**document, "spec": spec})
    except ValidationError:
        return TaskBases(unknown=f"the folder {one_line(folder, 120)} has no name that can be read")
    except Exception as error:  # noqa: BLE001  (no file of a stranger ends the daemon)
        return TaskBases(unknown=f"its files cannot be read: {type(error).__name__}")
    shown = fetched.shown or "its context"
    images = tuple(
        one if one.file is None else replace(one, file=f"{shown}:{one.file}")
        for one in found.images
    )
    unknown = None if found.unknown is None else f"{shown}: {found.unknown}"
    return TaskBases(images=images, unknown=unknown)


def _read(opened: OpenWorkspace, document: Document) -> TaskBases:
    """With the function that a plan has for a local context."""
    return BasesReader(opened).of(document).bases
