"""What a command of a build sees of the machine it runs on, and of other runs there."""

from __future__ import annotations

import platform
import struct
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from reconciler.adapters.building.output import secret_files
from reconciler.adapters.docker.secret_files import secret_binds
from reconciler.adapters.files import memory_folder
from reconciler.model.container import SecretFolder
from tests.live.contract.builders import Bench, buildah_pair

OTHER = "value-of-another-run"
# Where a file of memory could show, in words that do not hold the value themselves.
LOOK = (
    "grep -rs 'value-of-anoth''er-run' /dev/shm /run /tmp; find / -xdev -name 'reconciler-priv*';"
    " find /dev/shm -name 'reconciler-priv*'"
)


@pytest.fixture
def others() -> Iterator[Path]:
    """A secret of a build and a secret volume of a step that other runs have at this moment."""
    with ExitStack() as stack:
        files = stack.enter_context(secret_files({"TOK": OTHER}))
        volume = SecretFolder("/keys", (("k", OTHER.encode()),))
        stack.enter_context(secret_binds([volume]))
        assert files["TOK"].read_text() == OTHER
        yield files["TOK"]


@pytest.mark.parametrize("offline", [False, True], ids=["open", "closed"])
def test_a_command_sees_no_secret_of_another_run(
    bench: Bench, others: Path, *, offline: bool
) -> None:
    mark = uuid.uuid4().hex
    bench.write(f"RUN {LOOK}; touch /dev/shm/from-{mark} {others}; echo look''ed")
    assert bench.build(offline=offline, no_cache=True).exit_code == 0, bench.output
    assert b"looked" in bench.output
    said = bench.output.replace(str(others).encode(), b"")
    assert OTHER.encode() not in said
    assert b"reconciler-private" not in said
    assert not (memory_folder() / f"from-{mark}").exists()


def test_such_a_look_finds_a_secret_where_one_is(bench: Bench) -> None:
    bench.write(f"RUN printf value-of-another''-run > /dev/shm/x; {LOOK}")
    assert bench.build(no_cache=True).exit_code == 0, bench.output
    assert OTHER.encode() in bench.output


def test_a_command_has_the_devices_of_a_container_and_no_others(bench: Bench) -> None:
    wanted = "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero"
    bench.write(
        "RUN ls /dev | grep -v -e core -e mqueue -e console | tr '\\n' ' ' | sed s/^/has:/",
        "RUN echo x > /dev/null && head -c 3 /dev/urandom | wc -c && test -c /dev/pts/ptmx"
        " && echo y > /dev/stdout && test $(df -k /dev/shm | tail -1 | awk '{print $2}') = 65536",
    )
    assert bench.build(no_cache=True).exit_code == 0, bench.output
    assert f"has:{wanted} ".encode() in bench.output


def test_a_command_of_a_secret_still_sees_its_own(bench: Bench, others: Path) -> None:
    if not bench.builder.secrets:
        pytest.skip("this builder mounts none")
    bench.write(f"RUN --mount=type=secret,id=T test $(wc -c < /run/secrets/T) = 4; {LOOK}")
    assert bench.build(secrets={"T": "mine"}, no_cache=True).exit_code == 0, bench.output
    assert others.name.encode() not in bench.output.partition(b"looked")[2]


# mkdir("x"), chroot("x"), 64 times chdir(".."), chroot("."), open(argv[1]), read, write, exit(0):
# the known way out of a chroot, for who may make another one.
LEAVE = bytes.fromhex(
    "488d3d79000000bec0010000b8530000000f05488d3d66000000b8a10000000f05bb40000000488d3d55000000"
    "b8500000000f05ffcb75ee488d3d44000000b8a10000000f05488b7c241031f6b8020000000f0589c7488d7424"
    "c0ba4000000031c00f0589c2bf01000000b801000000488d7424c00f0531ffb83c0000000f0578002e2e00"
)


def leaving_program() -> bytes:
    place, before = 0x10000, 64 + 56
    header = struct.pack("<HHI3Q", 2, 62, 1, place + before, 64, 0)
    header += struct.pack("<I6H", 0, 64, 56, 1, 0, 0, 0)
    size = before + len(LEAVE)
    segment = struct.pack("<II6Q", 1, 5, 0, place, place, size, size, 0x1000)
    return b"\x7fELF\2\1\1" + bytes(9) + header + segment + LEAVE


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the program is for x86_64")
def test_no_command_leaves_what_it_is_in(bench: Bench, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    planted.write_text("text-of-the-machine")
    (bench.folder / "leave").write_bytes(leaving_program())
    (bench.folder / "leave").chmod(0o755)
    bench.write("COPY leave /leave", f"RUN echo inside > /inside; /leave {planted}; /leave /inside")
    assert bench.build(no_cache=True).exit_code == 0, bench.output
    assert b"text-of-the-machine" not in bench.output
    assert b"\ninside" in bench.output or b" inside" in bench.output  # it does read and write


def test_a_context_that_lies_in_memory_is_built(
    served_base: str, registry: str, place: Path
) -> None:
    pair = buildah_pair(place)
    assert not pair.images.pull(served_base, "linux/amd64", None, lambda: False).refusal
    with secret_files({"Dockerfile": f"FROM {served_base}\nCOPY 0 /0\nRUN test -s /0\n"}) as files:
        folder = files["Dockerfile"].parent
        bench = Bench(pair.builder, pair.images, folder, served_base, registry)
        result = bench.build(dockerfile=folder / "0")
        assert result.exit_code == 0, bench.output


UP = "../" * 24
TRAP = "FROM {base} AS trap\nRUN ln -s / /x\nFROM {base}\n"
# Ways out of the chroot that `--mount` of buildah has had, each with the folder outside at /m:
# CVE-2024-1753, CVE-2024-9675, and their kin.
WAYS = {
    "cache id": "FROM {base}\nRUN --mount=type=cache,id={up}{place},target=/m LOOK\n",
    "cache id to the root": (
        "FROM {base}\nRUN --mount=type=cache,id={up},target=/r ln -s /r/{place} /m; LOOK\n"
    ),
    "link of a stage": (
        TRAP + "RUN --mount=type=bind,from=trap,source=/x,target=/r,rw ln -s /r/{place} /m; LOOK\n"
    ),
    "cache of a stage": (
        TRAP + "RUN --mount=type=cache,from=trap,source=/x,target=/r ln -s /r/{place} /m; LOOK\n"
    ),
    "link of the context": (
        "FROM {base}\n"
        "RUN --mount=type=bind,source=rootlink,target=/r,rw ln -s /r/{place} /m; LOOK\n"
    ),
    "on build": (
        "FROM {base} AS t\nONBUILD RUN --mount=type=cache,id={up}{place},target=/m LOOK\nFROM t\n"
    ),
    "link at the target": (
        "FROM {base}\nRUN ln -s {place} /vl\n"
        "RUN --mount=type=bind,source=K1,target=/vl/planted-from-inside LOOK\n"
    ),
    "processes": (
        "FROM {base}\nRUN --mount=type=cache,id={up}proc,target=/r"
        " ln -s /r/1/root/{place} /m; LOOK;"
        " v=$(cat /r/sys/kernel/core_pattern) && echo $v > /r/sys/kernel/core_pattern"
        " && echo it''-was-written; cat /r/kallsyms > /dev/null; true\n"
    ),
    "kernel": (
        "FROM {base}\nRUN --mount=type=cache,id={up}sys,target=/r"
        " echo x > /r/power/wake_lock && echo it''-was-written;"
        " v=$(cat /r/kernel/uevent_seqnum); echo $v > /r/kernel/profiling; ls /r/fs/cgroup; true\n"
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_mount_of_a_command_leads_to_the_machine(bench: Bench, tmp_path: Path, way: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "key").write_text("text-of-the-machine")
    (bench.folder / "rootlink").symlink_to("/")
    (bench.folder / "K1").write_text("")
    look = "cat /m/key; touch /m/planted-from-inside; ls /m/../../../../; true"
    text = WAYS[way].replace("LOOK", look).format(base=bench.base, up=UP, place=str(outside)[1:])
    (bench.folder / "Dockerfile").write_text(text)
    bench.build(no_cache=True)  # refused or done: it has nothing either way
    assert b"text-of-the-machine" not in bench.output
    assert b"it-was-written" not in bench.output
    assert [path.name for path in outside.iterdir()] == ["key"]


def test_no_command_reads_what_is_never_part_of_a_context(bench: Bench) -> None:
    for name in (".git", ".reconciler"):
        (bench.folder / name).mkdir()
        (bench.folder / name / "key").write_text("text-of-the-state")
    (bench.folder / ".dockerignore").write_text(".git\n.reconciler\n")
    bench.write(
        "RUN --mount=type=bind,source=.,target=/m cat /m/.git/key /m/.reconciler/key; ls /m"
    )
    bench.build(no_cache=True)
    assert b"text-of-the-state" not in bench.output
