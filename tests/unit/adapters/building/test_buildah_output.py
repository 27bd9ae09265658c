"""The warning about arguments that buildah itself gave is not shown; others are."""

from __future__ import annotations

import pytest

from reconciler.adapters.building.buildah_output import WithoutOwnArguments

WARNING = b"[Warning] one or more build args were not consumed: [TARGETARCH TARGETOS TARGETPLATFORM"


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (b"a\n" + WARNING + b"]\nid\n", b"a\nid\n"),
        (WARNING + b"]\nid\n", b"id\n"),
        (b"a\n" + WARNING + b" V X]\nid\n", b"a\n" + WARNING[:53] + b"V X]\nid\n"),
        (b"no end" + WARNING + b"]\nid\n", b"no end\nid\n"),
        (b"[Warning] another\n[ [Warn", b"[Warning] another\n[ [Warn"),
    ],
)
def test_only_what_is_buildahs_own_is_left_out(said: bytes, shown: bytes, size: int) -> None:
    chunks: list[bytes] = []
    output = WithoutOwnArguments(chunks.append)
    for at in range(0, len(said), size):
        output(said[at : at + size])
    output.close()
    assert b"".join(chunks) == shown
