"""cmd steps: their fields and words to a container. Resolves no dependency."""

from __future__ import annotations

import re

from reconciler.taskfile.steps.container import ContainerFields
from reconciler.taskfile.steps.imagename import check_image
from reconciler.taskfile.steps.words import split_words
from reconciler.taskfile.tasks import CmdStep, StepFrame
from reconciler.taskfile.tree.fields import MAX_TRIES

_CPUS = re.compile(r"[0-9]+(\.[0-9]+)?|\.[0-9]+")
# Kinds of Windows that ACR's engine hands over; containers here are those of Linux.
_ISOLATION = re.compile(r"|default")
_PORT = re.compile(r"((\S+:)?[0-9-]*:)?[0-9]+(-[0-9]+)?(/(tcp|udp|sctp))?")

_BY_ENVIRONMENT = (
    "secrets belong in env or volumes: env: ['TOKEN=...'], and sh -c '... $TOKEN' reads it "
    "($$TOKEN where aliases are on)"
)


def cmd_step(frame: StepFrame, container: ContainerFields) -> CmdStep:
    """The cmd step of a frame; problems are noted."""
    fields = container.fields
    image, argv = _image_and_words(container)
    wanted, unwanted = _exit_codes(container)
    shared = container.frame(frame, argv, detach=fields.flag("detach"))
    return CmdStep(
        **shared.values(),
        image=image,
        pull=fields.flag("pull"),
        download_retries=_downloads(container),
        download_retry_delay=max(fields.seconds("cmdDownloadRetryDelay"), 0),
        privileged=fields.flag("privileged"),
        user=fields.word("user"),
        isolation=_checked(container, "isolation", _ISOLATION, "default"),
        cpus=_checked(container, "cpus", _CPUS, 'a number, such as "1.5"'),
        entry_point=fields.word("entryPoint"),
        ports=_ports(container, "ports"),
        expose=_ports(container, "expose"),
        exited_with=wanted,
        exited_without=unwanted,
    )


def _image_and_words(container: ContainerFields) -> tuple[str, tuple[str, ...]]:
    reveal, node = container.around.reveal, container.fields.place("cmd")
    words = container.words("cmd")
    if not words:
        return "", ()
    alias = container.around.image_alias(words[0])
    first = split_words(alias).words if alias is not None else words[:1]
    words = (*(first or words[:1]), *words[1:])
    image = reveal(words[0])
    if image != words[0]:
        container.findings.doubt(node, "the image of cmd holds a secret", fix="use a value instead")
    elif image.startswith("-"):
        fix = "flags of docker run are properties of the step: user, entryPoint, ports, ..."
        container.findings.error(node, "cmd starts with the image", found=words[0], fix=fix)
    else:
        check_image(image, node, container.findings)
    if any(reveal(word) != word for word in words[1:]):
        message = "the words of cmd hold a secret, and everybody on the engine's machine sees them"
        container.findings.doubt(node, message, fix=_BY_ENVIRONMENT)
    return image, tuple(map(reveal, words[1:]))


def _checked(
    container: ContainerFields, key: str, pattern: re.Pattern[str], allowed: str
) -> str | None:
    word = container.fields.word(key)
    if word is not None and not pattern.fullmatch(word):
        at = container.fields.place(key)
        message, fix = f'"{key}" cannot be read', f"write {allowed}"
        container.findings.doubt(at, message, found=word, allowed=allowed, fix=fix)
    return word


def _downloads(container: ContainerFields) -> int:
    """ACR's engine takes a negative number for none."""
    found = container.fields.whole("cmdDownloadRetries", MAX_TRIES) or 0
    return container.fields.tries("cmdDownloadRetries") if found > 0 else 0


def _ports(container: ContainerFields, key: str) -> tuple[str, ...]:
    words = container.fields.words(key)
    for word in words:
        if not _PORT.fullmatch(word):
            at, allowed = container.fields.place(key), "80, 8080:80, 127.0.0.1:8080:80/tcp"
            fix = "write PORT or HOST_PORT:PORT"
            container.findings.doubt(at, "this is no port", found=word, allowed=allowed, fix=fix)
    return words


def _exit_codes(container: ContainerFields) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """exitedWith and exitedWithout. ACR's engine reads both and obeys neither."""
    fields, findings = container.fields, container.findings
    wanted, unwanted = fields.wholes("exitedWith"), fields.wholes("exitedWithout")
    if not findings.strict:
        for key in ("exitedWith", "exitedWithout"):
            if fields.has(key):
                fix = "it counts when read strictly"
                message = f'"{key}" is ignored, as ACR\'s engine does'
                findings.warn(fields.place(key), message, fix=fix)
        return (), ()
    if wanted and unwanted:
        at = fields.place("exitedWithout")
        findings.error(at, "exitedWith and exitedWithout exclude each other", fix="keep one")
    for code in (*wanted, *unwanted):
        if not 0 <= code <= 255:
            at = fields.place("exitedWith" if code in wanted else "exitedWithout")
            fix = "write a number from 0 to 255"
            findings.error(at, "this is no exit code", found=str(code), allowed="0 to 255", fix=fix)
    return wanted, unwanted
