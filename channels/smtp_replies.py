"""What the reply of an SMTP server proves about a message, and how much of its wording may be repeated.

| what is known                                                | proof of          | raised                       |
|--------------------------------------------------------------|-------------------|------------------------------|
| no connection, TLS broken, greeting or any reply 4xx, 421    | non-acceptance    | TemporarilyUnavailable       |
| line lost or time-out before the final dot of DATA was sent  | non-acceptance    | TemporarilyUnavailable       |
| login refused (530, 534, 535, 538), 5xx greeting, bad        | non-acceptance,   | Misconfigured                |
| certificate, no STARTTLS, 5.7.x about our sender or domain   | our fault         |                              |
| 5xx with 5.1.x about the recipient                           | non-acceptance    | Refused(address=True)        |
| any other 5xx, also in reply to the final dot                | non-acceptance    | Refused                      |
| 4xx in reply to the final dot                                | non-acceptance    | TemporarilyUnavailable       |
| 2xx in reply to the final dot                                | acceptance        | nothing: a Receipt           |
| line lost, time-out, cancellation or an unreadable reply     | nothing           | Unproven                     |
| once the final dot was sent                                  |                   |                              |

The server becomes responsible for a message with its 2xx reply to the final dot and not before (RFC 5321, 4.1.1.4
and 4.2.5). Enhanced status codes: RFC 3463, 7372, 7505 and the large mailbox providers' own 5.7.x.
"""

import asyncio
import re
from enum import StrEnum, auto
from typing import assert_never

from aiosmtplib import SMTPConnectError, SMTPResponse, SMTPResponseException

from channels.base import ChannelError, Misconfigured, Refused, TemporarilyUnavailable, Unproven


class Stage(StrEnum):
    """How far the conversation about one message has come."""

    CONNECT = "the connection"
    HELLO = "EHLO"
    TLS = "STARTTLS"
    LOGIN = "AUTH"
    RESET = "RSET"
    SENDER = "MAIL FROM"
    RECIPIENT = "RCPT TO"
    DATA = "DATA"
    DOT = "the final dot"


class Fault(StrEnum):
    """Whose fault a permanent refusal is."""

    SENDER = auto()
    ADDRESS = auto()
    MESSAGE = auto()


_ANY = frozenset(Stage)
_BEFORE_MAIL = frozenset({Stage.CONNECT, Stage.HELLO, Stage.TLS, Stage.LOGIN, Stage.RESET})
_MAIL = frozenset({Stage.SENDER})
_RCPT = frozenset({Stage.RECIPIENT})
_OURS = r"relay|spf\b|dkim|dmarc|authenticat|log ?in|black ?list|block ?list|\brbl\b|client host|ip address|reputation"
_NOBODY = (
    r"user unknown|unknown user|no such (user|mailbox|recipient|address)|(user|mailbox|recipient|address) not found"
    r"|does ?n[o']t exist|invalid recipient|no mailbox"
)

# The first row that fits decides, else it is the message's fault: stages, code, enhanced status ("" when there is
# none), words of the reply.
_PERMANENT: tuple[tuple[frozenset[Stage], str, str, str, Fault], ...] = (
    (_BEFORE_MAIL, r"5..", r".*", r"", Fault.SENDER),
    (_ANY, r"53[0458]", r".*", r"", Fault.SENDER),
    (_ANY, r"5..", r"5\.1\.[78]", r"", Fault.SENDER),
    (_ANY, r"5..", r"5\.1\.0|", r"\bsender\b", Fault.SENDER),
    (_MAIL, r"5..", r"5\.[17]\.\d+", r"", Fault.SENDER),
    (_ANY, r"5..", r"5\.1\.\d+", r"", Fault.ADDRESS),
    (_ANY, r"5..", r"5\.7\.(?![0-2]$)\d+", r"", Fault.SENDER),
    (_ANY, r"5..", r"5\.7\.\d+|", _OURS, Fault.SENDER),
    (_RCPT, r"5..", r"5\.7\.\d+", r"recipient|mailbox", Fault.MESSAGE),
    (_RCPT, r"5..", r"5\.7\.\d+", r"", Fault.SENDER),
    (_RCPT, r"55.", r"", _NOBODY, Fault.ADDRESS),
)

_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
_PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z'/-]{0,19}[.,:;]?")
_QUEUE_ID = re.compile(
    r"queued as <?(?P<queued>[^\s>]+)|\bid=(?P<id>[^\s>]+)|InternalId=(?P<internal>\d+)"
    r"|(?P<gsmtp>\S+) - gsmtp|^Ok (?P<ses>[0-9a-f]{12,}\S*)|(?P<sendmail>\w+) Message accepted",
    re.IGNORECASE,
)


def problem_of(stage: Stage, reply: SMTPResponse, private: str) -> ChannelError:
    """Return what a reply other than the hoped-for one proves; `private` is what must not be repeated of it."""
    text = f"the SMTP server answered {_excerpt(stage, reply, private)} to {stage}"
    match reply.code // 100:
        case 4:
            return TemporarilyUnavailable(text)
        case 5:
            return _permanent(_fault(stage, reply), text)
        case _ if stage is Stage.DOT:
            return Unproven(text)
        case _:
            return TemporarilyUnavailable(text)


def queue_id(reply: SMTPResponse) -> str | None:
    """Return the id under which the server queued the message, when its reply says so in a way we recognise."""
    found = _QUEUE_ID.search(_STATUS.sub("", reply.message, count=1).strip())
    return found[found.lastgroup or 0].rstrip(".,;)]")[:200] if found else None


def what_happened(error: BaseException) -> str:
    """Name a failure without repeating a word of the server."""
    match error:
        case asyncio.CancelledError():
            return "the send was cancelled"
        case TimeoutError():
            return "no answer in time"
        case SMTPResponseException():
            return "an unreadable reply"
        case SMTPConnectError():
            return "refused or unreachable"
        case _:
            return "the line was lost"


def _permanent(fault: Fault, text: str) -> ChannelError:
    match fault:
        case Fault.SENDER:
            return Misconfigured(text)
        case Fault.ADDRESS:
            return Refused(text, address=True)
        case Fault.MESSAGE:
            return Refused(text)
        case _:
            assert_never(fault)


def _fault(stage: Stage, reply: SMTPResponse) -> Fault:
    code, status, words = str(reply.code), _status(reply), reply.message.lower()
    for stages, code_like, status_like, words_like, fault in _PERMANENT:
        if (
            stage in stages
            and re.fullmatch(code_like, code)
            and re.fullmatch(status_like, status)
            and re.search(words_like, words)
        ):
            return fault
    return Fault.MESSAGE


def _status(reply: SMTPResponse) -> str:
    found = _STATUS.search(reply.message)
    return found[0] if found and found[0][0] == str(reply.code)[0] else ""


def _excerpt(stage: Stage, reply: SMTPResponse, private: str) -> str:
    """Return the code, the enhanced status and the first plain words; servers like to echo addresses and subjects."""
    codes = f"{reply.code} {_status(reply)}".strip()
    if stage is Stage.LOGIN:
        return codes
    secret = set(re.findall(r"\w+", private.casefold()))
    first_line = _STATUS.sub("", reply.message.partition("\n")[0])
    words = [
        word if _PLAIN_WORD.fullmatch(word) and not secret & set(re.findall(r"\w+", word.casefold())) else "…"
        for word in first_line.split()[:8]
    ]
    return f"{codes} ({' '.join(words)})" if words else codes
