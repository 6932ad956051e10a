"""What the store hides, and with which key: hashes of erased addresses, and what an erasure has still to look for.

Both keys are derived from the installation's secret key, and travel with each connection, so that whoever has the
tables alone can neither guess an address by hashing all there are, nor read what is sought.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

KEYS: Final = "relaunch_keys"
"""The execution option under which an engine carries its keys."""
_PLAIN: Final = "sha256:"
_KEYED: Final = "hmac-sha256:"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one installation, 32 bytes each: one for hashes, one for what is sealed."""

    hashing: bytes = field(repr=False)
    sealing: bytes = field(repr=False)


def keys_of(secret: str) -> Keys:
    """Derive the keys from the installation's secret: HMAC-SHA256 over the use, one step of RFC 5869's expand."""

    def derived(use: str) -> bytes:
        return hmac.digest(secret.encode(), f"relaunch {use} \x01".encode(), hashlib.sha256)

    return Keys(derived("hashes of addresses"), derived("erasures"))


def hidden(connection: Connection, shop: str, address: str) -> str:
    """Return what is kept of an address, so that its objection goes on to count; the same of what it returns.

    It is the HMAC of a plain SHA-256, which is what schema 0001 kept: its hashes become ours without the
    address, see `store.chores.key_hashes`.
    """
    if address.startswith(_KEYED):
        return address
    if not address.startswith(_PLAIN):
        address = _PLAIN + hashlib.sha256(f"{shop}\n{address}".encode()).hexdigest()
    return _KEYED + hmac.digest(_keys(connection).hashing, address.encode(), hashlib.sha256).hex()


def is_plain(address: str) -> bool:
    """Say whether this is a hash without a key, as schema 0001 kept it."""
    return address.startswith(_PLAIN)


def sealed(connection: Connection, text: str) -> bytes:
    """Encrypt a text with the key of this connection (Fernet: AES-128-CBC and HMAC-SHA256)."""
    from cryptography.fernet import Fernet  # noqa: PLC0415 - slow to load, and few people are erased

    return Fernet(_fernet(connection)).encrypt(text.encode())


def unsealed(connection: Connection, token: bytes) -> str | None:
    """Decrypt what `sealed` made; None when the installation's secret has changed since."""
    from cryptography.fernet import Fernet, InvalidToken  # noqa: PLC0415 - as above

    try:
        return Fernet(_fernet(connection)).decrypt(token).decode()
    except InvalidToken:
        return None


def _fernet(connection: Connection) -> bytes:
    return base64.urlsafe_b64encode(_keys(connection).sealing)


def _keys(connection: Connection) -> Keys:
    keys: Keys = connection.get_execution_options()[KEYS]
    return keys
