"""What a task does: exactly one of a docker step, a task file, or steps written inline."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from reconciler.base.credentials import holds_credential
from reconciler.base.text import one_line
from reconciler.model.common import Flag, Model, SecretText, Text, Whole, Word, problem
from reconciler.model.image import ImageName, RepositoryPattern
from reconciler.model.variables import wrong_variable

Arguments = dict[Word, Text]


def _argument(text: str) -> str:
    wrong = wrong_variable(text)
    if wrong is not None:
        raise problem("variable", wrong)
    return text


DockerArguments = dict[Word, Annotated[Text, AfterValidator(_argument)]]
SecretArguments = dict[Word, SecretText]


def _refuse_credentials(arguments: Arguments, instead: str) -> None:
    # A secret as argument stays in the image, the state and the plan.
    for name, value in arguments.items():
        if holds_credential(value):
            shown = one_line(name, 60)
            raise problem("argument", f"{shown} looks like a credential; hand it over in {instead}")


class DockerStep(Model):
    """A `docker build` and a push. `secrets` are BuildKit mounts, never build arguments."""

    file: Word = "Dockerfile"
    images: tuple[ImageName, ...] = ()
    push: Flag = True
    args: DockerArguments = Field(default_factory=dict)
    secrets: SecretArguments = Field(default_factory=dict)
    target: Word | None = None
    no_cache: Flag = False

    @model_validator(mode="after")
    def _arguments_are_public(self) -> DockerStep:
        _refuse_credentials(self.args, "secrets")
        if both := sorted(set(self.args) & set(self.secrets)):
            name = one_line(both[0], 60)
            raise problem("argument", f"{name} is an argument and a secret; keep the secret")
        return self


class FileStep(Model):
    """A task file inside the context, with values.

    `repositories` are what the file may push to, in the task's own registry, or with the host of
    another one in front: the file lies in the context, where others may write than in the spec.
    """

    path: Word
    values: Word | None = None
    repositories: tuple[RepositoryPattern, ...] = ()
    set: Arguments = Field(default_factory=dict)
    set_secret: SecretArguments = Field(default_factory=dict)

    @model_validator(mode="after")
    def _values_are_public(self) -> FileStep:
        _refuse_credentials(self.set, "setSecret")
        return self


class VolumeMount(Model):
    """A volume of the task file, mounted in a step."""

    name: Word
    mount_path: Word


class InlineItem(Model):
    """One step of a task file: exactly one of cmd, build, push. Source: the ACR task YAML."""

    id: Word | None = None
    cmd: Text | None = None
    build: Text | None = None
    push: tuple[Word, ...] | None = None
    when: tuple[Word, ...] | None = None
    env: tuple[Text, ...] = ()
    timeout: Whole | None = None
    start_delay: Whole | None = None
    retries: Annotated[Whole, Field(ge=0)] | None = None
    retry_delay: Whole | None = None
    retry_on_errors: tuple[Text, ...] = ()
    repeat: Annotated[Whole, Field(ge=0)] | None = None
    cmd_download_retries: Whole | None = None
    cmd_download_retry_delay: Whole | None = None
    pull: Flag = False
    keep: Flag = False
    detach: Flag = False
    ignore_errors: Flag = False
    privileged: Flag = False
    user: Word | None = None
    network: Word | None = None
    isolation: Word | None = None
    cpus: Word | None = None
    entry_point: Word | None = None
    ports: tuple[Word, ...] = ()
    expose: tuple[Word, ...] = ()
    working_directory: Word | None = None
    disable_working_directory_override: Flag = False
    volume_mounts: tuple[VolumeMount, ...] = ()
    cache: Word | None = None
    exited_with: tuple[Whole, ...] = ()
    exited_without: tuple[Whole, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> InlineItem:
        kinds = [kind for kind in (self.cmd, self.build, self.push) if kind]
        if len(kinds) != 1:
            raise problem("step", "a step has exactly one of cmd, build, push")
        return self

    @model_validator(mode="after")
    def _context_is_public(self) -> InlineItem:
        if self.build and any(map(holds_credential, self.build.split())):
            raise problem("build", "a build holds no user, password, token or signature")
        return self


class InlineSecret(Model):
    """A secret of the task file, read from a vault."""

    id: Word
    keyvault: Word | None = None
    client_id: Word | None = Field(default=None, alias="clientID")


class InlineNetwork(Model):
    """A network of the task file."""

    name: Word
    driver: Word | None = None
    ipv6: Flag = False
    skip_creation: Flag = False
    is_default: Flag = False


class InlineVolume(Model):
    """A volume of the task file: file names to base64 texts, or templates of secrets."""

    name: Word
    secret: dict[Word, Text]


class InlineAlias(Model):
    """Aliases of the task file."""

    src: tuple[Word, ...] = ()
    values: dict[Word, Any] = Field(default_factory=dict)
    directive: Annotated[str, Field(min_length=1, max_length=4)] = "$"


class InlineStep(Model):
    """A whole task file written in the spec, and its values."""

    version: Literal["1.0-preview-1", "v1.0.0", "v1.1.0"] = "v1.1.0"
    steps: Annotated[tuple[InlineItem, ...], Field(min_length=1)]
    env: tuple[Text, ...] = ()
    step_timeout: Whole | None = None
    working_directory: Word | None = None
    secrets: tuple[InlineSecret, ...] = ()
    networks: tuple[InlineNetwork, ...] = ()
    volumes: tuple[InlineVolume, ...] = ()
    alias: InlineAlias | None = None
    values: dict[Word, Any] = Field(default_factory=dict)
    set: Arguments = Field(default_factory=dict)
    set_secret: SecretArguments = Field(default_factory=dict)

    @model_validator(mode="after")
    def _values_are_public(self) -> InlineStep:
        _refuse_credentials(self.set, "setSecret")
        return self


class DockerTask(Model):
    """A step of kind docker."""

    docker: DockerStep


class FileTask(Model):
    """A step of kind file."""

    file: FileStep


class InlineTask(Model):
    """A step of kind inline."""

    inline: InlineStep


STEP_KINDS = {"docker": DockerTask, "file": FileTask, "inline": InlineTask}


def _kind_of(value: Any) -> str | None:
    if isinstance(value, dict):
        kinds = [key for key in value if key in STEP_KINDS]
        return kinds[0] if len(kinds) == len(value) == 1 else None
    return next((kind for kind, model in STEP_KINDS.items() if isinstance(value, model)), None)


Step = Annotated[
    Annotated[DockerTask, Tag("docker")]
    | Annotated[FileTask, Tag("file")]
    | Annotated[InlineTask, Tag("inline")],
    Discriminator(
        _kind_of,
        custom_error_type="reconciler_step",
        custom_error_message="a step is exactly one of docker, file, inline",
    ),
]
