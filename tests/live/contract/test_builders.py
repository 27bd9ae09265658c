"""What every builder does the same way, on the real engine: one suite, run against each."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

import docker
import pytest

from reconciler.adapters.building.emulation import emulated_here
from reconciler.adapters.docker.engine import Engine
from reconciler.adapters.docker.tiny_programs import EXIT_CODE, tiny_program
from reconciler.adapters.docker.transfer import EngineImages
from reconciler.adapters.docker.trial import runnable_platforms
from reconciler.adapters.web.registry import served_digest
from reconciler.model.build import BuildResult, Login, Refusal
from reconciler.model.image import parse_reference
from tests.live.conftest import SecuredRegistry
from tests.live.contract.builders import ENVIRONMENT, Bench, buildah_pair
from tests.live.marked import running

ARM = "linux/arm64"


def test_an_image_is_built_tagged_and_labelled(bench: Bench) -> None:
    tags = (bench.name(), bench.name())
    bench.write("ARG V=0", "RUN echo value-$V", f"RUN echo {uuid.uuid4()}")
    result = bench.build(tags=tags, args={"V": "7"}, labels={"org.example.l": "v w"})
    assert (result.exit_code, result.stopped) == (0, False)
    assert {image.id for tag in tags if (image := bench.images.image(tag))} == {result.image_id}
    assert b"value-7" in bench.output
    assert '"org.example.l": "v w"' in bench.images.traces(tags[0])


def test_without_a_tag_the_image_is_known_by_its_id(bench: Bench) -> None:
    bench.write(f"RUN echo {uuid.uuid4()}")
    result = bench.build()
    assert bench.images.image(str(result.image_id)) is not None


def test_a_failing_command_gives_its_code_and_no_image(bench: Bench) -> None:
    bench.write(f"RUN echo {uuid.uuid4()}; exit 42")
    result = bench.build()
    assert (result.exit_code, result.image_id) == (42, None)
    assert "42" in str(result.message)


def test_a_file_that_is_not_there_gives_a_message(bench: Bench) -> None:
    bench.write("COPY none /")
    result = bench.build()
    assert (result.exit_code, result.image_id) == (1, None)
    assert "none" in str(result.message)


def test_only_the_target_is_built(bench: Bench) -> None:
    bench.write("RUN echo first", f"FROM {bench.base} AS second", "RUN exit 9")
    (bench.folder / "Dockerfile").write_text(
        f"FROM {bench.base} AS first\nRUN echo {uuid.uuid4()}\nFROM first\nRUN exit 9\n"
    )
    assert bench.build(target="first").image_id is not None


def test_ignored_files_are_left_out(bench: Bench) -> None:
    (bench.folder / "secret.txt").write_text("x")
    (bench.folder / "kept.txt").write_text(uuid.uuid4().hex)
    (bench.folder / ".dockerignore").write_text("secret.txt\n")
    bench.write("COPY . /x/", "RUN test -e /x/kept.txt && ! test -e /x/secret.txt")
    assert bench.build().exit_code == 0


def test_ignore_rules_mean_the_same_to_every_backend(bench: Bench) -> None:
    for name in ("a+b", "aab", "(c|d)", "c", "x.txt", "e{2}", "ee"):
        (bench.folder / name).write_text(uuid.uuid4().hex)
    (bench.folder / ".dockerignore").write_text("a+b\n(c|d)\n**.txt\ne{2}\n")
    bench.write(
        "COPY . /x/",
        "RUN cd /x && test -e aab && test -e c && test -e ee"
        " && ! test -e a+b && ! test -e '(c|d)' && ! test -e x.txt && ! test -e 'e{2}'",
    )
    assert bench.build().exit_code == 0, bench.output


def test_the_own_ignore_file_of_a_dockerfile_comes_first(bench: Bench) -> None:
    (bench.folder / "hidden").write_text("x")
    (bench.folder / "kept").write_text(uuid.uuid4().hex)
    (bench.folder / ".dockerignore").write_text("kept\n")
    (bench.folder / "Dockerfile.dockerignore").write_text("hidden\n")
    bench.write("COPY . /x/", "RUN test -e /x/kept && ! test -e /x/hidden")
    assert bench.build().exit_code == 0


def test_the_dockerfile_may_stand_outside_the_context(bench: Bench) -> None:
    (bench.folder / "sub").mkdir()
    (bench.folder / "sub" / "file").write_text(uuid.uuid4().hex)
    bench.write("COPY file /", "RUN test -e /file", name="Other")
    result = bench.build(context=bench.folder / "sub", dockerfile=bench.folder / "Other")
    assert result.exit_code == 0


def test_output_that_is_not_utf8_does_no_harm(bench: Bench) -> None:
    bench.write(f"RUN echo {uuid.uuid4()}; printf 'a\\377b\\n'")
    assert bench.build().exit_code == 0
    assert b"a" in bench.output


def test_no_cache_runs_every_step_again(bench: Bench) -> None:
    bench.write("RUN cat /proc/sys/kernel/random/uuid > /id")
    first, second = bench.build(no_cache=True), bench.build(no_cache=True)
    assert first.image_id != second.image_id


def test_an_offline_build_has_no_network(bench: Bench) -> None:
    bench.write("RUN cat /proc/net/dev; ! grep -q eth0 /proc/net/dev")
    assert bench.build(offline=True, no_cache=True).exit_code == 0


def test_a_secret_is_mounted_or_refused_but_never_left_out(bench: Bench) -> None:
    bench.write("RUN --mount=type=secret,id=TOK test $(wc -c < /run/secrets/TOK) = 13")
    result = bench.build(secrets={"TOK": "planted-value"}, no_cache=True)
    if bench.builder.secrets:
        assert result.exit_code == 0
        assert "planted-value" not in bench.images.traces(str(result.image_id))
    else:
        assert "cannot mount secrets" in str(result.message)


def test_what_is_pushed_is_what_the_registry_serves(bench: Bench) -> None:
    name = bench.name()
    bench.write(f"RUN echo {uuid.uuid4()}")
    bench.build(tags=(name,))
    pushed = bench.images.push(name, None, lambda: False)
    assert pushed.refusal is None, pushed.message
    parts = parse_reference(name)
    assert pushed.digest == served_digest(bench.registry, parts.repository, str(pushed.digest))


def test_a_push_needs_the_login_of_its_registry(
    bench: Bench, registry_htpasswd: SecuredRegistry
) -> None:
    name = f"{registry_htpasswd.address}/test-{uuid.uuid4().hex}:1"
    bench.write(f"RUN echo {uuid.uuid4()}")
    bench.build(tags=(name,))
    assert bench.images.push(name, None, lambda: False).refusal is Refusal.AUTH
    wrong = Login(registry_htpasswd.username, "no-such-password")
    assert bench.images.push(name, wrong, lambda: False).refusal is Refusal.AUTH
    login = Login(registry_htpasswd.username, registry_htpasswd.password)
    pushed = bench.images.push(name, login, lambda: False)
    assert str(pushed.digest).startswith("sha256:"), pushed.message


def test_a_command_of_another_platform_is_emulated(bench: Bench, opened: Engine) -> None:
    on_engine = isinstance(bench.images, EngineImages)
    runs = runnable_platforms(opened, [ARM]) if on_engine else emulated_here()
    if ARM not in runs:
        pytest.skip("nothing here runs linux/arm64")
    program = bench.folder / "program"
    program.write_bytes(tiny_program(ARM))
    program.chmod(0o755)
    (bench.folder / "Dockerfile").write_text("FROM scratch\nCOPY program /program\n")
    built = bench.build(platform=ARM)
    assert '"arm64"' in bench.images.traces(str(built.image_id))
    (bench.folder / "Dockerfile").write_text(
        'FROM scratch\nCOPY program /program\nRUN ["/program"]\n'
    )
    # The program does nothing but end with this code: it was run.
    assert bench.build(platform=ARM, no_cache=True).exit_code == EXIT_CODE


def test_a_build_argument_stays_in_the_traces_of_an_image(bench: Bench) -> None:
    bench.write("ARG TOK", "RUN echo $TOK | wc -c")
    result = bench.build(args={"TOK": "planted-value"}, no_cache=True)
    assert "planted-value" in bench.images.traces(str(result.image_id))


def test_layers_are_taken_from_a_registry_where_the_store_is_new(
    served_base: str, registry: str, tmp_path: Path
) -> None:
    cache, ids = f"{registry}/cache-{uuid.uuid4().hex}:1", []
    for number in (1, 2):
        pair, folder = buildah_pair(tmp_path / f"store-{number}"), tmp_path / "context"
        folder.mkdir(exist_ok=True)
        assert not pair.images.pull(served_base, "linux/amd64", None, lambda: False).refusal
        bench = Bench(pair.builder, pair.images, folder, served_base, registry)
        bench.write("RUN cat /proc/sys/kernel/random/uuid > /id", "RUN true")
        ids.append(bench.build(cache=cache).image_id)
        assert (b"Cache pulled from remote" in bench.output) is (number == 2), bench.output
    assert ids[0] == ids[1] is not None


def test_a_cache_that_a_registry_refuses_fails_no_build(
    served_base: str, registry_htpasswd: SecuredRegistry, tmp_path: Path
) -> None:
    pair, folder = buildah_pair(tmp_path / "store"), tmp_path / "context"
    folder.mkdir()
    assert not pair.images.pull(served_base, "linux/amd64", None, lambda: False).refusal
    bench = Bench(pair.builder, pair.images, folder, served_base, registry_htpasswd.address)
    bench.write("RUN cat /proc/sys/kernel/random/uuid > /id")
    assert bench.build(cache=bench.name()).image_id is not None, bench.output
    assert b"note: the cache is not kept" in bench.output
    login = Login(registry_htpasswd.username, registry_htpasswd.password)
    bench.output = b""
    assert bench.build(cache=bench.name(), cache_login=login).image_id is not None
    assert b"note: the cache is not kept" not in bench.output
    assert b"Pushing cache" in bench.output


def test_what_an_image_leaves_to_the_builds_from_it_is_known(
    bench: Bench, engine: docker.DockerClient, base_image: str
) -> None:
    name, tag = bench.name().rsplit(":", 1)
    container = engine.containers.create(base_image, "true")
    try:
        container.commit(name, tag, changes="ONBUILD ADD http://127.0.0.1:9/x /x")
    finally:
        container.remove()
    try:
        engine.images.push(name, tag)
        assert (
            bench.images.pull(f"{name}:{tag}", "linux/amd64", None, lambda: False).refusal is None
        )
        found = bench.images.image(f"{name}:{tag}")
        assert found is not None
        assert found.triggers == ("ADD http://127.0.0.1:9/x /x",)
    finally:
        engine.images.remove(f"{name}:{tag}")


def test_nothing_is_known_of_an_image_that_is_not_there(bench: Bench) -> None:
    assert bench.images.image(bench.name()) is None
    refused = bench.images.pull(bench.name(), "linux/amd64", None, lambda: False)
    assert refused.refusal is Refusal.MISSING


def test_buildah_writes_no_secret_on_a_disk(
    served_base: str, registry: str, place: Path, tmp_path: Path
) -> None:
    pair = buildah_pair(place)
    assert not pair.images.pull(served_base, "linux/amd64", None, lambda: False).refusal
    bench = Bench(pair.builder, pair.images, tmp_path / "context", served_base, registry)
    bench.folder.mkdir()
    # What is awaited is in no line that only tells the command.
    bench.write("RUN --mount=type=secret,id=T cp /run/secrets/T /shown; echo be''gun; sleep 60")
    found: list[bool] = []
    seen: list[Path] = []

    def stopping() -> bool:
        if b"begun" in bench.output and not found:
            for path in place.rglob("*"):
                with suppress(OSError):  # it may be gone again
                    found.append(b"planted-value" in path.read_bytes())
            seen.extend(told_to_processes(b"planted-value"))
        return bool(found)

    assert bench.build(stopping=stopping, secrets={"T": "planted-value"}).stopped
    # Once, where the command itself has copied it to: so it would be found.
    assert found.count(True) == 1
    assert seen == []


def told_to_processes(value: bytes) -> list[Path]:
    """The processes of this machine that have a value among their words or variables."""
    found = []
    for name in ("cmdline", "environ"):
        for path in Path("/proc").glob(f"[0-9]*/{name}"):
            with suppress(OSError):
                found += [path] if value in path.read_bytes() else []
    return found


def test_a_value_among_words_or_variables_is_found() -> None:
    command = ["sh", "-c", "echo begun; read x; : planted-word"]
    environment = {**ENVIRONMENT, "PLANTED": "planted-variable"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"  # before that it has no words yet
        seen = Path(f"/proc/{process.pid}")
        assert seen / "cmdline" in told_to_processes(b"planted-word")
        assert seen / "environ" in told_to_processes(b"planted-variable")
        process.communicate(b"")


def test_buildah_builds_where_nobody_may_mount_another_proc(
    served_base: str, registry: str, place: Path, tmp_path: Path
) -> None:
    # As in a container, where a part of /proc is covered.
    refusing = tmp_path / "unshare"
    refusing.write_text(
        '#!/bin/sh\ncase "$*" in *--mount-proc*) exit 1;; esac\n'
        f'exec {shutil.which("unshare")} "$@"\n'
    )
    refusing.chmod(0o755)
    pair = buildah_pair(place, f"{tmp_path}:{ENVIRONMENT['PATH']}")
    assert not pair.images.pull(served_base, "linux/amd64", None, lambda: False).refusal
    bench = Bench(pair.builder, pair.images, tmp_path / "context", served_base, registry)
    bench.folder.mkdir()
    bench.write("RUN test -d /proc/self")
    assert bench.build().image_id is not None, bench.output
    mark = str(100_000 + uuid.uuid4().int % 100_000)
    bench.write(f"RUN sleep {mark}")
    assert bench.build(stopping=lambda: running(mark)).stopped
    wait_until_ended(mark)


def test_a_stop_ends_the_build_and_the_command_in_it(bench: Bench) -> None:
    mark = str(100_000 + uuid.uuid4().int % 100_000)
    bench.write(f"RUN sleep {mark}")
    stopped_at: list[float] = []

    def stopping() -> bool:
        if running(mark) and not stopped_at:
            stopped_at.append(time.monotonic())
        return bool(stopped_at)

    result = bench.build(stopping=stopping, no_cache=True)
    assert result.stopped
    assert result.image_id is None
    wait_until_ended(mark)
    bench.write("RUN true")
    assert bench.build(no_cache=True).image_id is not None, "it left something in the way"


def wait_until_ended(mark: str) -> None:
    deadline = time.monotonic() + 10
    while running(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(mark)


def test_a_stop_before_the_start_builds_nothing(bench: Bench) -> None:
    bench.write("RUN sleep 300")
    assert bench.build(stopping=lambda: True, no_cache=True).stopped


def test_two_builds_at_once_do_not_meet(bench: Bench) -> None:
    bench.write(f"RUN echo {uuid.uuid4()}; sleep 1")
    results: list[BuildResult] = []
    threads = [
        threading.Thread(target=lambda: results.append(bench.build(no_cache=True)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.exit_code for result in results] == [0, 0]
