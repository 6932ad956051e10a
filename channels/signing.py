"""DKIM signatures for e-mail that leaves by a plain SMTP server (RFC 6376), over what RFC 8058 wants covered."""

from email.utils import parseaddr
from typing import Final

from channels.base import Misconfigured

_COVERED: Final = (
    *(b"from", b"from", b"to", b"subject", b"date", b"message-id", b"reply-to", b"mime-version", b"content-type"),
    *(b"list-id", b"list-unsubscribe", b"list-unsubscribe-post"),
)
"""The signed headers; From twice, so that nobody adds another one (RFC 6376 §8.15)."""


class Signer:
    """Signs as the domain of each message's own sender, so that the signature is aligned with From (DMARC)."""

    def __init__(self, selector: str, key: bytes) -> None:
        """Take the private key as PEM, whose public half stands in the DNS under `{selector}._domainkey.{domain}`."""
        self._selector, self._key = selector.encode(), key

    def __repr__(self) -> str:
        """Show the selector, never the key."""
        return f"Signer({self._selector.decode()!r})"

    def sign(self, raw: bytes, sender: str) -> bytes:
        """Return a message with its signature in front; raises `Misconfigured` for a key that cannot sign."""
        import dkim  # noqa: PLC0415 - only who signs pays for loading it

        domain = parseaddr(sender)[1].rpartition("@")[2]
        present = {line.partition(b":")[0].lower() for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n")}
        covered = [name for name in _COVERED if name in present]
        try:
            signature = dkim.sign(
                raw,
                self._selector,
                domain.encode("idna"),
                self._key,
                canonicalize=(b"relaxed", b"relaxed"),
                include_headers=covered,
            )
        except (dkim.DKIMException, UnicodeError, ValueError):
            signature = b""
        if not signature:
            raise Misconfigured("the DKIM key cannot sign: RELAUNCH_DKIM_KEY must name an RSA private key in PEM")
        return bytes(signature) + raw
