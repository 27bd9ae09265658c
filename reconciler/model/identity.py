"""Who a task acts as, and how it logs in to registries."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from reconciler.model.common import Model, SecretReference, Word, problem

IdentityType = Literal["SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned", "None"]


class Identity(Model):
    """Managed identity of a task. Source: the ARM task resource, `identity`."""

    type: IdentityType = "None"
    ids: tuple[Word, ...] = ()

    @model_validator(mode="after")
    def _ids_fit_type(self) -> Identity:
        user = "UserAssigned" in self.type
        if user and not self.ids:
            raise problem("identity", "an identity of type UserAssigned needs ids")
        if self.ids and not user:
            raise problem("identity", f"an identity of type {self.type} has no ids")
        return self


class SourceRegistryLogin(Model):
    """How the task logs in to its own registry."""

    login_mode: Literal["Default", "None"] = "Default"
    identity: Word | None = None


class RegistryLogin(Model):
    """How the task logs in to another registry: user and password, or an identity."""

    username: SecretReference | None = None
    password: SecretReference | None = None
    identity: Word | None = None

    @model_validator(mode="after")
    def _complete(self) -> RegistryLogin:
        if (self.username is None) != (self.password is None):
            raise problem("login", "a registry login needs both username and password")
        if self.username is None and self.identity is None:
            raise problem("login", "a registry login needs username and password, or an identity")
        return self


class Credentials(Model):
    """Logins of a task, by login server."""

    source: SourceRegistryLogin = SourceRegistryLogin()
    registries: dict[Word, RegistryLogin] = Field(default_factory=dict)
