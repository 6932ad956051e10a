"""A rendered message on its way to a provider."""

from dataclasses import dataclass

from models.vocabulary import Channel


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one address.

    `delivery` is the delivery's id, `key` its stable key `{journey}/{step}/{channel}`, which every provider sees
    as idempotency key, Message-ID or metadata. `headers` holds only what the channel cannot know by itself
    (List-Unsubscribe, List-Id, ...); `message_id` is fixed by the key. `subject` and `html` are empty for SMS.
    `raw` is the whole message as RFC 5322 bytes with CRLF line ends, exactly as handed over and as stored; empty for
    channels that have none.
    """

    delivery: str
    key: str
    channel: Channel
    to: str
    sender: str
    reply_to: str | None
    subject: str
    text: str
    html: str
    message_id: str
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes = b""
