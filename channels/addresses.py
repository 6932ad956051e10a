"""Mail addresses as they may be written: display name and address apart, foreign domains in ASCII."""

import re
from dataclasses import dataclass

import idna

from channels.base import Misconfigured, Refused
from channels.wording import clean

HOST = re.compile(r"(?!-)[A-Za-z0-9-]+(?<!-)(?:\.(?!-)[A-Za-z0-9-]+(?<!-))*")
"""A host's name in ASCII."""

_NAMED = re.compile(r'(?:"?([^<>]*?)"? ?(?=<))?<?([^<> ]+)>?')
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_QUOTED = str.maketrans({"\\": r"\\", '"': r"\""})


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Somebody's address, in ASCII, and the name to show with it, in any script, empty when there is none."""

    name: str
    address: str

    def __str__(self) -> str:
        """Return `"name" <address>`, for providers that take both in one text and encode the name themselves."""
        return f'"{self.name.translate(_QUOTED)}" <{self.address}>' if self.name else self.address


def mailbox(text: str, what: str) -> Mailbox:
    """Read `name <address>` or a bare address; raises `Misconfigured`, which names only `what` it was."""
    found = _NAMED.fullmatch(clean(text, 400))
    name, address = found.groups() if found else ("", "")
    plain = ascii_address(address)
    if plain is None:
        raise Misconfigured(f"the {what} is no mail address")
    return Mailbox(name or "", plain)


def recipient(text: str) -> str:
    """Return a recipient's address in ASCII; raises `Refused` for one that no mail can be written to."""
    address = ascii_address(text)
    if address is None:
        raise Refused("the recipient's address is not one that mail can be written to", address=True)
    return address


def ascii_address(address: str) -> str | None:
    """Return a bare address with its domain in ASCII, None when it is none."""
    local, _, domain = address.rpartition("@")
    host = ascii_host(domain)
    return f"{local}@{host}" if host and len(local) <= 64 and _LOCAL_PART.fullmatch(local) else None


def ascii_host(domain: str) -> str | None:
    """Return a domain as mail carries it, by IDNA 2008 like the envelope: straße is not strasse."""
    try:
        host = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None
    return host if len(host) <= 253 and HOST.fullmatch(host) else None
