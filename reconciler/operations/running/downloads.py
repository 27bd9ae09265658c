"""A context that is downloaded: an archive from a URL, or an artifact from a registry."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from reconciler.adapters.archives.extract import Extractor
from reconciler.adapters.archives.inflate import Meter
from reconciler.adapters.fetch_fault import FetchError, FetchFault, Limits, sized
from reconciler.adapters.web.download import Client, Wanted
from reconciler.adapters.web.oci_artifact import fetch_artifact
from reconciler.adapters.web.resolve import Guard
from reconciler.base.errors import RegistryRefused, SecretUnavailable
from reconciler.base.text import one_line
from reconciler.model.build import Login
from reconciler.model.context import artifact_location
from reconciler.model.run import Reason
from reconciler.operations.running.unfetched import unfetched
from reconciler.runner.failure import Failure
from reconciler.runner.ports import Fetched, Stopping


@dataclass(frozen=True, slots=True)
class Downloads:
    """Fetches archives and artifacts into new folders below `place`, an empty one of the run.

    `login` tells the login of a registry, for artifacts without a token of their own.
    """

    place: Path
    guard: Guard
    login: Callable[[str], Login | None]
    limits: Limits = field(default_factory=Limits)

    def archive(self, source: str, token: str | None, stopping: Stopping) -> Fetched:
        """The files of an archive. Raises Failure or Stop."""
        client, url = Client(self.guard, stopping, self.limits), source.partition("#")[0]
        with self._folders("the archive") as (folder, packed):
            wanted = Wanted(url, _authorization(token))
            count = client.save(wanted, packed / "archive", self.limits.packed)
            extractor = Extractor(folder, Meter(self.limits), lambda: _check(stopping))
            with (packed / "archive").open("rb") as file, _told_of_page(url):
                extractor.unpack(file)
            extractor.finish()
            shutil.rmtree(packed)
        shown = one_line(url.partition("?")[0], 200)
        notes = (*extractor.notes, f"downloaded {sized(count)} from {shown}")
        return Fetched(folder, folder, dirty=False, shown=shown, notes=notes)

    def artifact(self, source: str, token: str | None, stopping: Stopping) -> Fetched:
        """The files of an artifact. Raises Failure or Stop."""
        try:
            artifact = artifact_location(source)
        except ValueError as error:
            raise Failure(Reason.SOURCE_MISSING, f"{one_line(source)}: {error}") from None
        client = Client(self.guard, stopping, self.limits)
        login = _login(token) if token else self._own_login(artifact.registry)
        with self._folders("the artifact") as (folder, packed):
            found = fetch_artifact(artifact, folder, packed, client, login)
            shutil.rmtree(packed)
        pinned = "" if artifact.digest else f"@{found.digest}"
        shown = f"oci://{artifact}{pinned}"
        notes = (*found.notes, f"downloaded {shown}")
        return Fetched(folder, folder, dirty=False, shown=shown, notes=notes)

    def _own_login(self, registry: str) -> Login | None:
        try:
            return self.login(registry)
        except (RegistryRefused, SecretUnavailable) as error:
            message = f"the login for {registry}: {error.message}"
            raise Failure(Reason.SOURCE_AUTH, message) from None

    @contextmanager
    def _folders(self, what: str) -> Iterator[tuple[Path, Path]]:
        """A folder for the files and one for what is packed; both gone if it fails."""
        place = self.place / f"download-{token_hex(8)}"  # steps may fetch at the same time
        folder, packed = place / "tree", place / "packed"
        try:
            for path in (place, folder, packed):
                path.mkdir(mode=0o700)
            yield folder, packed
        except FetchError as error:
            message = f"{what} cannot be fetched"
            raise unfetched(error, place, message, f"{message}: {error.message}") from None


def _check(stopping: Stopping) -> None:
    if stopping():
        raise FetchError(FetchFault.STOPPED, "stopped")


@contextmanager
def _told_of_page(url: str) -> Iterator[None]:
    """An address of a repository's page is mostly meant as the repository."""
    try:
        yield
    except FetchError as error:
        if error.fault is FetchFault.REFUSED and "/_git/" in url:
            error.message += "; for a repository write URL#BRANCH:FOLDER without a ?"
        elif error.fault is FetchFault.REFUSED and "//github.com/" in url:
            error.message += "; for a repository end the address with .git"
        raise


def _authorization(token: str | None) -> str | None:
    """The header of a token: `user:password` as it is, another one as a bearer's."""
    if token is None:
        return None
    if ":" in token:
        return f"Basic {base64.b64encode(token.encode()).decode()}"
    return f"Bearer {token}"


def _login(token: str) -> Login:
    user, colon, password = token.partition(":")
    return Login(user, password) if colon else Login("x-access-token", token)
