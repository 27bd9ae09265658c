"""What of a file a backend keeps: rights, times, and what is no file. See the reference page."""

from __future__ import annotations

import os
import socket

from tests.live.contract.builders import Bench

# Each as the table of docs/reference/build-backends.md has it.
KEPT = {
    "buildkit": ("4755", "-100", "file"),
    "buildctl": ("4755", "-100", "file"),
    "classic": ("755", "0", "none"),
    "buildah": ("755", "-100", "none"),
}


def test_rights_and_times_and_sockets_are_kept_as_the_table_says(bench: Bench) -> None:
    (bench.folder / "set").write_text("x")
    (bench.folder / "set").chmod(0o4755)
    (bench.folder / "plain").write_text("x")
    (bench.folder / "plain").chmod(0o640)
    (bench.folder / "old").write_text("x")
    os.utime(bench.folder / "old", (-100, -100))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(bench.folder / "s"))
    bench.write(
        "COPY . /x/",
        "RUN cd /x; kind=none; test -f s && kind=file; test -S s && kind=socket;"
        " echo has:$(stat -c %a set),$(stat -c %Y old),$kind,$(stat -c %a plain)",
    )
    assert bench.build(no_cache=True).exit_code == 0, bench.output
    wanted = ",".join([*KEPT[bench.builder.name], "640"])
    assert f"has:{wanted}".encode() in bench.output, bench.output
