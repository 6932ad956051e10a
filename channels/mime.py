"""Writes a message as the bytes of a mail: the same message gives the same bytes, whatever its fields hold."""

import re
from base64 import b64encode
from binascii import b2a_qp
from datetime import datetime
from email.utils import format_datetime, parseaddr
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import urlsplit

from channels.addresses import HOST, ascii_host, mailbox, recipient
from channels.base import Misconfigured
from channels.wording import clean, safe_url
from models.message import Message

LINE_LIMIT = 998  # RFC 5322 2.1.1, without the line's end

_OURS = re.compile(
    "bcc|cc|content-.*|date|from|message-id|mime-version|reply-to|sender|subject|to|x-relaunch-delivery", re.IGNORECASE
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_VALUE = re.compile(r"[\x20-\x7e]+")
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_KEY = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")
_MESSAGE_ID = re.compile(r"<[^\s<>@]+@[^\s<>@]+>")
_LINE_END = re.compile("\r\n?")
_WORD_OCTETS = 42  # 56 characters in base64, so that an encoded word stays under RFC 2047's 75


def to_bytes(message: Message, at: datetime) -> bytes:
    """Return a mail of RFC 5322 with a text and an HTML part, CRLF line ends, in ASCII throughout.

    `at` becomes the Date. Line breaks in a subject or a display name become spaces. Raises `Refused` for an address
    that no mail can be written to, `Misconfigured` for a sender or header that the shop has to mend, `ValueError`
    for an `at` without zone.
    """
    if at.tzinfo is None:
        raise ValueError("the date of a mail needs a time zone")
    boundary = f"=_{sha256(message.key.encode()).hexdigest()[:32]}"
    lines = [f"{name}: {value}" for name, value in _headers(message, at)]
    lines.append(f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"')
    head = "\r\n".join(lines).encode("ascii")
    parts = [_part(boundary, "plain", message.text), _part(boundary, "html", message.html)]
    return b"".join([head, b"\r\n\r\n", *parts, f"--{boundary}--\r\n".encode()])


def headers_for(unsubscribe_url: str, list_id: str) -> tuple[tuple[str, str], ...]:
    """Return the headers of one-click unsubscription (RFC 2369, 8058) and the list's id (RFC 2919).

    `list_id` is a host-like name, as `relaunch.shop.example`. Raises `Misconfigured` unless the address is https,
    or http on this very machine.
    """
    if not _may_unsubscribe(unsubscribe_url):
        raise Misconfigured("the public URL for one-click unsubscription must be https (http only on loopback)")
    if not HOST.fullmatch(list_id):
        raise Misconfigured("the list id must be a name like relaunch.shop.example")
    return (
        ("List-Unsubscribe", f"<{unsubscribe_url}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("List-Id", f"<{list_id}>"),
    )


def sender_domain(sender: str) -> str:
    """Return the domain of a sender's address; raise `Misconfigured` when there is none."""
    domain = parseaddr(sender)[1].rpartition("@")[2]
    if not domain:
        raise Misconfigured("RELAUNCH_SENDER has no address: set it like 'Shop <hello@shop.example>'")
    return domain


def message_id(key: str, domain: str) -> str:
    """Return the Message-ID that belongs to a delivery key for ever: `<journey.step.channel@domain>`.

    A key of other characters than ours is hashed. Raises `Misconfigured` for a domain that is none.
    """
    local = key.replace("/", ".") if _KEY.fullmatch(key) else sha256(key.encode()).hexdigest()[:40]
    host = ascii_host(domain)
    if host is None:
        raise Misconfigured("the domain of the Message-ID is no host name: set the sender's address")
    return f"<{local}@{host}>"


def _headers(message: Message, at: datetime) -> list[tuple[str, str]]:
    headers = [
        ("From", _mailbox(message.sender, "sender")),
        ("To", recipient(message.to)),
        ("Subject", _encoded(clean(message.subject, 300), used=len("Subject: "))),
        ("Date", format_datetime(at)),
        ("Message-ID", _checked("Message-ID", message.message_id, _MESSAGE_ID)),
        ("MIME-Version", "1.0"),
        ("X-Relaunch-Delivery", _checked("X-Relaunch-Delivery", message.delivery, _VALUE)),
    ]
    if message.reply_to:
        headers.insert(2, ("Reply-To", _mailbox(message.reply_to, "reply-to")))
    for name, value in message.headers:
        if not _HEADER_NAME.fullmatch(name) or _OURS.fullmatch(name):
            raise Misconfigured("a header has a name that is not allowed")
        headers.append((name, _checked(name, value, _VALUE)))
    return headers


def _checked(name: str, value: str, shape: re.Pattern[str]) -> str:
    """Return a value that stays on one line as it is: folding breaks signatures over List-Unsubscribe."""
    if not shape.fullmatch(value) or len(name) + 2 + len(value) > LINE_LIMIT:
        raise Misconfigured(f"the header {name} is not one line of ASCII")
    return value


def _encoded(text: str, used: int = 0) -> str:
    """Return a header's text as it is when short and plain, else as folded encoded words of RFC 2047.

    `used` is how many characters stand before it on its line. A word never ends within a character.
    """
    if _VALUE.fullmatch(text) and "=?" not in text and used + len(text) <= 78:
        return text
    words, chunk = [], b""
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(chunk) + len(octets) > _WORD_OCTETS:
            words.append(chunk)
            chunk = b""
        chunk += octets
    words.append(chunk)
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in words if word)


def _mailbox(text: str, what: str) -> str:
    found = mailbox(text, what)
    name, plain = found.name, found.address
    if not name:
        return plain
    if _PLAIN_PHRASE.fullmatch(name) and "=?" not in name and len(name) <= 60:
        return f"{name} <{plain}>"
    return f"{_encoded(name, used=LINE_LIMIT)}\r\n <{plain}>"


def _may_unsubscribe(url: str) -> bool:
    if safe_url(url) != url or len(url) > LINE_LIMIT - len("List-Unsubscribe: <>"):
        return False
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" or host == "localhost" or host.endswith(".localhost") or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _part(boundary: str, kind: str, body: str) -> bytes:
    head = (
        f"--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode("ascii") + _quoted_printable(body) + b"\r\n"


def _quoted_printable(text: str) -> bytes:
    # The codec keeps the line end it meets first for its soft breaks too; with one kind going in, one comes out.
    octets = _LINE_END.sub("\n", text).encode("utf-8", "replace")
    return b2a_qp(octets).replace(b"\n", b"\r\n")
