"""Recognises text that is likely a credential, so that it is neither kept nor repeated.

A guess on shapes that are certain enough: a password in a URL, a signed URL, known prefixes of
tokens, private keys. What has no shape (a plain password) is not found: fields for secrets take
references only and are never repeated.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])"
    r"(?:gh[pousr]_|github_pat_|glpat-|gldt-|xox[abeprs]-|AKIA|npm_|dckr_pat_|pypi-|hvs\.|eyJ)"
    r"[A-Za-z0-9_.-]{8,}"
)
# Up to the first / ? or #, as in RFC 3986; `ssh://git@host` names a user and no password.
_USER = re.compile(r"(?i)\b(?!ssh://[^:@/]*@)[a-z][a-z0-9+.-]{0,30}://[^/?#\s@]*@")
_USER_WITHOUT_SCHEME = re.compile(r"(?:^|\s)[^\s:/@]+:[^\s/@]+@(?!sha256:)[^\s]")
_SIGNED = re.compile(
    r"(?i)[?&](?:sig|token|access_token|private_token|password|"
    r"x-amz-signature|x-goog-signature)=[^&#\s]"
)
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
# A password with a slash in it: `user:pass/word@host`; digits and a slash are a port.
_USER_WITH_SLASH = re.compile(
    r"(?i)\b[a-z][a-z0-9+.-]{0,30}://[^/?#\s@:]+:(?!\d{1,5}[/?#])[^\s@]{1,300}@"
)
# As above, in two parts: what stays, and what is hidden.
_HIDDEN = (
    # A user alone may be a token where Git or a registry is asked; elsewhere it is a name.
    re.compile(r"(?i)(\bhttps?://)[^/?#\s]*(?=@)"),
    re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{0,30}://)(?![*]{3}@)[^/?#\s@:]*:[^/?#\s]*(?=@)"),
    re.compile(
        r"(?i)(\b[a-z][a-z0-9+.-]{0,30}://)(?![*]{3}@)[^/?#\s@:]+:(?!\d{1,5}[/?#])[^\s@]{1,300}(?=@)"
    ),
    re.compile(r"((?:^|\s))[^\s:/@]+:[^\s/@]+(?=@(?!sha256:)[^\s])"),
    re.compile(
        r"(?i)([?&](?:sig|token|access_token|private_token|password|"
        r"x-amz-signature|x-goog-signature)=)[^&#\s]+"
    ),
)
_MARK = "***"
_SHAPES = (_TOKEN, _USER, _USER_WITH_SLASH, _USER_WITHOUT_SCHEME, _SIGNED, _KEY)


def holds_token(text: str) -> bool:
    """True if a token of a known kind or a private key stands in the text."""
    return bool(_TOKEN.search(text) or _KEY.search(text))


def holds_credential(text: str) -> bool:
    """True if the text looks as if a password, token, signature or private key stood in it."""
    return any(shape.search(text) for shape in _SHAPES)


def without_credentials(text: str) -> str:
    """The text with `***` for the user of each URL in it, for signatures and known tokens."""
    if "://" not in text and "@" not in text and not holds_credential(text):
        return text
    for pattern in _HIDDEN:
        text = pattern.sub(rf"\1{_MARK}", text)
    return _TOKEN.sub(_MARK, text)


def credentials_in(location: str) -> tuple[str, ...]:
    """What `without_credentials` hides of a location, and each password without its user."""
    held: list[str] = []
    for pattern in _HIDDEN:
        held += (match[0][len(match[1]) :] for match in pattern.finditer(location))
        location = pattern.sub(rf"\1{_MARK}", location)
    passwords = [text.partition(":")[2] for text in held]
    return tuple(dict.fromkeys(filter(None, [*held, *passwords])))
