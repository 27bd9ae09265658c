"""What buildah, and with it each RUN, sees of this machine. Starts nothing.

A RUN is in a chroot of buildah, out of which there are ways: `--mount` of old versions follows
links and ids to any place of the machine (CVE-2024-1753, CVE-2024-9675). So buildah itself has a
root of its own, with no more in it than a call needs: programs and certificates, which are read
only, the context, its store, and the devices of a container.
https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-devices
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

DEVICES = Path("/dev")
# As much memory as a container of an engine has there.
_MEMORY = "64m"
# Of /etc: names, hosts and certificates. No settings that may hold a key of this machine.
_ETC = (
    "alternatives ca-certificates containers/containers.conf containers/policy.json "
    "containers/registries.d containers/storage.conf crypto-policies gai.conf group host.conf "
    "hosts ld.so.cache ld.so.conf ld.so.conf.d localtime mime.types nsswitch.conf passwd "
    "pki/ca-trust pki/tls/certs protocols resolv.conf services ssl/certs ssl/openssl.cnf subgid "
    "subuid"
)
# Folders of a context that are never part of it; a bind mount of a RUN does not ask ignore files.
_NEVER = ".git .reconciler"
# (store, "own" or "shared" processes, then places: in-memory PATH, read PATH PLACE, write PATH
# PLACE, "--", words). In the mount namespace of the call: what is mounted ends with it. Devices are
# bound, for in a user namespace none can be made; there some mounts are locked, and what cannot be
# made read only is what that user could not write anyway.
_SCRIPT = f"""\
set -e
umask 022
PATH=$PATH:/usr/sbin:/sbin
store=$1 processes=$2 new=$1/machine
shift 2
read -r _ _ users < /proc/self/uid_map
read_only() {{
  mount -o remount,bind,ro "$1" 2>/dev/null ||
    mount -o remount,bind,ro,nosuid,nodev,noexec "$1" 2>/dev/null || [ "$users" != 4294967295 ]
}}
place() {{
  if [ -d "$1" ]; then mkdir -p "$new$2"
  elif [ ! -e "$new$2" ]; then mkdir -p "$new${{2%/*}}"; : > "$new$2"
  fi
  mount --bind "$1" "$new$2" 2>/dev/null || mount --rbind "$1" "$new$2"
}}
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$new"
cd "$new"
mkdir -p proc sys run tmp var/tmp old dev ".${{HOME:-/root}}"
chmod 1777 "$new/tmp" "$new/var/tmp"
for name in bin lib lib32 lib64 libx32 sbin usr; do
  if [ -L "/$name" ]; then ln -s "$(readlink "/$name")" "$new/$name"
  elif [ -d "/$name" ]; then place "/$name" "/$name"; read_only "$new/$name"
  fi
done
for name in {_ETC}; do
  [ ! -e "/etc/$name" ] || {{ place "/etc/$name" "/etc/$name"; read_only "$new/etc/$name"; }}
done
mount --rbind /proc "$new/proc"
[ "$processes" != own ] || mount -o remount,ro "$new/proc"
mount --bind /sys "$new/sys" 2>/dev/null || mount --rbind /sys "$new/sys"
read_only "$new/sys"
mount -t tmpfs -o mode=0755,nosuid,noexec tmpfs "$new/dev"
cd "$new/dev"
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
place "$store" "$store"
while [ "$1" != -- ]; do
  if [ "$1" = in-memory ]; then
    mount -t tmpfs -o mode=0700 tmpfs "$new$2"
    shift 2
    continue
  fi
  place "$2" "$3"
  if [ "$1" = read ] && [ -d "$2" ]; then
    read_only "$new$3"
    for name in {_NEVER}; do
      [ ! -d "$2/$name" ] || mount -t tmpfs -o mode=0500,ro tmpfs "$new$3/$name"
    done
  elif [ "$1" = read ]; then
    read_only "$new$3"
  fi
  shift 3
done
shift
cd "$new"
pivot_root . old
umount -l /old
rmdir /old
cd /
exec "$@"
"""


def seen_at(path: Path, store: Path) -> Path:
    """What buildah calls a path: what it needs of /dev lies in its store, where no RUN looks.

    A store in /dev stays what it is called: it could lie nowhere else.
    """
    if not path.is_relative_to(DEVICES) or path.is_relative_to(store):
        return path
    return store / "seen" / path.relative_to("/")


def own_machine(
    store: Path,
    *,
    own_processes: bool,
    read: Iterable[Path],
    write: Iterable[Path],
    memory: Sequence[Path],
) -> list[str]:
    """Words before those of a program that give it a machine of its own.

    `read` and `write` are what it needs beside its store, as `seen_at` says; `memory` are folders
    of the store that are to be in memory. `own_processes`: it has a /proc of its own.
    """
    words = [word for path in memory for word in ("in-memory", os.fspath(path))]
    for kind, paths in (("read", read), ("write", write)):
        for path in dict.fromkeys(paths):
            if not path.is_relative_to(store):
                words += [kind, os.fspath(path), os.fspath(seen_at(path, store))]
    for place in (store / "machine", *memory):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    processes = "own" if own_processes else "shared"
    return ["sh", "-c", _SCRIPT, "sh", os.fspath(store), processes, *words, "--"]
