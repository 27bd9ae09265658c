"""The workspace file `reconciler.yaml`: where state is kept, registries, limits, hosts."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictFloat,
    StringConstraints,
    field_validator,
    model_validator,
)

from reconciler.model.common import (
    Day,
    Duration,
    Flag,
    Match,
    Model,
    OneOrMany,
    RegistryName,
    SecretReference,
    Text,
    Whole,
    Word,
    problem,
)
from reconciler.model.platform import Platform

DEFAULT_STATE = "sqlite:///.reconciler/state.db"


def _login_server(text: str) -> str:
    if not re.fullmatch(r"([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?", text):
        raise problem("registry", "a login server is a host name with an optional port")
    return text


def _state(text: str) -> str:
    if re.match(r"[a-z+0-9]+://[^/@]*:[^/@]+@", text):
        raise problem("state", "the state URL holds no password; use PGPASSFILE or a socket")
    if ":memory:" in text:
        raise problem("state", "the state is kept in a file: sqlite:///PATH")
    if not text.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise problem("state", "state is sqlite:///PATH or postgresql+psycopg://HOST/NAME")
    return text


def _count(value: Any) -> Any:
    # A count may be written as a number.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _percent(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?%|[0-9]{1,9}", text):
        raise problem("limit", "a limit is a percentage such as 5% or a count such as 20")
    return text


_SIZE = re.compile(r"([0-9]{1,9}) ?(kB|MB|GB)")
_UNITS = {"kB": 1000, "MB": 1000**2, "GB": 1000**3}


def _size(text: str) -> str:
    if not _SIZE.fullmatch(text):
        raise problem("size", "a size is a number with kB, MB or GB, such as 100 MB")
    return text


Limit = Annotated[
    str, BeforeValidator(_count, json_schema_input_type=str | int), AfterValidator(_percent)
]


class Limits(Model):
    """How many tasks one apply may delete or update: a share, a count, or a list of both.

    Of several the strictest holds. No limit holds where fewer than ten tasks are live.
    """

    delete: Annotated[tuple[Limit, ...], OneOrMany] = ()
    update: Annotated[tuple[Limit, ...], OneOrMany] = ()


class Registry(Model):
    """A registry that tasks belong to. Its `limits` stand for the workspace's, field by field."""

    name: RegistryName
    login_server: Annotated[str, AfterValidator(_login_server)]
    provider: Literal["embedded"] = "embedded"
    limits: Limits = Limits()


class PlatformEngine(Model):
    """The engine that runs a platform: `auto`, or an address; and what builds its images.

    `buildkit` is the address of a buildkitd. `backend` forces one way to build.
    """

    engine: Word = "auto"
    buildkit: Word | None = None
    backend: Literal["auto", "buildctl", "buildkit", "classic", "buildah"] = "auto"


class KnownDrift(Model):
    """A live change that is left as it is until a day: whose, why, and how long.

    `field` is a glob over the dotted path, such as `spec.timeout` or `spec.triggers.*`; without
    one every change of the task is meant, its deletion too. Valid through the day `expires`, UTC.
    """

    match: Match
    field: Word | None = None
    owner: Word
    reason: Annotated[str, StringConstraints(min_length=5, max_length=4000)]
    ticket: Word | None = None
    expires: Day

    @model_validator(mode="after")
    def _says_whose(self) -> KnownDrift:
        if self.match == Match():
            raise problem(
                "known_drift",
                "known drift names its tasks: match.address, labels, owner or registry",
            )
        return self


class Host(Model):
    """A host for which plain http or a private address is allowed."""

    insecure: Flag = False


class Contexts(Model):
    """Contexts of runs: above which size a run names their largest paths."""

    warn_above: Annotated[str, AfterValidator(_size)] = "100 MB"

    @property
    def warn_above_bytes(self) -> int:
        """The size in bytes."""
        match = _SIZE.fullmatch(self.warn_above)
        assert match is not None  # noqa: S101  (checked when it was read)
        return int(match[1]) * _UNITS[match[2]]


class Forge(Model):
    """A source host and its API."""

    kind: Literal["github", "azuredevops", "gitlab", "gitea", "bitbucket"]
    api: Word | None = None


class Watch(Model):
    """How base images are watched."""

    interval: Duration = "15m"
    quiet: Duration = "2m"
    max_concurrent: Annotated[Whole, Field(ge=1, le=1000)] = 10


class PreviousSecret(SecretReference):
    """A secret that is being replaced: it counts through the day `until`, UTC."""

    until: Day


class Hook(Model):
    """A door for the messages of a forge, at /hooks/NAME.

    `kind` is whose words it speaks: GitHub's, or the plain ones of a script. `secret` signs its
    messages, and `previous` did before. `repositories` are globs over what it may speak of, as
    `host/path`.
    """

    kind: Literal["github", "generic"] = "github"
    secret: SecretReference
    previous: PreviousSecret | None = None
    repositories: Annotated[tuple[Word, ...], Field(min_length=1)]


class Notifier(Model):
    """A door for what a registry tells of its pushes, at /registry/NAME.

    It sends `Authorization: Bearer SECRET`; what it says is only a reason to look. `loginServer` is
    the registry that it speaks of.
    """

    login_server: Annotated[str, AfterValidator(_login_server)]
    secret: SecretReference
    previous: PreviousSecret | None = None


class Pool(Model):
    """Runs that wait together: `slots` of them are done at once by one daemon, `cap` by all."""

    slots: Annotated[Whole, Field(ge=0, le=1000)] = 2
    cap: Annotated[Whole, Field(ge=1, le=100_000)] | None = None


class Tls(Model):
    """Files, relative to the workspace: a certificate with its chain, and its key. PEM."""

    certificate: Word
    key: Word


def _listen(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not host or not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise problem("listen", "an address to listen on is HOST:PORT, such as 127.0.0.1:8321")
    return text


class Server(Model):
    """Settings of the daemon. It listens on this machine only, unless `listen` says otherwise."""

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8321"
    public_url: Word | None = None
    tls: Tls | None = None
    admin: SecretReference | None = None
    hooks: dict[Word, Hook] = Field(default_factory=dict)
    registries: dict[Word, Notifier] = Field(default_factory=dict)
    pools: dict[Word, Pool] = Field(default_factory=lambda: {"default": Pool()})
    watch: Watch = Watch()


def _plain(value: Any) -> Any:
    # Asked before the union is tried: one message instead of one for each member.
    if isinstance(value, str | bool | int | float):
        return value
    raise problem("variable", "a variable is text, a number, true or false")


def _price(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return value
    raise problem("price", "a price is a number from 0 up, for one second")


_Plain = Text | Whole | Flag | StrictFloat
_Number = StrictFloat | Whole
Variable = Annotated[_Plain, BeforeValidator(_plain, json_schema_input_type=_Plain)]
Price = Annotated[_Number, BeforeValidator(_price, json_schema_input_type=_Number)]


class Workspace(Model):
    """The document of kind Workspace. Paths are relative to the folder it stands in."""

    api_version: Literal["reconciler/v1"]
    kind: Literal["Workspace"]
    state: Annotated[str, AfterValidator(_state)] = DEFAULT_STATE
    registries: tuple[Registry, ...] = ()
    platforms: dict[Platform, PlatformEngine] = Field(default_factory=dict)
    limits: Limits = Limits()
    known_drift: tuple[KnownDrift, ...] = ()
    vars: dict[Word, Variable] = Field(default_factory=dict)
    hosts: dict[Word, Host] = Field(default_factory=dict)
    contexts: Contexts = Contexts()
    forges: dict[Word, Forge] = Field(default_factory=dict)
    server: Server = Server()
    prices: dict[Literal["linux", "windows"], Price] = Field(default_factory=dict)

    @field_validator("registries")
    @classmethod
    def _unique(cls, registries: tuple[Registry, ...]) -> tuple[Registry, ...]:
        # A login server counts too: two names for it would hide that two tasks write one tag.
        names = Counter(registry.name for registry in registries)
        servers = Counter(registry.login_server.lower() for registry in registries)
        for kind, counted in (("name", names), ("login server", servers)):
            twice = [word for word, count in counted.items() if count > 1]
            if twice:
                raise problem("registry", f"two registries have the {kind} {twice[0]}")
        return registries

    def registry(self, name: str) -> Registry | None:
        """The registry of a name or a login server, or None."""
        for registry in self.registries:
            if name in {registry.name, registry.login_server}:
                return registry
        return None
