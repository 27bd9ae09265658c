"""The variables that FROM may use: platform arguments and what ARG declares; reads no file.

Source: https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.taskfile.dockerfile.instructions import Instruction
from reconciler.taskfile.dockerfile.logicallines import DockerfileError
from reconciler.taskfile.dockerfile.shellpattern import Budget, ShellWordError
from reconciler.taskfile.dockerfile.shellwords import assignments, expand

_ARCHITECTURES = {
    "": ("amd64", ""),  # an operating system alone means amd64, as in ACR
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "i386": ("386", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
# The variant that an architecture has when none is written, and how it is written then.
_USUAL_VARIANT = {"amd64": ("v1", ""), "arm64": ("v8", ""), "arm": ("v7", "v7")}


@dataclass(slots=True)
class Scope:
    """The global variables and what may still be spent on expanding them."""

    escape: str
    build_args: Mapping[str, str]
    values: dict[str, str] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)

    def expand(self, word: str, line: int) -> str:
        """`word` as FROM sees it; DockerfileError with `line` where BuildKit would refuse it."""
        try:
            self.budget.spend(len(word))
            return expand(word, self.values, escape=self.escape, budget=self.budget)
        except ShellWordError as error:
            raise DockerfileError(str(error), line) from error

    def declare(self, instruction: Instruction) -> None:
        """Take in an ARG: each name's build argument, else its default with variables replaced."""
        words = assignments(instruction.arguments, escape=self.escape)
        if not words:
            raise DockerfileError("ARG requires at least one argument", instruction.line)
        for word in words:
            name, equals, default = word.partition("=")
            if not name:
                raise DockerfileError("ARG names can not be blank", instruction.line)
            if name in self.build_args:
                self.values[name] = self.build_args[name]
            elif equals:
                self.values[name] = self.expand(default, instruction.line)


def platform_arguments(
    target: str, build: str, *, stage: str, overrides: Mapping[str, str]
) -> dict[str, str]:
    """TARGETPLATFORM, BUILDARCH and their kin for platforms `os[/architecture[/variant]]`.

    `stage` is the name of the stage that is built, or empty. A build argument of the same name
    wins even though nobody declared it.
    """
    found = {
        **_one("BUILD", build),
        **_one("TARGET", target),
        "TARGETSTAGE": stage or "default",
    }
    return {name: overrides.get(name, value) for name, value in found.items()}


def _one(prefix: str, platform: str) -> dict[str, str]:
    system, architecture, variant = _parts(platform)
    return {
        f"{prefix}PLATFORM": "/".join(part for part in (system, architecture, variant) if part),
        f"{prefix}OS": system,
        f"{prefix}OSVERSION": "",
        f"{prefix}ARCH": architecture,
        f"{prefix}VARIANT": variant,
    }


def _parts(platform: str) -> tuple[str, str, str]:
    system, _, rest = platform.lower().partition("/")
    architecture, _, variant = rest.partition("/")
    if architecture in _ARCHITECTURES:
        architecture, usual = _ARCHITECTURES[architecture]
        variant = variant or usual
    variant = f"v{variant}" if variant.isdigit() else variant
    usual, written = _USUAL_VARIANT.get(architecture, ("", ""))
    return system, architecture, written if variant in {"", usual} else variant
