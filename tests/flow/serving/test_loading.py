"""What the threads of a daemon need is there before the first of them: no import is late then."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.flow.serving.test_hooks import served

# What is loaded when a daemon starts its first thread, and what its functions would import still.
FIRST_THREAD = '''
import ast, importlib.util, json, sys, threading
from pathlib import Path
from reconciler.operations.serving.daemon import Daemon, Parts
from reconciler.operations.workspace import open_workspace
from reconciler.server.app import make_app

def late(tree):
    """Modules that functions import."""
    for outer in ast.walk(tree):
        if isinstance(outer, ast.FunctionDef):
            for node in ast.walk(outer):
                if isinstance(node, ast.ImportFrom):
                    yield node.module
                elif isinstance(node, ast.Import):
                    yield from (one.name for one in node.names)

def is_there(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False

def first_start(thread):
    threading.Thread.start = start
    ours = [m for n, m in sys.modules.items() if n.startswith("reconciler.")]
    files = [Path(m.__file__) for m in ours if "/cli/" not in m.__file__]
    wanted = {name for file in files for name in late(ast.parse(file.read_bytes()))}
    wanted = {name for name in wanted if not name.startswith("reconciler.report")}
    missing = sorted(wanted - {*sys.modules, *sys.stdlib_module_names})
    print(json.dumps([name for name in missing if is_there(name)]), flush=True)
    start(thread)

start = threading.Thread.start
opened = open_workspace(Path.cwd(), {})
daemon = Daemon(opened, Parts(worker=False, timers=False), lambda *_: None, threading.Event())
threading.Thread.start = first_start
with daemon.running():
    pass
'''

# Docker's modules import each other: threads that import different ones first meet them half done.
RACE = """
import importlib, sys, threading
from reconciler.operations.serving.loading import import_all
import_all()
names = ["docker.types", "docker.api.client", "docker.errors", "docker.models.containers"]
names = ["reconciler.adapters.docker.login", "reconciler.adapters.docker.containers", *names]
begin, failed = threading.Barrier(len(names)), []

def come(name):
    begin.wait()
    try:
        importlib.import_module(name)
    except (ImportError, RuntimeError) as error:  # RuntimeError: a deadlock of module locks
        failed.append(f"{name}: {error}")

threads = [threading.Thread(target=come, args=(name,)) for name in names]
sys.setswitchinterval(1e-6)
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(failed)
sys.exit(bool(failed))
"""


def test_no_thread_of_a_daemon_has_to_import(tmp_path: Path) -> None:
    project = served(tmp_path / "workspace")
    done = subprocess.run(
        [sys.executable, "-c", FIRST_THREAD],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_threads_that_come_together_find_whole_modules() -> None:
    for _ in range(4):
        done = subprocess.run(
            [sys.executable, "-c", RACE], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
