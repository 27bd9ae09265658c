"""A PostgreSQL of the tests' own: a cluster in a folder, reached by a socket in it. No port."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

SUPERUSER = "reconciler"


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, or None where no server is installed."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    """A server in a folder; gives the folder of its socket."""
    where = programs()
    assert where is not None
    data = folder / "data"
    _run(folder, where / "initdb", "-D", data, "-U", SUPERUSER, "-A", "trust", "--no-sync")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    _run(folder, where / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start")
    try:
        yield folder
    finally:
        _run(folder, where / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def make_database(folder: Path, name: str) -> str:
    """A new, empty database; its URL as `state:` has it."""
    engine = sa.create_engine(_url(folder, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return _url(folder, name)


def _url(folder: Path, database: str) -> str:
    return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={folder}"


def _run(folder: Path, *words: str | Path) -> None:
    """Run a program of the server; it refuses to be root, so then as nobody."""
    argv = [str(word) for word in words]
    options = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        options = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    done = subprocess.run(  # type: ignore[call-overload]
        argv, cwd=folder, capture_output=True, text=True, check=False, timeout=120, **options
    )
    assert done.returncode == 0, f"{argv[0]}: {done.stdout}{done.stderr}"
