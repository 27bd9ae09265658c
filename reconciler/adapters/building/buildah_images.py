"""The images of a buildah store, and the way from and to registries. Builds none."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from reconciler.adapters.building.backends import this_machine
from reconciler.adapters.building.buildah_store import Stopping, Store
from reconciler.adapters.building.output import Tail
from reconciler.adapters.files import private_folder
from reconciler.adapters.processes.process import Ended
from reconciler.adapters.web.refusals import refused
from reconciler.model.build import LocalImage, Login, Transfer
from reconciler.model.image import parse_reference

_HUB = "docker.io"
# What a client shows a registry: for no call that executes anything.
_CLIENT_KEYS = (Path("/etc/docker/certs.d"), Path("/etc/containers/certs.d"))


class BuildahImages:
    """What a run asks of images, answered without an engine.

    `keeper_untag` takes a name away where images are kept that are not pushed, if that is anywhere.
    """

    def __init__(self, store: Store, keeper_untag: Callable[[str], None] | None = None) -> None:
        self._store = store
        self._keeper_untag = keeper_untag

    def platform(self) -> tuple[str, str]:
        """(operating system, architecture) of this machine."""
        name = next(iter(this_machine()), "linux/amd64")
        system, architecture = name.split("/")[:2]
        return system, architecture

    def answers(self) -> bool:
        """True: there is nothing that could go away."""
        return True

    def image(self, reference: str) -> LocalImage | None:
        """The image of a name or id in the store, or None. Digests are the registry's to say."""
        found = self._inspect(reference)
        if found is None:
            return None
        digests = (reference,) if "@" in reference else ()
        settings = json.loads(found.get("Config") or "null") or {}
        triggers = (settings.get("config") or {}).get("OnBuild") or ()
        return LocalImage(f"sha256:{found['FromImageID']}", digests, tuple(triggers))

    def traces(self, reference: str) -> str:
        """Everything that stays readable in an image beside its files: settings and history."""
        found = self._inspect(reference) or {}
        # The settings are a text inside of the text: as such their quotes would be hidden.
        settings = json.loads(found.get("Config") or "null")
        return json.dumps([found, settings], ensure_ascii=False)

    def pull(
        self, reference: str, platform: str | None, login: Login | None, stopping: Stopping
    ) -> Transfer:
        """Pull an image into the store."""
        words = ["pull", "--quiet", "--policy=always"]
        words += [f"--platform={platform}"] if platform else []
        ended, said = self._transfer(words, [_full(reference)], reference, login, stopping)
        if ended.stopped:
            return Transfer(stopped=True)
        return refused(_complaint(said)) if ended.exit_code != 0 else Transfer()

    def push(self, name: str, login: Login | None, stopping: Stopping) -> Transfer:
        """Push an image by its name; the digest is that of the manifest that was sent."""
        with private_folder() as folder:
            digest = folder / "digest"
            words = ["push", "--quiet", f"--digestfile={self._store.seen(digest)}"]
            target = f"docker://{_full(name)}"
            names = [name, target]
            ended, said = self._transfer(words, names, name, login, stopping, write=[folder])
            if ended.stopped:
                return Transfer(stopped=True)
            if ended.exit_code != 0:
                return refused(_complaint(said))
            return Transfer(digest=digest.read_text("utf-8").strip())

    def untag(self, name: str) -> None:
        """Take a name away where images are kept; the store goes away with the run."""
        if self._keeper_untag is not None:
            self._keeper_untag(name)

    def _inspect(self, reference: str) -> dict[str, str] | None:
        answer: list[bytes] = []
        words = ["inspect", "--type=image", "--", reference]
        ended = self._store.call(words, answer.append, lambda: False)
        if ended.exit_code != 0:
            return None
        found: dict[str, str] = json.loads(b"".join(answer))
        return found

    def _transfer(
        self,
        words: Sequence[str],
        names: Sequence[str],
        reference: str,
        login: Login | None,
        stopping: Stopping,
        *,
        write: Sequence[Path] = (),
    ) -> tuple[Ended, str]:
        """How it ended and what was said; the login is a file that only we can read."""
        tail = Tail(lambda _chunk: None)
        registry = parse_reference(reference).registry or _HUB
        with private_folder() as folder:
            flags = self._store.access(folder, registry, login)
            argv = [*words, *flags, "--", *names]
            ended = self._store.call(
                argv,
                tail,
                stopping,
                read=[path for path in _CLIENT_KEYS if path.exists()],
                write=[*write, folder],
            )
        return ended, tail.text()


def _full(reference: str) -> str:
    """The name with its registry: `busybox` is `docker.io/library/busybox`."""
    parts = parse_reference(reference)
    if parts.registry is not None:
        return reference
    library = "" if "/" in parts.repository else "library/"
    return f"{_HUB}/{library}{reference}"


def _complaint(text: str) -> str:
    """The error among the lines that buildah wrote."""
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line.partition(": ")[2] for line in lines if line.lower().startswith("error: ")]
    return (errors or lines or ["buildah failed and said nothing"])[-1]
