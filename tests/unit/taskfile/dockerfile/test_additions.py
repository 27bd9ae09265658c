"""What a Dockerfile adds from elsewhere."""

from __future__ import annotations

import pytest

from reconciler.taskfile.dockerfile.additions import additions


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("ADD https://x.example/f /f", ["https://x.example/f"]),
        ("add --chown=1:1 a HTTP://x.example/f b /d/", ["HTTP://x.example/f"]),
        ('ADD ["git@x.example:a/b.git", "/f"]', ["git@x.example:a/b.git"]),
        ("ADD ssh://x.example/a.git \\\n  git://x.example/a.git /f", 2),
        ("ADD 'https://x.example/f' /f", ["https://x.example/f"]),
        ("ADD ${WHERE}/f /f", ["${WHERE}/f"]),
        ("ONBUILD ADD https://x.example/f /f", ["https://x.example/f"]),
        ("ADD f https:/x /f", []),
        ("COPY https://x.example/f /f", []),
        ("ADD app.tar.gz /https://x.example/", []),
        ("RUN echo ADD https://x.example/f /f", []),
        ("RUN <<E\nADD https://x.example/f /f\nE", []),
    ],
)
def test_an_address_or_a_variable_may_lead_out(line: str, found: list[str] | int) -> None:
    told = additions(f"FROM scratch\n{line}\n")
    assert (len(told) if isinstance(found, int) else [one.source for one in told]) == found
    assert {one.line for one in told} <= {2}
