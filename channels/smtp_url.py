"""The SMTP server as its URL names it, read strictly and without ever repeating the password."""

import re
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from channels.base import Misconfigured

HOST_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f.:IPv]+\]")
"""A name, or an address literal, with which one may greet."""

_LONGEST_TIMEOUT_S: Final = 600.0


class Encryption(StrEnum):
    """When a line is encrypted: from its first byte, by STARTTLS (if offered, or always), or never."""

    FROM_START = auto()
    AUTO = auto()
    REQUIRED = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how to connect; `timeout` in seconds for each reply, `ehlo` the name we greet with."""

    host: str
    port: int
    encryption: Encryption
    ehlo: str
    timeout: float
    username: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """Return host and port, for messages."""
        return f"{self.host}:{self.port}"

    @property
    def here(self) -> bool:
        """Say whether the server runs on this machine, where nobody listens in on the line."""
        return self.host in {"localhost", "127.0.0.1", "::1"}


def read_url(url: str) -> Server:
    """Read `smtp://user:password@host:587?starttls=auto|required|never&timeout=30&ehlo=name`, or `smtps://host:465`.

    Only the host is needed. User and password are percent-encoded. `starttls=auto` encrypts where it is offered, but
    not to this machine itself; `timeout` is in seconds for each reply. Raises Misconfigured without repeating any of
    the URL, since a password with a special character can end up in any part of it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/") or parts.fragment:
        raise Misconfigured(
            "the SMTP URL is not of the form smtp://user:password@host:587 or smtps://host:465 "
            "(special characters in user and password must be percent-encoded)"
        )
    if bool(parts.username) != bool(parts.password):
        raise Misconfigured("the SMTP URL names only one of user and password")
    options = _options(parts)
    return Server(
        host=parts.hostname,
        port=port or (465 if parts.scheme == "smtps" else 587),
        encryption=_encryption(parts.scheme, options),
        ehlo=_ehlo(options),
        timeout=_timeout(options),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password or ""),
    )


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not options.keys() <= {"starttls", "timeout", "ehlo"}:
        raise Misconfigured("the SMTP URL may have the options starttls, timeout and ehlo only")
    return options


def _encryption(scheme: str, options: dict[str, str]) -> Encryption:
    if scheme == "smtps":
        if "starttls" in options:
            raise Misconfigured("the SMTP URL has both smtps:// and starttls: choose one")
        return Encryption.FROM_START
    choices = {"auto": Encryption.AUTO, "required": Encryption.REQUIRED, "never": Encryption.NEVER}
    chosen = choices.get(options.get("starttls", "auto"))
    if chosen is None:
        raise Misconfigured("starttls in the SMTP URL must be auto, required or never")
    return chosen


def _timeout(options: dict[str, str]) -> float:
    try:
        timeout = float(options.get("timeout", "30"))
    except ValueError:
        timeout = 0.0
    if not 0 < timeout <= _LONGEST_TIMEOUT_S:
        raise Misconfigured("timeout in the SMTP URL must be a number of seconds, above 0 and at most 600")
    return timeout


def _ehlo(options: dict[str, str]) -> str:
    name = options.get("ehlo", "")
    if name and not HOST_NAME.fullmatch(name):
        raise Misconfigured("ehlo in the SMTP URL must be a host name")
    return name
