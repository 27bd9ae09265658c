"""What git may know when it talks to a foreign repository: an environment made from nothing.

No user or system configuration, no hooks, no prompts, no redirects, only the protocols that are
allowed. A token goes to git as a header for one `scheme://host/`: it stands in no argument list,
in no configuration file, and no other host is ever given it.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.adapters.processes.owner import VARIABLE, owner_of_this_process
from reconciler.adapters.web.resolve import Guard, Place

# A host that sends next to nothing for so long is left.
SLOW_SECONDS = 30
_INHERITED = ("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH")
# A proxy sees nothing of https but the host. Over plain http it would read the token.
_PROXIES = (
    *("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
    *("NO_PROXY", "no_proxy"),
)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository to fetch from. `token` is sent to the host of `url` and to no other.

    `guard` says which hosts may be asked at all. `anywhere`: a commit that is named by its id may
    be on no branch. A token of the form `user:password` is sent as it is, another one with a user
    name that every known host accepts.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    guard: Guard = field(default_factory=Guard)
    anywhere: bool = False


def secret_words(token: str | None) -> tuple[str, ...]:
    """What of a token must never be shown: itself, as it is sent, and its password."""
    if not token:
        return ()
    return (token, _basic(token), *token.split(":")[1:])


def _basic(token: str) -> str:
    pair = token if ":" in token else f"x-access-token:{token}"
    return base64.b64encode(pair.encode()).decode()


def environment_of(repository: Repository, target: Place, folder: Path) -> dict[str, str]:
    """Everything git may know; makes its empty home in `folder`.

    Nothing is inherited but PATH, the certificates and, for https, the way through a proxy.
    """
    home = folder / "home"
    home.mkdir(mode=0o700)
    keep = (*_INHERITED, *(_PROXIES if target.scheme == "https" else ()))
    settings = _settings(repository, target)
    numbered: dict[str, str] = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (name, value) in enumerate(settings):
        numbered[f"GIT_CONFIG_KEY_{index}"] = name
        numbered[f"GIT_CONFIG_VALUE_{index}"] = value
    inherited = {name: os.environ[name] for name in keep if name in os.environ}
    if "SSL_CERT_FILE" in inherited:
        # Many a git was built with a library that does not read it.
        inherited.setdefault("GIT_SSL_CAINFO", inherited["SSL_CERT_FILE"])
    return {
        **inherited,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "LC_ALL": "C",
        VARIABLE: owner_of_this_process(),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_ALLOW_PROTOCOL": target.scheme,
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        **numbered,
    }


def _settings(repository: Repository, target: Place) -> list[tuple[str, str]]:
    settings = [
        ("credential.helper", ""),
        ("http.followRedirects", "false"),
        ("http.lowSpeedLimit", "1000"),
        ("http.lowSpeedTime", str(SLOW_SECONDS)),
        ("core.symlinks", "false"),
        ("core.fsmonitor", "false"),
        ("core.hooksPath", os.devnull),
        ("core.autocrlf", "false"),
        ("transfer.fsckObjects", "true"),
        ("protocol.version", "2"),
        ("submodule.recurse", "false"),
        ("fetch.recurseSubmodules", "false"),
        ("advice.detachedHead", "false"),
        ("gc.auto", "0"),
        # Of memory, which is bounded, packs and large files take little.
        ("core.packedGitWindowSize", "64m"),
        ("core.packedGitLimit", "256m"),
        ("core.bigFileThreshold", "32m"),
        ("pack.threads", "2"),
        ("safe.directory", "*"),
    ]
    if target.scheme == "http":
        settings.append(("http.proxy", ""))
    if target.addresses:
        # Git connects to what was judged, and looks nothing up.
        addresses = ",".join(f"[{text}]" if ":" in text else text for text in target.addresses)
        host = f"[{target.host}]" if ":" in target.host else target.host
        settings.append(("http.curloptResolve", f"{host}:{target.port}:{addresses}"))
    if repository.token:
        scope = f"http.{target.scheme}://{target.netloc}/.extraHeader"
        settings.append((scope, f"Authorization: Basic {_basic(repository.token)}"))
    return settings
