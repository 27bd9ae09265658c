# ruff: noqa: E501 - the table of files reads best with one file a line
"""A whole task file, in both manners: what is accepted, what it means, where a fault is told."""

from __future__ import annotations

import pytest

from reconciler.base.diagnostics import Severity
from reconciler.base.errors import InvalidInput, SecretUnavailable
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.tasks import BuildStep, CmdStep, Mount, PushStep, Secret
from tests.unit.taskfile.reading import V11, cmd, errors, read, steps, warnings, words

STEPS = "steps:\n  - cmd: x\n"

# (text, refused when read strictly, refused when read as ACR's engine does)
FILES = {
    "empty": ("", True, False),
    "only a comment": ("# nothing\n", True, False),
    "only a version": (V11, True, False),
    "an empty map": ("{}", True, False),
    "no step in steps": (V11 + "steps: []\n", True, False),
    "no version": (STEPS, False, False),
    "preview version": ("version: 1.0-preview-1\n" + STEPS, False, False),
    "version without v": ("version: 1.1.0\n" + STEPS, True, True),
    "version that never was": ("version: v1.2.0\n" + STEPS, True, True),
    "alpha version": ("version: v1.0.0-alpha\n" + STEPS, True, True),
    "upper case version": ("version: V1.1.0\n" + STEPS, False, False),
    "quoted version with a blank": ('version : "v1.1.0"\n' + STEPS, False, False),
    "indented version": (" version: v1.1.0\n" + STEPS, True, False),
    "unknown key": (V11 + "owner: me\n" + STEPS, True, False),
    "unknown step key": (V11 + "steps:\n  - {cmd: x, timout: 3}\n", True, False),
    "inner field": (V11 + "isbuildtask: true\n" + STEPS, True, False),
    "key twice": (V11 + "stepTimeout: 5\nstepTimeout: 7\n" + STEPS, True, False),
    "key in capitals": (V11 + "steps:\n  - {Cmd: x}\n", True, True),
    "two documents": (V11 + STEPS + "---\nb: 1\n", True, False),
    "tab": (V11 + "steps:\n\t- cmd: x\n", True, True),
    "open bracket": (V11 + "steps: [\n", True, True),
    "steps as a map": (V11 + "steps: {cmd: x}\n", True, True),
    "quoted number": (V11 + 'steps:\n  - {cmd: x, timeout: "30"}\n', True, True),
    "number with a unit": (V11 + "steps:\n  - {cmd: x, timeout: 30s}\n", True, True),
    "fraction": (V11 + "steps:\n  - {cmd: x, timeout: 1.5}\n", True, False),
    "octal": (V11 + "steps:\n  - {cmd: x, timeout: 010}\n", True, False),
    "switch yes": (V11 + "steps:\n  - {cmd: x, keep: yes}\n", True, False),
    "switch 1": (V11 + "steps:\n  - {cmd: x, keep: 1}\n", True, True),
    "when as a text": (V11 + "steps:\n  - {id: a, cmd: x}\n  - {cmd: y, when: a}\n", True, True),
    "push as a text": (V11 + "steps:\n  - push: a:b\n", True, True),
    "env as a map": (V11 + "env: {A: 1}\n" + STEPS, True, True),
    "nothing as a step": (V11 + "steps:\n  -\n", True, True),
    "nothing as a network": (V11 + "networks: [~]\n" + STEPS, True, True),
    "two kinds": (V11 + "steps:\n  - {cmd: x, build: .}\n", True, True),
    "no kind": (V11 + "steps:\n  - {id: a}\n", True, True),
    "empty push": (V11 + "steps:\n  - push: []\n", True, True),
    "blank cmd": (V11 + "steps:\n  - cmd: ' '\n", True, False),
    "blank in an id": (V11 + "steps:\n  - {id: a b, cmd: x}\n", True, True),
    "id that is no host name": (V11 + "steps:\n  - {id: a/b, cmd: x}\n", True, False),
    "reserved id": (V11 + "steps:\n  - {id: acb_root, cmd: x}\n", True, True),
    "id twice": (V11 + "steps:\n  - {id: a, cmd: x}\n  - {id: a, cmd: y}\n", True, True),
    "id as one made": (V11 + "steps:\n  - {id: acb_step_1, cmd: x}\n  - cmd: y\n", True, True),
    "negative retries": (V11 + "steps:\n  - {cmd: x, retries: -1}\n", True, True),
    "negative repeat": (V11 + "steps:\n  - {cmd: x, repeat: -1}\n", True, True),
    "negative timeout": (V11 + "steps:\n  - {cmd: x, timeout: -5}\n", False, False),
    "cache on": (V11 + "steps:\n  - {build: ., cache: on}\n", True, True),
    "cache of a cmd": (V11 + "steps:\n  - {cmd: x, cache: Enabled}\n", False, False),
    "both exit lists": (
        V11 + "steps:\n  - {cmd: x, exitedWith: [1], exitedWithout: [2]}\n",
        True,
        False,
    ),
    "shell operator": (V11 + "steps:\n  - cmd: x a && b\n", True, False),
    "shell redirect": (V11 + "steps:\n  - cmd: x a > b\n", True, False),
    "two lines of commands": (V11 + "steps:\n  - cmd: |\n      x a\n      y b\n", True, False),
    "open quote": (V11 + "steps:\n  - cmd: x 'a\n", True, True),
    "flag before the image": (V11 + "steps:\n  - cmd: --rm x\n", True, True),
    "secret without id": (
        V11 + "secrets: [{keyvault: https://k.v/secrets/s}]\n" + STEPS,
        True,
        True,
    ),
    "secret without vault": (V11 + "secrets: [{id: a}]\n" + STEPS, True, True),
    "secret over http": (
        V11 + "secrets: [{id: a, keyvault: 'http://k.v/secrets/s'}]\n" + STEPS,
        True,
        True,
    ),
    "client id that is no UUID": (
        V11 + "secrets: [{id: a, keyvault: 'https://k.v/secrets/s', clientID: me}]\n" + STEPS,
        True,
        True,
    ),
    "secret with two vaults": (
        V11
        + "secrets: [{id: a, keyvault: 'https://k.v/secrets/s', akv: 'https://k.v/secrets/s'}]\n"
        + STEPS,
        True,
        True,
    ),
    "secret id twice": (
        V11
        + "secrets: [{id: a, keyvault: 'https://k.v/secrets/s'},"
        + " {id: a, keyvault: 'https://k.v/secrets/s'}]\n"
        + STEPS,
        True,
        True,
    ),
    "volume without files": (V11 + "volumes: [{name: v}]\n" + STEPS, True, True),
    "volume with a slash": (
        V11 + "volumes: [{name: v/x, secret: {f: eA==}}]\n" + STEPS,
        True,
        True,
    ),
    "volume that is not base64": (
        V11 + "volumes: [{name: v, secret: {f: '!'}}]\n" + STEPS,
        True,
        True,
    ),
    "mount of nothing": (
        V11 + "steps:\n  - {cmd: x, volumeMounts: [{name: v, mountPath: /a}]}\n",
        True,
        True,
    ),
    "mount of a push": (
        V11
        + "volumes: [{name: v, secret: {f: eA==}}]\n"
        + "steps:\n  - {push: [a], volumeMounts: [{name: v, mountPath: /a}]}\n",
        True,
        True,
    ),
    "alias in v1.0.0": ("version: v1.0.0\nalias:\n  values: {a: b}\n" + STEPS, True, False),
    "unknown alias": (V11 + "steps:\n  - cmd: x $nope\n", True, False),
    "alias name with _": (V11 + "alias:\n  values: {a_b: c}\n" + STEPS, True, True),
    "alias directive of two": (V11 + "alias:\n  directive: '%%'\n" + STEPS, True, True),
    "alias source that is missing": (V11 + "alias:\n  src: [nofile]\n" + STEPS, True, True),
    "value that is missing": (V11 + "steps:\n  - cmd: x {{.Values.a}}\n", True, False),
    "field of a value that is missing": (V11 + "steps:\n  - cmd: x {{.Values.a.b}}\n", True, True),
    "run variable that is not": (V11 + "steps:\n  - cmd: x {{.Run.Nope}}\n", True, False),
    "template that gives nothing": (V11 + "{{ if false }}\nsteps: []\n{{ end }}", False, False),
    "text that renders to nothing": ("{{ if false }}\nsteps: []\n{{ end }}", True, True),
    "task env without =": (V11 + "env: ['A=1,2']\n" + STEPS, True, True),
    "step env without =": (V11 + "env: [A=1]\nsteps:\n  - {cmd: x, env: [FOO]}\n", True, True),
    "step env passed through": (V11 + "steps:\n  - {cmd: x, env: [FOO]}\n", True, False),
    "image in capitals": (V11 + "steps:\n  - push: [UPPER]\n", True, False),
    "unknown flag of build": (V11 + "steps:\n  - build: --tga x .\n", True, False),
    "flag of build without value": (V11 + "steps:\n  - build: . -t\n", True, True),
    "processors as a word": (V11 + "steps:\n  - {cmd: x, cpus: many}\n", True, False),
    "port as a word": (V11 + "steps:\n  - {cmd: x, ports: [http]}\n", True, False),
    "exit code of 256": (V11 + "steps:\n  - {cmd: x, exitedWith: [256]}\n", True, False),
    "mount without path": (V11 + "steps:\n  - {cmd: x, volumeMounts: [{name: v}]}\n", True, True),
    "env of lists": (V11 + "steps:\n  - {cmd: x, env: [[a]]}\n", True, True),
    "cmd as a list": (V11 + "steps:\n  - {cmd: [x]}\n", True, True),
    "steps as texts": (V11 + "steps: [x]\n", True, True),
    "files as a text": (V11 + "volumes: [{name: v, secret: x}]\n" + STEPS, True, True),
    "file as a list": (V11 + "volumes: [{name: v, secret: {f: [a]}}]\n" + STEPS, True, True),
    "networks of one name": (V11 + "networks: [{name: a}, {name: a}]\n" + STEPS, True, False),
    "alias as a text": (V11 + "alias: x\n" + STEPS, True, True),
    "alias of a list": (V11 + "alias: {values: {a: [b]}}\n" + STEPS, True, True),
    "alias twice": (V11 + "alias: {values: {a: b, a: c}}\n" + STEPS, True, False),
    "variable with a blank": (V11 + "steps:\n  - {cmd: x, env: ['A B=1']}\n", True, False),
    "a text": ("hello\n", True, True),
    "tag of YAML": (V11 + "steps:\n  - cmd: !mine x\n", True, False),
    "list as key": (V11 + "? [a]\n: b\n" + STEPS, True, True),
}
FILES["template that gives nothing"] = (
    V11 + "steps:\n  - cmd: x{{ if false }}y{{ end }}\n",
    False,
    False,
)


@pytest.mark.parametrize("name", FILES)
def test_what_is_refused_when_read_strictly(name: str) -> None:
    text, refused, _ = FILES[name]
    assert bool(errors(text)) == refused


@pytest.mark.parametrize("name", FILES)
def test_what_is_refused_when_read_as_the_engine_does(name: str) -> None:
    text, strict, refused = FILES[name]
    assert bool(errors(text, "acb")) == refused
    # What only strict reading refuses is told as a warning.
    if strict and not refused:
        assert warnings(text, "acb")


@pytest.mark.parametrize("name", FILES)
def test_every_error_says_how_to_mend_it(name: str) -> None:
    found = [item for item in read(FILES[name][0]).diagnostics if item.severity is Severity.ERROR]
    assert [str(item.location) for item in found if not item.fix] == []
    assert all(item.location for item in found)


def test_a_refused_file_has_no_steps_and_says_so() -> None:
    task = read(V11 + "owner: me\n" + STEPS)
    assert task.refused
    assert task.steps == ()
    with pytest.raises(InvalidInput):
        task.checked()


def test_every_fault_is_told_with_its_place() -> None:
    text = (
        V11 + "owner: me\nsteps:\n  - {id: a, cmd: x, timout: 3}\n  - {id: b, cmd: y, when: [c]}\n"
    )
    found = [(str(item.location), item.fix) for item in read(text).diagnostics]
    assert found == [
        (
            "task.yaml:2:1",
            "known are version, steps, stepTimeout, workingDirectory, env, secrets, networks, volumes, alias",
        ),
        ("task.yaml:4:21", 'did you mean "timeout"?'),
        ("task.yaml:5:28", "name a step that stands earlier in the file"),
    ]


def test_the_place_is_that_of_the_source_behind_templates_and_aliases() -> None:
    text = (
        V11
        + 'alias:\n  values:\n    two: "a\\n      b"\n'
        + "{{ range until 3 }}\n{{ end }}\n"
        + "steps:\n  - cmd: x $two\n  - {cmd: y $ID, timeout: foo}\n"
    )
    (item,) = [item for item in read(text).diagnostics if "timeout" in item.message]
    assert item.location is not None
    assert item.location.line == 9


def test_all_missing_values_are_told_at_once() -> None:
    text = V11 + "steps:\n  - cmd: x {{.Values.a}}\n  - cmd: y {{.Values.b}}\n"
    assert [line[:2] for line in errors(text)] == ["3:", "4:"]


def told(text: str, manner: str = "strict") -> list[tuple[str, str | None, str | None]]:
    """(place, found, fix) of all that was found."""
    return [
        (str(item.location).removeprefix("task.yaml:"), item.found, item.fix)
        for item in read(text, manner).diagnostics
    ]


def test_what_a_shell_would_act_on_is_told_at_its_place() -> None:
    shell = "there is no shell here: run one in the container, e.g. bash -c '...'"
    assert told("steps:\n  - cmd: x a && b $(c)\n") == [("2:14", "&& ( )", shell)]
    assert told('steps:\n  - cmd: "x a >> b"\n') == [("2:10", ">>", shell)]


def test_a_time_longer_than_any_run_is_refused_and_cut_for_the_engine() -> None:
    keys = ("timeout", "startDelay", "retryDelay", "cmdDownloadRetryDelay")
    for key in keys:
        text = f"steps:\n  - {{cmd: x, {key}: 99999999999}}\n"
        assert told(text)[0][1:] == ("99999999999", "write at most 28800")
        step = cmd(text, "acb")
        times = (step.timeout, step.start_delay, step.attempts.retry_delay)
        assert 28_800 in (*times, step.download_retry_delay)
    assert errors("stepTimeout: 28801\n" + STEPS)
    assert cmd("stepTimeout: 28800\n" + STEPS).timeout == 28_800


def test_names_that_others_use_lead_to_the_right_one() -> None:
    for key, fix in (
        ("downloadRetries", 'its name is "cmdDownloadRetries"'),
        ("dependsOn", 'steps that are waited for stand under "when"'),
        ("image", "the image is the first word of cmd"),
        ("timout", 'did you mean "timeout"?'),
    ):
        assert told(f"steps:\n  - {{cmd: x, {key}: 1}}\n") == [("2:14", key, fix)]


def test_the_engine_is_told_how_a_number_and_a_switch_are_read() -> None:
    text = "steps:\n  - {cmd: x, timeout: 1.5, keep: yes}\n"
    assert told(text, "acb") == [("2:23", "1.5", "write 1"), ("2:34", "yes", "write true")]
    assert told(text)[0][2] == "write timeout: 1"


def test_what_the_engine_passes_over_is_told_at_its_place() -> None:
    nothing = 'give it (--set a=...), or write {{ .Values.a | default "..." }}'
    cases = {
        "steps:\n  - cmd: x {{.Values.a}}\n": ("2:12", nothing),
        V11 + "steps:\n  - cmd: x $HOME\n": ("3:12", "write $$HOME for the text $HOME"),
        "steps: [{cmd: x}]\n--- [\n": ("2:1", "remove what follows `---`"),
        "{steps: [{cmd: x}]} junk\n": ("1:21", "remove it"),
        "steps:\n  - cmd: !mine x\n": ("2:10", "remove the tag"),
    }
    for text, (place, fix) in cases.items():
        assert [(at, mend) for at, _, mend in told(text, "acb")] == [(place, fix)]
        assert len(steps(text, "acb")) == 1
        assert errors(text)


def test_predefined_aliases_are_told_where_the_version_has_none() -> None:
    text = "# $OS\nsteps:\n  - cmd: x $Registry/a $RegistryName $Registrys $$ID $Home\n"
    told_names = [line.split()[1] for line in warnings(text)]
    assert told_names == ["$Registry", "$RegistryName"]
    assert words(text)[1:] == ["$Registry/a", "$RegistryName", "$Registrys", "$$ID", "$Home"]


def test_a_step_of_the_wrong_kind_is_told_once() -> None:
    assert len(errors("steps:\n  - {cmd: [a]}\n")) == 1
    assert len(errors("steps:\n  - {cmd: [a]}\n  - push: []\n")) == 2


# ------------------------------------------------------------------ meaning
def test_properties_of_a_cmd_step() -> None:
    step = cmd(
        V11
        + """steps:
  - id: app
    cmd: repo/app:1 --name "a b"
    timeout: 7
    startDelay: 3
    retries: 2
    retryDelay: 4
    retryOnErrors: [boom]
    repeat: 1
    cmdDownloadRetries: 5
    cmdDownloadRetryDelay: 6
    pull: true
    keep: true
    detach: true
    ignoreErrors: true
    privileged: true
    user: "1000:1000"
    network: host
    isolation: default
    cpus: 1.50
    entryPoint: /bin/app
    ports: ["8080:80"]
    expose: [80]
    workingDirectory: sub
    exitedWith: [0, 3]
"""
    )
    assert (step.id, step.image, step.argv) == ("app", "repo/app:1", ("--name", "a b"))
    assert (step.timeout, step.start_delay, step.line) == (7, 3, 3)
    tries = step.attempts
    assert (tries.retries, tries.retry_delay, tries.retry_on_errors, tries.repeat) == (
        2,
        4,
        ("boom",),
        1,
    )
    assert (step.download_retries, step.download_retry_delay) == (5, 6)
    assert (step.pull, step.keep, step.detach) == (True, True, True)
    assert (step.ignore_errors, step.privileged) == (True, True)
    assert (step.user, step.network, step.isolation, step.cpus) == (
        "1000:1000",
        "host",
        "default",
        "1.50",
    )
    assert (step.entry_point, step.ports, step.expose) == ("/bin/app", ("8080:80",), ("80",))
    assert step.working_directory == "/workspace/sub"
    assert [code for code in range(5) if step.succeeded(code)] == [0, 3]


def test_defaults_of_a_step() -> None:
    step = cmd(V11 + "steps:\n  - {cmd: x, timeout: 0, startDelay: -5, retryDelay: -1}\n")
    assert (step.id, step.timeout, step.start_delay) == ("acb_step_0", 600, 0)
    assert (step.attempts.retries, step.attempts.retry_delay, step.attempts.repeat) == (0, 5, 0)
    assert (step.network, step.working_directory) == ("acb_default_network", "/workspace")
    assert [code for code in range(3) if step.succeeded(code)] == [0]


def test_exited_without_means_every_code_but_these() -> None:
    step = cmd(V11 + "steps:\n  - {cmd: x, exitedWithout: [0, 2]}\n")
    assert [code for code in range(4) if step.succeeded(code)] == [1, 3]


def test_the_engine_ignores_exit_lists_and_that_is_told() -> None:
    text = V11 + "steps:\n  - {cmd: x, exitedWith: [4]}\n"
    assert not cmd(text, "acb").succeeded(4)
    assert "ignored" in warnings(text, "acb")[0]


def test_a_step_takes_timeout_and_folder_of_the_task() -> None:
    step = cmd(V11 + "stepTimeout: 30\nworkingDirectory: /abs/../d\nsteps:\n  - cmd: x\n")
    assert (step.timeout, step.working_directory) == (30, "/d")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("../up", "/up"), ("/abs/../d", "/d"), ("a/./b", "/workspace/a/b"), ("//x", "/x")],
)
def test_working_directories_are_joined_and_cleaned(written: str, meant: str) -> None:
    assert (
        cmd(V11 + f"steps:\n  - {{cmd: x, workingDirectory: {written}}}\n").working_directory
        == meant
    )


def test_the_image_keeps_its_own_folder_where_that_is_asked_for() -> None:
    text = V11 + "steps:\n  - {cmd: x, disableWorkingDirectoryOverride: true}\n"
    assert cmd(text).working_directory is None


def test_numbers_are_cut_as_the_engine_cuts_them() -> None:
    numbers = {
        "1.5": 1,
        "1e2": 100,
        "010": 8,
        "08": 8,
        "0x10": 16,
        "0o17": 15,
        "1__0": 10,
        "0.99": 600,
    }
    for written, meant in numbers.items():
        assert cmd(V11 + f"steps:\n  - {{cmd: x, timeout: {written}}}\n", "acb").timeout == meant


def test_texts_stay_as_they_are_written() -> None:
    text = V11 + "steps:\n  - {id: 0x10, cmd: x, user: 1.50}\n  - {cmd: y, when: [0x10]}\n"
    first, second = steps(text)
    assert isinstance(first, CmdStep)
    assert (first.id, first.user, second.needs) == ("0x10", "1.50", ("0x10",))


def test_a_comment_in_a_script_stays_unless_the_engine_would_drop_it() -> None:
    text = V11 + 'steps:\n  - cmd: |\n      bash -c "one\n      # two $ID\n      three"\n'
    assert words(text)[2] == "one\n# two r1\nthree"
    assert words(text, "acb")[2] == "one\nthree"


def test_comments_are_left_alone_by_templates_and_aliases() -> None:
    text = V11 + "# {{ nothing }} $such\nsteps:\n  # {{ if }}\n  - cmd: x\n"
    assert words(text) == ["x"]


def test_home_is_not_expanded() -> None:
    assert words("steps:\n  - cmd: x $HOME\n") == ["x", "$HOME"]
    assert words(V11 + "steps:\n  - cmd: x $$HOME\n") == ["x", "$HOME"]


def test_a_push_step_writes_latest_and_pushes_once() -> None:
    text = "steps:\n  - push: [h.example/x, 'h.example/x:latest', 'h:5000/y']\n"
    (step,) = steps(text)
    assert isinstance(step, PushStep)
    assert step.images == ("h.example/x:latest", "h:5000/y")


def test_properties_without_effect_are_told() -> None:
    text = "steps:\n  - {push: [a], retries: 5}\n  - {build: ., ports: ['1:1'], detach: true}\n"
    assert len(warnings(text)) == 3
    assert [step.kind for step in steps(text)] == ["push", "build"]


def test_a_build_step_knows_what_its_words_mean() -> None:
    text = (
        "steps:\n  - build: -t a:1 --tag=b:2 -f D --build-arg X=1 --build-arg Y --target t --no-cache"
        " --platform linux/arm64 --secret id=s --network none 'sub dir'\n    env: [DOCKER_BUILDKIT=1]\n"
    )
    (step,) = steps(text, "acb")  # where read strictly, what no run does is an error
    assert isinstance(step, BuildStep)
    build = step.build
    assert (build.tags, build.file, build.target) == (("a:1", "b:2"), "D", "t")
    assert (build.args, build.context) == ((("X", "1"), ("Y", None)), "sub dir")
    assert (build.no_cache, build.platform, build.secrets) == (True, "linux/arm64", ("id=s",))
    assert build.options == ("--network=none",)
    assert step.buildkit


def test_networks_of_the_file_and_from_outside() -> None:
    given = V11 + "networks: [{name: n1}, {name: n2, isDefault: true}]\n" + STEPS
    assert cmd(given).network == "n2"
    assert cmd(given, network="ext1").network == "ext1"
    none = V11 + "networks: [{name: n1, skipCreation: true, ipv6: true, driver: d}]\n" + STEPS
    assert cmd(none).network is None
    (network,) = read(none).networks
    assert (network.create, network.ipv6, network.driver) == (False, True, "d")


def test_a_volume_may_be_mounted_at_two_paths() -> None:
    text = (
        V11
        + "volumes: [{name: v, secret: {f: 'YQBi'}}]\n"
        + "steps:\n  - {cmd: x, volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /b}]}\n"
    )
    assert cmd(text).mounts == (Mount("v", "/a"), Mount("v", "/b"))
    assert read(text).volumes[0].files == (("f", b"a\0b"),)


def test_an_indented_version_says_what_would_happen() -> None:
    text = "# comment\n version: v1.1.0\nsteps:\n  - cmd: x\n"
    assert errors(text) == ["2: version is indented: what follows would be lost"]


def test_a_retry_delay_of_nothing_is_five_seconds() -> None:
    assert cmd(V11 + "steps:\n  - {cmd: x, retryDelay: 0}\n").attempts.retry_delay == 5


# ------------------------------------------------------------------ secrets
SECRETS = "secrets:\n  - {id: pw, keyvault: 'https://kv.vault.azure.net/secrets/s'}\n"
HARD = 'it\'s "hard": a\n- $x {{ .Run.ID }} $(date)'


def vault(secret: Secret) -> str:
    assert secret.keyvault == "https://kv.vault.azure.net/secrets/s"
    return HARD


@pytest.mark.parametrize("manner", list(Manner))
def test_a_secret_arrives_byte_for_byte_wherever_it_is_used(manner: Manner) -> None:
    text = (
        V11 + SECRETS + 'steps:\n  - cmd: x {{.Secrets.pw}} "a {{.Secrets.pw}}"\n'
        "    env: [\"K='{{.Secrets.pw}}'\", 'L={{ printf \"u:%s\" .Secrets.pw }}']\n"
    )
    if manner is Manner.STRICT:
        text = text.replace('{{.Secrets.pw}} "a {{.Secrets.pw}}"', "y z")
    step = cmd(text, manner, secret=vault)
    assert step.argv == (("y", "z") if manner is Manner.STRICT else (HARD, f"a {HARD}"))
    assert step.env == (("K", HARD), ("L", f"u:{HARD}"))


def test_a_secret_among_the_words_of_cmd_is_refused_for_every_process_list_shows_them() -> None:
    for used in ("{{.Secrets.pw}}", "'u:{{.Secrets.pw}}'", "{{ .Values.t | b64enc }}"):
        text = V11 + SECRETS + f"steps:\n  - cmd: x {used}\n"
        (message,) = errors(text, secret_values={"t": "hunter2"})
        assert message.startswith("5: the words of cmd hold a secret")
        assert "hunter2" not in message
        assert message in warnings(text, "acb", secret_values={"t": "hunter2"})
    text = V11 + SECRETS + "steps:\n  - {cmd: x, entryPoint: '{{.Secrets.pw}}'}\n"
    assert errors(text) == ['5: "entryPoint" holds a secret']


def test_what_is_made_of_a_secret_is_made_of_its_value() -> None:
    made = '{{ printf "u:%s" .Secrets.pw | b64enc }}'
    text = V11 + SECRETS + f"steps:\n  - {{cmd: x, env: ['K={made}']}}\n"
    task = read(text, secret=lambda _: "hush hush").checked()
    step = task.steps[0]
    assert isinstance(step, CmdStep)
    assert step.env == (("K", "dTpodXNoIGh1c2g="),)
    assert {"hush hush", "dTpodXNoIGh1c2g="} <= set(task.masked)


def test_a_secret_is_in_no_message_and_no_repr() -> None:
    secret = "hunter2-hunter2"
    text = V11 + SECRETS + "steps:\n  - {cmd: x {{.Secrets.pw}}, env: [K={{.Secrets.pw}}]}\n"
    assert secret not in repr(read(text, secret=lambda _: secret))
    assert secret not in repr(read(text, "acb", secret=lambda _: secret).checked())
    for broken in ("timeout: {{.Secrets.pw}}", "{{.Secrets.pw}}: 1", "id: a {{.Secrets.pw}}"):
        found = read(V11 + SECRETS + f"steps:\n  - {{cmd: x, {broken}}}\n", secret=lambda _: secret)
        assert found.refused
        assert secret not in repr(found.diagnostics)


def test_nobody_reads_secrets_for_a_file_that_is_refused() -> None:
    asked: list[str] = []

    def secret(found: Secret) -> str:
        asked.append(found.id)
        return "x"

    assert read(
        V11 + SECRETS + "oops: 1\nsteps:\n  - cmd: x {{.Secrets.pw}}\n", secret=secret
    ).refused
    assert read(V11 + SECRETS + STEPS, secret=secret).steps
    assert asked == []


def test_a_secret_that_cannot_be_read_refuses_the_file() -> None:
    def secret(_: Secret) -> str:
        raise SecretUnavailable("the vault says no", hint="ask")

    task = read(V11 + SECRETS + "steps:\n  - {cmd: x, env: ['K={{.Secrets.pw}}']}\n", secret=secret)
    assert task.steps == ()
    assert [(item.message, item.fix) for item in task.diagnostics] == [
        ('secret "pw": the vault says no', "ask")
    ]


def test_without_a_reader_every_secret_reads_stars() -> None:
    text = V11 + SECRETS + "steps:\n  - {cmd: x, env: ['K={{.Secrets.pw}}']}\n"
    assert cmd(text).env == (("K", "***"),)
    volume = "volumes: [{name: v, secret: {f: '{{.Secrets.pw | b64enc}}'}}]\n"
    assert read(V11 + SECRETS + volume + STEPS).checked().volumes[0].files == (("f", b""),)


@pytest.mark.parametrize(
    ("made", "word"),
    [
        ("b64dec .Secrets.pw", "hi=x"),
        ('index (splitList "=" (b64dec .Secrets.pw)) 1', "x"),
        ('.Secrets.pw | b64dec | splitList "=" | last | upper', "X"),
        ('substr 0 2 (trimPrefix "a" .Secrets.pw)', "Gk"),
        ('index (dict "k" (list .Secrets.pw)) "k" | first | b64dec', "hi=x"),
    ],
)
@pytest.mark.parametrize("manner", list(Manner))
def test_what_is_made_of_a_secret_is_judged_once_it_is_read(
    made: str, word: str, manner: Manner
) -> None:
    text = V11 + SECRETS + f"steps:\n  - cmd: x\n    env:\n    - K={{{{ {made} }}}}\n"
    assert cmd(text, manner, secret=lambda _: "aGk9eA==").env == (("K", word),)
    assert cmd(text, manner).env == (("K", "***"),) or "substr" in made
    assert cmd(text.replace("Secrets", "Values"), manner, secret_values={"pw": "aGk9eA=="}).env
    if "b64dec" in made:
        assert errors(text, "strict", secret=lambda _: "!!")


def test_a_volume_gets_the_exact_bytes_of_a_secret() -> None:
    volume = "volumes: [{name: v, secret: {f: '{{.Secrets.pw | b64enc}}'}}]\n"
    task = read(V11 + SECRETS + volume + STEPS, secret=vault).checked()
    assert task.volumes[0].files == (("f", HARD.encode()),)


def test_an_undeclared_secret_is_empty_for_the_engine_and_an_error_here() -> None:
    text = V11 + "steps:\n  - cmd: x [{{.Secrets.q}}]\n"
    assert words(text, "acb") == ["x", "[]"]
    assert ".Secrets.q is not known" in errors(text)[0]


def test_secret_values_from_outside_are_masked_too() -> None:
    text = V11 + "steps:\n  - {cmd: x, env: ['K={{.Values.pw}}']}\n"
    task = read(text, secret_values={"pw": "a b,c"}).checked()
    assert isinstance(task.steps[0], CmdStep)
    assert task.steps[0].env == (("K", "a b,c"),)
    assert task.masked == ("a b,c",)


def test_a_file_cannot_speak_of_another_place_of_a_secret() -> None:
    text = V11 + SECRETS + "steps:\n  - cmd: x {{.Secrets.pw}} \ue1000\ue101\n"
    assert "U+E100" in errors(text)[0]
    text = V11 + SECRETS + "steps:\n  - cmd: x {{.Secrets.pw}} {{.Values.a}}\n"
    assert "U+E100" in errors(text, values={"a": "\ue1000\ue101"})[0]
    text = V11 + SECRETS + 'steps:\n  - cmd: x {{.Secrets.pw}} {{ "\\ue1000\\ue101" }}\n'
    assert errors(text)
    text = V11 + SECRETS + "steps:\n  - cmd: x {{.Secrets.pw}} {{ b64dec `7oSAMO6EgQ==` }}\n"
    assert errors(text)


def test_a_secret_where_everybody_sees_it_is_refused() -> None:
    text = V11 + SECRETS + "steps:\n  - {cmd: x, user: '{{.Secrets.pw}}'}\n"
    assert errors(text) == ['5: "user" holds a secret']
    assert cmd(text, "acb", secret=vault).user == HARD
    for step in ("cmd: 'r/{{.Secrets.pw}} x'", "build: '--build-arg A={{.Secrets.pw}} .'"):
        (message,) = errors(V11 + SECRETS + f"steps:\n  - {step}\n")
        assert "holds a secret" in message


@pytest.mark.parametrize(
    "words",
    [
        "--target {{.Secrets.pw}} .",
        "-f '{{.Secrets.pw}}/Dockerfile' .",
        "--platform linux/{{.Secrets.pw}} .",
        "--secret id={{.Secrets.pw}} .",
        "--shm-size={{.Secrets.pw}} .",
        "--unknown={{.Secrets.pw}} .",
        "https://host.example/{{.Secrets.pw}}/x.git#main",
        "-t x https://u:{{.Secrets.pw}}@host.example/x.tar.gz",
        "./{{.Secrets.pw}}",
        "--target {{.Values.t}} .",
        "http://host.example/{{ .Values.t | b64enc }}/x.git#main",
    ],
)
@pytest.mark.parametrize("manner", list(Manner))
def test_a_secret_among_the_words_of_build_is_refused_in_either_manner(
    words: str, manner: Manner
) -> None:
    text = V11 + SECRETS + f'steps:\n  - build: "{words}"\n'
    found = errors(text, manner, secret=vault, secret_values={"t": "hunter2"})
    assert any("holds a secret, and lists of processes show it" in message for message in found)
    assert not any("hunter2" in message or HARD in message for message in found)


def test_windows_line_ends_and_byte_order_marks() -> None:
    text = V11 + "# c\nalias:\n  # c: d\n  values: {a: b}\nsteps:\n  - cmd: x $a\n  - cmd: y\n"
    for written in (text, text.replace("\n", "\r\n"), "\ufeff" + text):
        assert words(written) == ["x", "b"]
    assert words(text.replace("\n", "\r\n"), "acb") == ["x", "b"]


def test_comments_of_an_alias_block_end_nothing() -> None:
    text = (
        V11 + "alias:\n# note: {{ x }} $y\n  # more: z\n  values: {a: b}\nsteps:\n  - cmd: x $a\n"
    )
    assert words(text) == words(text, "acb") == ["x", "b"]


def test_inputs_show_no_secret() -> None:
    assert "hush" not in repr(Inputs(secret_values={"a": "hush"}))
