"""Calls buildah, with a store below one folder, in namespaces of its own. Knows no Dockerfile.

When a call ends, also by `kill -9`, no process and no mount of it is left: only files in a folder.
Values of secrets, which buildah writes into the folder of a working container, never reach a disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from reconciler.adapters.building.buildah_apart import own_machine, seen_at
from reconciler.adapters.login_file import write_login
from reconciler.adapters.processes.process import Ended, capture, kill_leash, stream
from reconciler.adapters.processes.programs import find_program, passed_on
from reconciler.adapters.web.registry import is_loopback
from reconciler.model.build import Login

Stopping = Callable[[], bool]

BUILDAH = "buildah"
_PROBE_SECONDS = 10
# A short name means Docker Hub, as everywhere; the settings of this machine are not asked, so
# that the same build is the same on another one.
_SETTINGS = 'unqualified-search-registries = ["docker.io"]\nshort-name-mode = "disabled"\n'
_OWN_PLACES = ("--mount", "--ipc")
_OWN_PROCESSES = ("--pid", "--fork", "--kill-child", "--mount-proc")
# Where working containers have their folders, by storage driver: in memory, for one call.
_CONTAINERS = ("overlay-containers", "vfs-containers")


class Store:
    """The images of one run, below a folder that goes away with it.

    `insecure` are the registries that may be asked by plain http.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        environment: Mapping[str, str],
        insecure: Collection[str] = (),
    ) -> None:
        self._program = program
        self.folder = folder
        self._unshare = str(find_program("unshare", environment) or "unshare")
        # Large temporary files too go away with the run.
        self._environment = {**passed_on(environment), "TMPDIR": str(folder / "temporary")}
        self._insecure = insecure

    def call(
        self,
        words: Sequence[str],
        on_output: Callable[[bytes], None],
        stopping: Stopping,
        *,
        offline: bool = False,
        read: Iterable[Path] = (),
        write: Iterable[Path] = (),
    ) -> Ended:
        """Run buildah with these words; `offline`: in a network that reaches nothing at all.

        `read` and `write` are what it needs beside its store, and all it sees of the machine's
        files; among the words they are called as `seen` says. Raises FileNotFoundError if buildah
        or unshare (of util-linux) has gone.
        """
        self._prepare()
        argv = [*self._apart(read, write, offline=offline), *self._buildah(), *words]
        return stream(argv, environment=self._environment, on_output=on_output, stopping=stopping)

    def works(self) -> bool:
        """True if buildah answers in its namespaces: it may be here and not be allowed to."""
        answer: list[bytes] = []
        try:
            ended = self.call(["info"], answer.append, lambda: False)
        except OSError:
            return False
        return ended.exit_code == 0 and b'"store"' in b"".join(answer)

    def seen(self, path: Path) -> Path:
        """What buildah calls a path of a folder of its call."""
        return seen_at(path, self.folder)

    def access(self, folder: Path, registry: str, login: Login | None) -> list[str]:
        """The flags for asking a registry; the login is a new file in a private folder, which
        is one of the folders of the call.
        """
        file = folder / "auth.json"
        write_login(file, registry, login)
        plain = is_loopback(registry) or registry in self._insecure
        return [f"--authfile={self.seen(file)}", f"--tls-verify={str(not plain).lower()}"]

    def _prepare(self) -> None:
        (self.folder / "temporary").mkdir(mode=0o700, parents=True, exist_ok=True)
        hosts = (f'[[registry]]\nlocation = "{host}"\ninsecure = true\n' for host in self._insecure)
        (self.folder / "registries.conf").write_text(_SETTINGS + "".join(hosts), "utf-8")

    def _buildah(self) -> list[str]:
        place = self.folder
        settings = f"--registries-conf={place}/registries.conf"
        return [str(self._program), f"--root={place}/root", f"--runroot={place}/run", settings]

    def _apart(self, read: Iterable[Path], write: Iterable[Path], *, offline: bool) -> list[str]:
        network = ["--net"] if offline else []
        machine = own_machine(
            self.folder,
            own_processes=_OWN_PROCESSES[0] in self._namespaces,
            # Certificates may be anybody's choice, and programs may lie anywhere.
            read=[self._program, *self._certificates(), *read],
            write=write,
            memory=[self.folder / "root" / name for name in _CONTAINERS],
        )
        return [*self._namespaces, *network, "--", *machine]

    def _certificates(self) -> list[Path]:
        named = (self._environment.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
        return [path for name in named if name and (path := Path(name)).exists()]

    @cached_property
    def _namespaces(self) -> list[str]:
        # Another user than root gets the right to make some in a user namespace of his own.
        own = [] if os.geteuid() == 0 else [*self._buildah(), "unshare", "--"]
        least = [*own, self._unshare, *_OWN_PLACES]
        # unshare bears SIGTERM while it waits, and only when it dies its processes do.
        apart = [*own, *kill_leash(), self._unshare, *_OWN_PLACES, *_OWN_PROCESSES]
        try:
            words = [*apart, "--", "true"]
            code, _ = capture(words, environment=self._environment, timeout=_PROBE_SECONDS)
        except TimeoutError:
            code = 1
        # In a container, where /proc is covered in part, nobody may mount another one.
        return apart if code == 0 else least
