"""Where strict reading is meant to differ from ACR's own engine: a test for every such case.

Each docstring says what that engine does, measured on it. What it does otherwise is in
`test_acb_conformance`; the whole list is in docs/reference/task-file.md.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.model.image import parse_reference
from reconciler.model.tracked import tracked_reference
from reconciler.store.task_bases import tasks_on
from reconciler.taskfile.dockerfile.ignore import parse_ignore
from reconciler.taskfile.dockerfile.images import base_images
from reconciler.taskfile.file.values import read_values
from reconciler.taskfile.tasks import BuildStep, CmdStep, Mount
from tests.flow.project import new_project
from tests.unit.taskfile.reading import V11, cmd, read, steps, warnings, words

# Rows of the conformance cases that are meant to be better, each with a test of its own below or in
# the module named.
BETTER = (
    *("A2", "A6", "A10", "A11", "A20", "A21", "A22", "B12", "C9", "D17", "E3", "E7b", "F11", "H14"),
    *("I4", "I12", "I13", "I16", "I20", "I22", "I27", "I28", "J10", "J11", "K14", "K20"),
)
STEPS = "steps:\n  - cmd: x\n"


def refused(text: str) -> list[str]:
    """`line:column message` of every error; each says how to mend it."""
    found = [item for item in read(text).diagnostics if item.severity.value == "error"]
    assert all(item.fix for item in found)
    return [f"{str(item.location).partition(':')[2]} {item.message}" for item in found]


def test_every_better_row_has_a_test() -> None:
    names = [name for name in globals() if name.startswith("test_")]
    tested = {
        row for row in BETTER if any(name.startswith(f"test_{row.lower()}_") for name in names)
    }
    assert tested == set(BETTER)


# ------------------------------------------------------------ version and parsing
@pytest.mark.parametrize("text", ["", "# nothing\n", V11, "{}\n", "steps: []\n", V11 + "steps:\n"])
def test_a2_a_file_without_steps_is_refused(text: str) -> None:
    """It succeeds and runs nothing."""
    (found,) = refused(text)
    assert found.endswith("this task file has no steps: nothing would run")
    assert warnings(text, "acb")


def test_a6_an_upper_case_version_has_aliases() -> None:
    """It compares texts, and `V` comes before `v`."""
    text = "version: V1.1.0\nsteps:\n  - cmd: x $ID\n"
    assert words(text) == ["x", "r1"]
    assert words(text, "acb") == ["x", "$ID"]


@pytest.mark.parametrize("blanks", [" ", "   ", "\t"])
def test_a10_an_indented_version_is_refused(blanks: str) -> None:
    """It reads a map of the version only: no step runs, and the run succeeds."""
    text = f"# note\n\n{blanks}version: v1.1.0\nsteps:\n  - cmd: x\n"
    assert refused(text) == ["3:1 version is indented: what follows would be lost"]


def test_a11_unknown_keys_are_refused_wherever_they_stand() -> None:
    """It ignores them."""
    text = (
        V11
        + "owner: me\nalias: {vals: {a: b}}\n"
        + "secrets: [{id: a, keyvault: 'https://k.v/secrets/s', x: 1}]\n"
        + "networks: [{name: n, mtu: 5}]\nvolumes: [{name: v, secret: {f: eA==}, y: 1}]\n"
        + "steps:\n  - {cmd: x, timout: 3, volumeMounts: [{name: v, mountPath: /v, ro: true}]}\n"
    )
    assert refused(text) == [
        '2:1 unknown key "owner" in a task file',
        '3:9 unknown key "vals" in alias',
        '4:54 unknown key "x" in a secret',
        '5:22 unknown key "mtu" in a network',
        '6:40 unknown key "y" in a volume',
        '8:14 unknown key "timout" in a step',
        '8:65 unknown key "ro" in a mount',
    ]


def test_a12_a_key_that_stands_twice_is_refused() -> None:
    """The last one wins."""
    assert refused("stepTimeout: 5\nstepTimeout: 7\n" + STEPS) == [
        '2:1 the key "stepTimeout" stands twice in a task file'
    ]


def test_a14_a_second_document_is_refused() -> None:
    """It reads the first one only."""
    assert refused(STEPS + "---\nsteps: []\n") == ["3:1 a task file is one document"]


def test_a20_a_comment_inside_a_script_stays() -> None:
    """It deletes every line that starts with `#`, in block texts too."""
    text = 'steps:\n  - cmd: |\n      bash -c "one\n      # two\n      #!three\n      four"\n'
    assert words(text)[2] == "one\n# two\n#!three\nfour"
    assert words(text, "acb")[2] == "one\nfour"


@pytest.mark.parametrize(
    "field",
    [
        *("isbuildtask: true", "taskname: x", "registry: r", "registryname: r", "credentials: []"),
        *("initbuildkitcontainer: true",),
    ],
)
def test_a21_inner_fields_of_the_engine_are_refused(field: str) -> None:
    """Its YAML reader lets a file set them."""
    name = field.partition(":")[0]
    assert refused(f"{field}\n{STEPS}") == [f'1:1 "{name}" is an inner field of the engine']


@pytest.mark.parametrize("field", ["tags: [a]", "buildargs: [a]", "usesbuildkit: true"])
def test_a21_inner_fields_of_a_step_are_refused(field: str) -> None:
    """Its YAML reader lets a file set them."""
    name = field.partition(":")[0]
    assert refused(f"steps:\n  - {{build: ., {field}}}\n") == [
        f'2:16 "{name}" is an inner field of the engine'
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("steps:\n  -\n  - cmd: x\n", "2:4"),
        (f"networks: [~]\n{STEPS}", "1:12"),
        (f"volumes: [null]\n{STEPS}", "1:11"),
        (f"secrets: [~]\n{STEPS}", "1:11"),
        ("steps:\n  - {cmd: x, volumeMounts: [~]}\n", "2:29"),
    ],
)
@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_a22_an_empty_item_is_an_error_in_either_manner(text: str, place: str, manner: str) -> None:
    """It panics."""
    found = [str(item.location) for item in read(text, manner).diagnostics if item.fix]
    assert f"task.yaml:{place}" in found
    assert read(text, manner).refused


# ------------------------------------------------------------ steps and dependencies
def test_b12_a_step_that_is_waited_for_twice_is_refused_and_waited_for_once() -> None:
    """It hangs for ever."""
    text = "steps:\n  - {id: a, cmd: x}\n  - {cmd: y, when: [a, a]}\n"
    assert refused(text) == ['3:24 "a" is named twice']
    assert steps(text, "acb")[1].needs == ("a",)


def test_b12_the_root_named_twice_does_not_hang() -> None:
    """`[acb_root, acb_root]` hangs as well."""
    text = "steps:\n  - {id: a, cmd: x}\n  - {cmd: y, when: [acb_root, acb_root]}\n"
    assert refused(text)
    assert steps(text, "acb")[1].needs == ()


# ------------------------------------------------------------ environment
def test_c9_a_value_with_blanks_is_one_value() -> None:
    """It puts values on a shell's line: the second word becomes the image, or a flag."""
    text = (
        "env: ['A=b c']\nsteps:\n  - cmd: x\n"
        "    env: ['B=one two', 'C=1 --privileged', 'D=$(date); y']\n"
    )
    assert cmd(text).env == (
        ("B", "one two"),
        ("C", "1 --privileged"),
        ("D", "$(date); y"),
        ("A", "b c"),
    )


def test_a_quoted_comma_does_not_split_a_variable_of_the_task() -> None:
    """It splits at every comma."""
    assert cmd("env: [\"A='1,2',B=3\"]\n" + STEPS).env == (("A", "1,2"), ("B", "3"))


def test_a_variable_without_a_value_is_refused() -> None:
    """It hands on its own variable of that name."""
    assert refused("steps:\n  - {cmd: x, env: [HOME]}\n") == [
        "2:20 an environment variable is written NAME=value"
    ]


# ------------------------------------------------------------ aliases and templates
def test_d1_an_unknown_alias_is_refused() -> None:
    """It leaves it to the shell, where it becomes nothing."""
    assert refused(V11 + "steps:\n  - cmd: x $ID $unknown\n") == ["3:16 unknown alias $unknown"]


def test_d17_an_alias_as_the_first_word_is_rendered() -> None:
    """It expands the first word after rendering: the image is `{{.Run.ID}}`."""
    assert words(V11 + "steps:\n  - cmd: ID hello\n") == ["r1", "hello"]


def test_e1_a_value_that_is_missing_is_refused() -> None:
    """It reads empty."""
    text = "steps:\n  - cmd: x {{.Values.none}} {{.Run.Nope}}\n"
    assert refused(text) == [
        "2:12 template: .Values.none is not given",
        "2:31 template: .Run.Nope is not known",
    ]
    assert words(text, "acb") == ["x"]


def test_e3_the_text_no_value_is_kept() -> None:
    """It removes `<no value>` wherever it stands, in values too."""
    text = "steps:\n  - cmd: x '<no value>' '{{.Values.a}}'\n"
    assert words(text, values={"a": "<no value>"}) == ["x", "<no value>", "<no value>"]


def test_e7b_values_may_be_nested() -> None:
    """Built with the usual encoder, it fails."""
    values = read_values("a: 1\nn: {b: two, c: [d, {e: f}]}\n")
    text = "steps:\n  - cmd: x {{.Values.n.b}} {{ index .Values.n.c 0 }} {{ .ValuesJSON }}\n"
    found = words(text, values=values)
    assert found[1:3] == ["two", "d"]
    assert json.loads(found[3]) == values


@pytest.mark.parametrize("call", ['env "PATH"', 'expandenv "$PATH"', 'getHostByName "localhost"'])
@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_no_function_reads_the_machine(call: str, manner: str) -> None:
    """A task can read the environment of the agent."""
    (found,) = read(f"steps:\n  - cmd: x {{{{ {call} }}}}\n", manner).diagnostics
    assert "it would read the machine that runs it" in found.message
    assert found.fix


def test_text_that_is_not_base64_is_refused() -> None:
    """The text of the error becomes the value."""
    assert refused('steps:\n  - cmd: x {{ b64dec "!!" }}\n')


def test_a_template_variable_may_be_called_as_an_alias() -> None:
    """It expands aliases inside of actions, too."""
    assert words(V11 + "steps:\n  - cmd: x {{ $OS := 1 }}{{ $OS }}\n") == ["x", "1"]


# ------------------------------------------------------------ volumes
def test_f11_a_volume_is_mounted_at_both_paths() -> None:
    """It mounts the last path only."""
    text = (
        "volumes: [{name: v, secret: {f: eA==}}]\nsteps:\n  - cmd: x\n    volumeMounts:\n"
        "      - {name: v, mountPath: /a}\n      - {name: v, mountPath: /b}\n"
    )
    assert cmd(text).mounts == (Mount("v", "/a"), Mount("v", "/b"))


def test_a_secret_file_has_the_exact_bytes() -> None:
    """A shell expands `$VAR` and backticks in it, and a line break is added."""
    text = "volumes: [{name: v, secret: {f: JEhPTUUgYGRhdGVg}}]\n" + STEPS
    assert read(text).volumes[0].files == (("f", b"$HOME `date`"),)


# ------------------------------------------------------------ numbers, switches, blanks
@pytest.mark.parametrize("number", ["1.5", "1e2", "010", "08", "0x10", "0o17", "1__0", "2.9"])
def test_a_number_that_is_not_whole_is_refused(number: str) -> None:
    """Fractions are cut, other notations are read as Go does."""
    assert refused(f"steps:\n  - {{cmd: x, timeout: {number}}}\n") == [
        '2:23 "timeout" is of the wrong kind'
    ]


@pytest.mark.parametrize(
    ("written", "fix"),
    [
        ("0x10", "write timeout: 16"),
        ("010", "write timeout: 8"),
        ("30s", "write timeout: 30"),
        ("5m", "write timeout: 300"),
        ("999999999999999999", "write at most 28800"),
        ("9223372036854775806000", "write digits"),
        ("1000000000000000000", "write timeout: 28800"),
        ("soon", "write digits"),
    ],
)
def test_the_fix_of_a_number_is_one_that_is_accepted(written: str, fix: str) -> None:
    (found,) = read(f"steps:\n  - {{cmd: x, timeout: {written}}}\n").diagnostics
    assert found.fix == fix
    if ":" in fix:
        key = fix.removeprefix("write ")
        assert not read(f"steps:\n  - {{cmd: x, {key}}}\n").diagnostics


@pytest.mark.parametrize("number", ["30.0", "30.00", "+30"])
def test_a_whole_number_may_be_written_with_a_point(number: str) -> None:
    """Schemas take `30.0` for whole."""
    (step,) = steps(f"steps:\n  - {{cmd: x, timeout: {number}}}\n")
    assert step.timeout == 30


# ------------------------------------------------------- what an engine would refuse later
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (("volumes: [{name: v, secret: {f: YQ==}}]\nsteps:\n  - {cmd: x, volumeMounts: "
         f"[{{name: v, mountPath: {path}}}]}}\n"), "no volume can be mounted here")
        for path in ("/", "//", "/.", "z", "z/../../q", "/a/../b", "/workspace", "/workspace/")
    ]
    + [
        ("networks: [{name: n, driver: weird}]\n" + STEPS, "no engine has this driver"),
        ("steps:\n  - {cmd: x, isolation: hyperv}\n", '"isolation" cannot be read'),
        ("steps:\n  - {cmd: x, network: nope}\n", 'there is no network "nope"'),
        ("steps:\n  - {build: ., network: nope}\n", 'there is no network "nope"'),
        ('steps:\n  - {cmd: x, env: ["A=\\0"]}\n', '"env" holds a NUL character'),
        ('steps:\n  - {cmd: "x \\0"}\n', '"cmd" holds a NUL character'),
        ("steps:\n  - {cmd: x, repeat: 1000000}\n", "more often than any run can"),
        ("steps:\n  - {build: ., retries: 1000000000}\n", "more often than any run can"),
        ("steps:\n  - {cmd: x, cmdDownloadRetries: 28801}\n", "more often than any run can"),
    ],
)  # fmt: skip
def test_what_the_engine_would_refuse_is_refused_before(text: str, said: str) -> None:
    """It hands everything to docker."""
    (found,) = refused(text)
    assert said in found
    assert any(said in item for item in warnings(text, "acb"))
    assert read(text, "acb").steps


@pytest.mark.parametrize(
    "text",
    [
        (
            "volumes: [{name: v, secret: {f: YQ==}}]\nsteps:\n  - {cmd: x, volumeMounts: "
            "[{name: v, mountPath: /keys/}, {name: v, mountPath: /workspace/keys}]}\n"
        ),
        (
            "networks: [{name: n, driver: weird, skipCreation: true}]\n"
            "steps:\n  - {cmd: x, network: n}\n"
        ),
        "networks: [{name: n, driver: macvlan}]\nsteps:\n  - {cmd: x, network: host}\n",
        "steps:\n  - {cmd: x, network: acb_default_network}\n",
        "steps:\n  - {cmd: x, isolation: default, retries: 28800}\n",
    ],
)
def test_what_an_engine_may_do_is_not(text: str) -> None:
    assert not read(text).diagnostics


@pytest.mark.parametrize("word", ["yes", "on", "y", "n", "off", "NO"])
def test_a_switch_is_true_or_false(word: str) -> None:
    """It reads the words of YAML 1.1."""
    assert refused(f"steps:\n  - {{cmd: x, keep: {word}}}\n") == [
        '2:20 "keep" is of the wrong kind'
    ]


@pytest.mark.parametrize("step", ["cmd: ' '", "build: ' '", "push: ['']", "push: ['a:']"])
def test_a_step_that_names_nothing_is_refused(step: str) -> None:
    """It accepts it, and the docker call fails later."""
    assert refused(f"steps:\n  - {step}\n")
    assert not read(f"steps:\n  - {step}\n", "acb").refused


@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_a_long_line_loses_nothing(manner: str) -> None:
    """Past 64 KiB it drops the line and the rest of the file in silence."""
    text = V11 + f"steps:\n  - cmd: x {'a' * 70_000}\n  - cmd: y\n"
    first, second = steps(text, manner)
    assert isinstance(first, CmdStep)
    assert (len(first.argv[0]), second.id) == (70_000, "acb_step_1")


# ------------------------------------------------------------ execution
def test_h13_exited_with_says_what_is_success() -> None:
    """It reads both keys and obeys neither."""
    assert cmd("steps:\n  - {cmd: x, exitedWith: [4]}\n").succeeded(4)
    assert not cmd("steps:\n  - {cmd: x, exitedWith: [4]}\n").succeeded(0)
    assert not cmd("steps:\n  - {cmd: x, exitedWithout: [4]}\n").succeeded(4)
    assert cmd("steps:\n  - {cmd: x, exitedWithout: [4]}\n").succeeded(0)
    both = "steps:\n  - {cmd: x, exitedWith: [4], exitedWithout: [5]}\n"
    assert refused(both) == ["2:31 exitedWith and exitedWithout exclude each other"]


@pytest.mark.parametrize("operator", ["&&", "||", ";", "|", ">", ">>", "<", "&"])
def test_h14_there_is_no_shell(operator: str) -> None:
    """What stands behind the operator runs on the agent."""
    text = f"steps:\n  - cmd: img echo a {operator} echo b\n"
    assert refused(text) == ['2:21 "cmd" holds what only a shell understands, outside quotes']
    assert words(text, "acb") == ["img", "echo", "a", operator, "echo", "b"]
    quoted = f"steps:\n  - cmd: img sh -c 'echo a {operator} echo b'\n"
    assert words(quoted) == ["img", "sh", "-c", f"echo a {operator} echo b"]


def test_nothing_of_the_machine_is_put_into_words() -> None:
    """`$HOME` and `$(..)` are evaluated by the agent's shell."""
    text = 'steps:\n  - cmd: img $HOME "$HOME" "$(id)" * ~\n'
    assert words(text) == ["img", "$HOME", "$HOME", "$(id)", "*", "~"]


# ------------------------------------------------------------ builds and their images
def build(words: str) -> BuildStep:
    (step,) = steps(f"steps:\n  - build: {words}\n")
    assert isinstance(step, BuildStep)
    return step


@pytest.mark.parametrize(
    ("words", "context"),
    [
        ("--no-cache https://h/r.git#main", "https://h/r.git#main"),
        ("--pull dir", "dir"),
        ("-t a:1 --compress dir", "dir"),
    ],
)
def test_i4_the_context_is_seen_behind_a_flag_without_value(words: str, context: str) -> None:
    """Its scanner takes `.` for the context, docker the real one."""
    assert build(words).build.context == context


def test_tags_and_files_are_seen_with_an_equals_sign() -> None:
    """It sees `-t x` and `-f x` only."""
    found = build("--tag=a:1 --file=D --build-arg=A=1 --target=t .").build
    assert (found.tags, found.file, found.target) == (("a:1",), "D", "t")
    assert found.args == (("A", "1"),)


def images(dockerfile: str, target: str | None = None) -> list[tuple[str, str]]:
    found = base_images(dockerfile, build_args={}, target=target, platform="linux/amd64")
    return [(image.role, image.reference) for image in found.images]


def test_i12_names_of_stages_ignore_case() -> None:
    """It takes `build` for an image if the stage is called `Build`."""
    assert images("FROM a AS Build\nFROM build\n") == [("runtime", "a")]


def test_i13_a_platform_is_accepted() -> None:
    """It cannot read the line, and the build fails before it starts."""
    assert images("FROM --platform=linux/arm64 alpine\n") == [("runtime", "alpine")]


def test_i16_defaults_of_variables_are_expanded() -> None:
    """It makes nothing of `${V:-9}`, and fails."""
    assert images("ARG V\nFROM alpine:${V:-9}\n") == [("runtime", "alpine:9")]
    assert images("ARG V=1\nFROM alpine${V:+:3}\n") == [("runtime", "alpine:3")]


def test_i20_images_that_files_are_copied_from_are_tracked() -> None:
    """It does not see them."""
    text = "# syntax=docker/dockerfile:1\nFROM a\nCOPY --from=nginx:1 /x /x\n"
    text += "RUN --mount=from=tool:2,target=/t t\n"
    assert sorted(images(text)) == [
        ("buildtime", "nginx:1"),
        ("buildtime", "tool:2"),
        ("runtime", "a"),
        ("syntax", "docker/dockerfile:1"),
    ]


def test_i22_localhost_is_a_registry() -> None:
    """It takes it for a user of Docker Hub."""
    (found,) = images("FROM localhost:5000/a/b:1\n")
    assert parse_reference(found[1]).registry == "localhost:5000"


def test_i27_a_heredoc_is_no_instruction() -> None:
    """It counts the `FROM` in it."""
    assert images("FROM a\nRUN <<EOF\nFROM b\nEOF\n") == [("runtime", "a")]


def test_i28_a_line_may_be_continued() -> None:
    """It fails at `FROM \\`."""
    assert images("FROM \\\n  alpine\n") == [("runtime", "alpine")]


def test_a_long_line_of_a_dockerfile_loses_nothing() -> None:
    """Past 64 KiB every later FROM is lost."""
    text = f"FROM a AS one\nRUN echo {'x' * 70_000}\nFROM b\nCOPY --from=one /x /x\n"
    assert images(text) == [("buildtime", "a"), ("runtime", "b")]


# ------------------------------------------------------------ packing
@pytest.mark.parametrize("rule", ["node_modules", "node_modules/", "/node_modules"])
def test_j10_a_slash_around_a_rule_changes_nothing(rule: str) -> None:
    """With a slash it keeps the folder."""
    assert parse_ignore(rule).ignored("node_modules/a/b.js")


def test_j11_two_stars_match_at_the_root_as_well() -> None:
    """It keeps the folder at the root."""
    rules = parse_ignore("**/node_modules")
    assert rules.ignored("node_modules/a")
    assert rules.ignored("src/node_modules/a")


# ------------------------------------------------------------ tasks
def test_k14_another_change_of_a_task_that_does_not_push_leaves_it_so(tmp_path: Path) -> None:
    """Any update of it turns pushing on."""
    project = new_project(tmp_path)
    project.write(step={"docker": {"push": False}})
    assert project.run("apply", "--auto-approve").code == 0
    project.write(step={"docker": {"push": False}}, agent={"cpu": 4})
    plan = json.loads(project.run("plan", "-o", "json").out)
    assert [field["path"] for change in plan["changes"] for field in change["paths"]] == [
        "spec.agent.cpu"
    ]
    assert project.run("apply", "--auto-approve").code == 0
    (document,) = project.live().values()
    assert json.loads(document)["spec"]["step"]["docker"]["push"] is False


def test_k20_the_bases_of_a_task_that_never_ran_are_tracked(tmp_path: Path) -> None:
    """It tracks nothing before a first run: a base that moves until then wakes nobody."""
    project = new_project(tmp_path)
    (project.root / "web").mkdir()
    (project.root / "web/Dockerfile").write_text("FROM golang:1.22 AS b\nFROM team/base:1\n")
    project.write(context={"source": "web"}, triggers={"baseImage": {}})
    assert project.run("apply", "--auto-approve").code == 0
    with project.opened() as opened, opened.database.read() as connection:
        (found,) = tasks_on(connection, tracked_reference("team/base:1"))
    assert (found.address, found.base.kind) == ("contoso/web-api", "runtime")
    assert json.loads(project.run("runs", "-o", "json").out)["runs"] == []
    drawn = json.loads(project.run("graph", "--base", "team/base:1", "-o", "json").out)
    assert drawn["rebuilds"]["waves"] == [["contoso/web-api"]]
