"""When two addresses mean one repository. Asks no host."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# user@host:path, as ssh writes it: a single colon that begins no port and no `//`.
_SCP = re.compile(r"(?:[^@/:]+@)?([^/:@]+):(?!//)(?![0-9]+/)(.+)")
_USUAL_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}


def repository_key(address: str) -> str | None:
    """`host[:port]/path`: the same for every spelling of one repository; None for no address.

    Hosts and paths are compared in lower case, as GitHub, GitLab, Gitea and Azure DevOps do;
    the scheme, a user, `.git`, slashes at the end and `#ref:folder` do not count.
    """
    text = address.strip().partition("#")[0]
    if text.startswith("github.com/"):
        text = f"https://{text}"
    scp = None if "://" in text else _SCP.fullmatch(text)
    if scp is not None:
        host, path = scp[1], scp[2]
    else:
        found = _split(text)
        if found is None:
            return None
        host, path = found
    path = path.strip("/").removesuffix(".git").strip("/")
    return f"{host}/{path}".lower() if host and path else None


def _split(text: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = port is None or port == _USUAL_PORTS.get(parts.scheme)
    return (host if usual else f"{host}:{port}"), parts.path
