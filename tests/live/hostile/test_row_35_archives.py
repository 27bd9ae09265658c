"""Row 35: what a tar from a server may hold that is not meant as files."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from reconciler.runner.ports import Fetched
from tests.live.hostile.places import Door, page, serving
from tests.live.hostile.tars import archive, link, member, packed, second_name, special

FILE = (member("inside"), b"x")
DEEP = "/".join(["d"] * 1500) + "/x"

REFUSED = {
    "a name with ..": ([(member("../out"), b"x")], "leads out"),
    "a name with .. in it": ([(member("a/../../out"), b"x")], "leads out"),
    "an absolute name": ([(member("/tmp/out"), b"x")], "leads out"),
    "a link out": ([link("a", "../out")], "leads out"),
    "an absolute link": ([link("a", "/etc/passwd")], "leads out"),
    "a link to the folder itself, and out": ([link("a/b", "../../out")], "leads out"),
    "a write through a link": ([link("a", "b"), (member("a/out"), b"x")], "is a link"),
    "a link where a file is": ([FILE, link("inside", "b")], "twice"),
    "a link where a folder is": ([(member("a/b"), b"x"), link("a", "..")], "twice"),
    "a chain of links": ([link("d/up", ".."), link("out", "d/up/..")], "leads out"),
    "a longer chain": (
        [link("d/e/up", "../.."), link("d/way", "e/up"), link("out", "d/way/../x")],
        "leads out",
    ),
    "a second name of a file outside": ([second_name("a", "/etc/passwd")], "leads out"),
    "a second name with ..": ([second_name("a", "../../etc/passwd")], "leads out"),
    "a second name of a link": ([link("l", "inside"), second_name("a", "l")], "is no file"),
    "a character device": ([special("null", tarfile.CHRTYPE)], "is a device"),
    "a block device": ([special("disk", tarfile.BLKTYPE)], "is a device"),
    "a pipe": ([special("pipe", tarfile.FIFOTYPE)], "is a pipe"),
    "an unknown kind": ([special("what", b"Z")], "is of an unknown kind"),
    "1,500 folders deep": ([(member(DEEP), b"x")], "too long or too deep"),
    "a long name": ([(member("n" * 300), b"x")], "too long or too deep"),
    "a line break in a name": ([(member("a\nb"), b"x")], "control character"),
    "a terminal escape in a name": ([(member("a\x1b[2Jb"), b"x")], "control character"),
    "two contents for a name": ([FILE, (member("inside"), b"y")], "twice"),
    "two spellings of a name": ([FILE, (member("./inside"), b"y")], "twice"),
    "a file below a file": ([FILE, (member("inside/b"), b"y")], "is a file"),
    "a huge header": ([(member("a" * 400_000), b"x")], "a header in it has more than"),
}


def fetched(door: Door, data: bytes) -> Fetched:
    with serving(lambda _path: page(data)) as server:
        door.declared.add(server.host)
        return door.fetch(f"{server.url}/x.tar")


def refused(door: Door, data: bytes) -> str:
    with serving(lambda _path: page(data)) as server:
        door.declared.add(server.host)
        return door.refuse(f"{server.url}/x.tar")


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_and_nothing_of_it_stays(name: str, door: Door, tmp_path: Path) -> None:
    members, said = REFUSED[name]
    before = sorted(tmp_path.iterdir())
    message = refused(door, archive(*members))
    assert said in message
    assert message.isprintable()
    assert sorted(tmp_path.iterdir()) == before
    assert not Path("/tmp/out").exists()


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_older_formats_say_no_more(kind: int, door: Door) -> None:
    assert "leads out" in refused(door, archive((member("../out"), b"x"), kind=kind))


def test_a_nul_in_a_name_is_refused(door: Door) -> None:
    record = b"path=a\0/../../out\n"
    header = member("x", type=tarfile.XHDTYPE, size=len(record) + 3)
    data = b"%d %s" % (len(record) + 3, record)
    whole = header.tobuf() + data + bytes(-len(data) % 512) + archive((member("y"), b"x"))
    assert "leads out" in refused(door, whole) or "control" in refused(door, whole)


@pytest.mark.parametrize(
    "record",
    [b"9999 path=a\n", b"x path=a\n", b"-3 path=a\n", b"11 path a\n", b"9" * 20 + b" a=b\n"],
)
def test_a_header_that_lies_is_refused(record: bytes, door: Door) -> None:
    header = member("x", type=tarfile.XHDTYPE, size=len(record)).tobuf()
    whole = header + record + bytes(-len(record) % 512) + archive((member("y"), b"x"))
    assert "it is damaged" in refused(door, whole)


def test_a_negative_size_is_refused(door: Door) -> None:
    data = bytearray(archive((member("a"), b"x"), kind=tarfile.GNU_FORMAT))
    data[124:136] = b"\xff" * 12  # -1 in base 256
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    assert "negative" in refused(door, bytes(data))


def test_setuid_is_not_taken_over(door: Door) -> None:
    folder = fetched(door, archive((member("su", mode=0o6777), b"x"))).folder
    assert (folder / "su").stat().st_mode & 0o7777 == 0o755


def test_settings_and_hooks_of_git_are_left_out(door: Door) -> None:
    files = {
        ".git/config": b"[core]\nfsmonitor = touch x\n",
        "sub/.GIT/hooks/post": b"x",
        "a": b"1",
    }
    found = fetched(door, packed(files))
    assert sorted(path.name for path in found.folder.rglob("*") if path.is_file()) == ["a"]
    assert any(".git folder left out" in note for note in found.notes)


def test_links_that_stay_inside_are_links(door: Door) -> None:
    found = fetched(
        door, archive((member("bin/tool"), b"x"), link("tool", "bin/tool"), link("a/none", "b"))
    )
    assert (found.folder / "tool").read_bytes() == b"x"
    assert (found.folder / "a" / "none").is_symlink()


def test_a_second_name_of_a_file_is_the_same_file(door: Door) -> None:
    found = fetched(door, archive((member("one"), b"x" * 2000), second_name("two", "one")))
    assert (found.folder / "two").read_bytes() == b"x" * 2000


def test_what_tar_itself_makes_is_unpacked(door: Door, tmp_path: Path) -> None:
    name = "long/" * 30 + "file-é"
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        info = member(name, size=3, mtime=1_700_000_000, mode=0o755)
        tar.addfile(info, io.BytesIO(b"abc"))
    path = fetched(door, file.getvalue()).folder / name
    assert path.read_bytes() == b"abc"
    assert path.stat().st_mtime == 1_700_000_000
    assert path.stat().st_mode & 0o777 == 0o755
