"""What buildctl is told, by a program that stands in for it: no BuildKit daemon runs here.

The contract suite runs against the real one where there are buildctl and BUILDKIT_HOST.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from reconciler.adapters.building.buildctl import BuildctlBuilder
from reconciler.adapters.docker.engine import Engine
from reconciler.model.build import BuildRequest, BuildResult, LocalImage, Login

IMAGE = "sha256:" + "1" * 64
RECORD = 'for word in "$@"; do echo "$word"; done > "$HOME/words"; env > "$HOME/env"\n'
SHOW = 'for word in "$@"; do case "$word" in --secret=*) cat "${word#*src=}";; esac; done\n'
CONFIG = 'cat "$DOCKER_CONFIG/config.json" > "$HOME/login" 2>/dev/null\n'
MAKE = (
    'for word in "$@"; do case "$word" in\n'
    f"""--metadata-file=*) echo '{json.dumps({"containerimage.config.digest": IMAGE})}' """
    '> "${word#*=}";;\n'
    '--output=*) echo archive > "${word##*dest=}";;\nesac; done\n'
)


@dataclass
class Loading:
    """The three things of an engine that this builder uses."""

    loaded: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    def load(self, archive: Path) -> None:
        self.loaded.append(archive.read_text())

    def image(self, reference: str) -> LocalImage | None:
        return LocalImage(reference) if reference == IMAGE else None

    def tag(self, image_id: str, name: str) -> None:
        self.tags.append(f"{image_id} {name}")


@dataclass
class Tried:
    """A build by a stand-in, and what was seen of it."""

    home: Path
    engine: Loading = field(default_factory=Loading)
    output: bytes = b""

    def build(
        self,
        script: str,
        stopping: Callable[[], bool] = lambda: False,
        address: str = "unix:///b.sock",
        **fields: object,
    ) -> BuildResult:
        program = self.home / "buildctl"
        program.write_text(f"#!/bin/sh\n{script}")
        program.chmod(0o755)
        environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "TOKEN": "planted"}
        engine = cast("Engine", self.engine)
        request = BuildRequest(
            self.home, self.home / "sub" / "Dockerfile", scratch=self.home / "scratch"
        )

        def take(chunk: bytes) -> None:
            self.output += chunk

        builder = BuildctlBuilder(program, address, engine, environment)
        return builder.build(replace(request, **fields), take, stopping)  # type: ignore[arg-type]

    def words(self) -> list[str]:
        return (self.home / "words").read_text().splitlines()


@pytest.fixture
def tried(tmp_path: Path) -> Tried:
    return Tried(tmp_path)


def test_everything_is_told_by_flags_and_no_other_environment_is_known(tried: Tried) -> None:
    tried.build(
        RECORD + "exit 1",
        args={"A": "b c"},
        labels={"l": "v"},
        target="-last",
        platform="linux/arm64",
        no_cache=True,
        offline=True,
    )
    wanted = {
        *("--opt=build-arg:A=b c", "--opt=label:l=v", "--opt=target=-last", "--no-cache"),
        *("--opt=platform=linux/arm64", "--opt=force-network-mode=none"),
        *(f"--local=context={tried.home}", f"--local=dockerfile={tried.home}/sub"),
        *("--opt=filename=Dockerfile", "--frontend=dockerfile.v0", "--progress=plain"),
    }
    words = tried.words()
    assert words[:2] == ["--addr=unix:///b.sock", "build"]
    assert wanted <= set(words)
    assert "planted" not in (tried.home / "env").read_text()


def test_what_was_built_comes_to_the_engine_with_its_names(tried: Tried) -> None:
    result = tried.build(MAKE, tags=("r.example/web:1", "r.example/web:2"))
    assert result == BuildResult(image_id=IMAGE)
    assert tried.engine.loaded == ["archive\n"]
    assert tried.engine.tags == [f"{IMAGE} r.example/web:1", f"{IMAGE} r.example/web:2"]
    assert list((tried.home / "scratch").iterdir()) == []


def test_an_image_that_the_engine_does_not_have_afterwards_is_a_failure(tried: Tried) -> None:
    result = tried.build(MAKE.replace(IMAGE, "sha256:" + "2" * 64))
    assert (result.image_id, result.message) == (None, "the engine did not take the image")


def test_a_secret_is_a_file_that_is_gone_afterwards_and_no_word(tried: Tried) -> None:
    tried.build(RECORD + SHOW + "exit 1", secrets={"TOK": "planted-value"})
    assert tried.output == b"planted-value"
    words = tried.words()
    source = next(word for word in words if word.startswith("--secret=id=TOK,src="))
    assert not Path(source.partition("src=")[2]).exists()
    assert "planted" not in "".join(words) + (tried.home / "env").read_text()


def test_a_secret_goes_to_no_address_in_the_clear(tried: Tried) -> None:
    result = tried.build("touch $HOME/begun", address="tcp://b.example:1", secrets={"T": "x"})
    assert result.exit_code == 1
    assert "in the clear" in str(result.message)
    assert not (tried.home / "begun").exists()


def test_a_cache_is_taken_and_kept_with_its_login_and_only_taken_without_a_push(
    tried: Tried,
) -> None:
    cache, login = "r.example/web:cache", Login("me", "planted-password")
    tried.build(RECORD + CONFIG + "exit 1", cache=cache, cache_login=login)
    words = tried.words()
    assert f"--import-cache=type=registry,ref={cache}" in words
    assert f"--export-cache=type=registry,ref={cache},mode=max,ignore-error=true" in words
    assert set(json.loads((tried.home / "login").read_text())["auths"]) == {"r.example"}
    assert "planted-password" not in "".join(words) + (tried.home / "env").read_text()
    tried.build(RECORD + "exit 1", cache=cache, cache_kept=False)
    assert not [word for word in tried.words() if word.startswith("--export-cache")]


def test_the_code_of_the_failed_command_is_told_not_the_clients(tried: Tried) -> None:
    said = 'process "/bin/sh -c x" did not complete successfully: exit code: 42'
    result = tried.build(f"echo 'error: failed to solve: {said}'; exit 1")
    assert (result.exit_code, result.image_id) == (42, None)
    assert said in str(result.message)


def test_a_stop_ends_the_client(tried: Tried) -> None:
    result = tried.build("sleep 300", stopping=lambda: True)
    assert (result.stopped, result.exit_code) == (True, 130)
