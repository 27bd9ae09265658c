"""What a Dockerfile adds from elsewhere."""

from __future__ import annotations

import pytest

from reconciler.taskfile.dockerfile.additions import additions
from reconciler.taskfile.dockerfile.logicallines import DockerfileError


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
        ("ADD htt${S}://x.example/f /f", ["htt${S}://x.example/f"]),
        ("ADD htt$S://x.example/f /f", ["htt$S://x.example/f"]),
        ("ADD http:/${S}x.example/f /f", ["http:/${S}x.example/f"]),
        ("ADD http${C}//x.example/f /f", ["http${C}//x.example/f"]),
        ("ADD user${A}x.example:a.git /f", ["user${A}x.example:a.git"]),
        ("ADD a${X:-./}f /f", ["a${X:-./}f"]),
        ("ADD user@x.example:a.git /f", ["user@x.example:a.git"]),
        ("ADD ftp://x.example/f /f", ["ftp://x.example/f"]),
        ("ADD h\\ttp://x.example/f /f", ["http://x.example/f"]),
        ("ADD h`ttp://x.example/f /f", 1),
        ('ADD ["\'http\'://x.example/f", "/f"]', ["http://x.example/f"]),
        ("ADD [a] /f", []),
        ("ADD ./$X/f '/$Y' \"a/$Z\" /f", []),
        ("ADD ./http://x.example/f /f", []),
        ("ADD f $X", []),
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


def test_an_escape_that_only_some_builders_see_is_not_guessed() -> None:
    text = "{}# escape=`\nFROM scratch\nLABEL a=b \\\nADD https://x.example/f /f\n"
    assert len(additions(text.format(""))) == 1
    with pytest.raises(DockerfileError, match="escape"):
        additions(text.format("# other=1\n"))
