"""What buildah, and with it each RUN, sees of this machine's devices and memory. Starts nothing.

buildah gives the chroot of a RUN the whole of /dev, and with it /dev/shm, where the secrets of
other runs lie. So it finds another one there: the devices of a container and an empty memory.
https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-devices
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

DEVICES = Path("/dev")
# As much memory as a container of an engine has there.
_MEMORY = "64m"
# (store, folders in memory, places where nothing is to reach a disk, "--", words). In the mount
# namespace of the call: what is mounted ends with it. Devices are bound, for in a user namespace
# none can be made; so is what is needed of /dev/shm, before that is covered.
_SCRIPT = f"""\
set -e
umask 022
store=$1 devices=$1/devices
shift
now() {{ case $1 in /dev/*) echo "$devices${{1#/dev}}" ;; *) echo "$1" ;; esac }}
mount -t tmpfs -o mode=0755,nosuid,noexec tmpfs "$devices"
cd "$devices"
for name in null zero full random urandom tty; do
  : > "$name"
  mount --bind "/dev/$name" "$name"
done
mkdir pts shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,nosuid,noexec devpts pts
mount -t tmpfs -o mode=1777,nosuid,nodev,size={_MEMORY} tmpfs shm
ln -s pts/ptmx ptmx
ln -s /proc/self/fd fd
ln -s fd/0 stdin
ln -s fd/1 stdout
ln -s fd/2 stderr
cd /
case $store in /dev/*)
  mkdir -p "$(now "$store")"
  mount --bind "$store" "$(now "$store")"
esac
while [ "$1" != -- ]; do
  if [ "$1" = in-memory ]; then
    mount -t tmpfs -o mode=0700 tmpfs "$(now "$2")"
    shift 2
  else
    mount --bind "$2" "$(now "$3")"
    shift 3
  fi
done
shift
mount --rbind "$devices" /dev
exec "$@"
"""


def seen_at(path: Path, store: Path) -> Path:
    """What buildah calls a path: what it needs of /dev lies in its store, where no RUN looks.

    A store in /dev stays what it is called: it could lie nowhere else.
    """
    if not path.is_relative_to(DEVICES) or path.is_relative_to(store):
        return path
    return store / "seen" / path.relative_to("/")


def own_devices(store: Path, folders: Iterable[Path], memory: Sequence[Path]) -> list[str]:
    """Words before those of a program that let it find a /dev of its own.

    `folders` are what it needs beside its store, as `seen_at` says; `memory` are folders of the
    store that are to be in memory. The places that are mounted on are made.
    """
    covered = {path: seen_at(path, store) for path in folders}
    binds = {path: place for path, place in covered.items() if path != place}
    for place in (store / "devices", *memory, *binds.values()):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    words = [word for path in memory for word in ("in-memory", os.fspath(path))]
    words += [word for pair in binds.items() for word in ("bind", *map(os.fspath, pair))]
    return ["sh", "-c", _SCRIPT, "sh", os.fspath(store), *words, "--"]
