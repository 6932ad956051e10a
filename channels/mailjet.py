"""E-mail through Mailjet's Send API v3.1: one call a message, and the events of its webhooks.

What is special beside the table of `channels/http.py`; the message's own `Status` and `ErrorCode` decide, with any
HTTP status, 200 too:

| ErrorCode                                            | proof of                         | raised                    |
|------------------------------------------------------|----------------------------------|---------------------------|
| mj-0013 (or any other) about `To`                    | non-acceptance                   | Refused(address=True)     |
| send-0006, send-0007, send-0008, mj-0001, mj-0015,   | non-acceptance, our fault        | Misconfigured             |
| and any about `From`, `Sender` or `ReplyTo`          |                                  |                           |
| any other                                            | non-acceptance                   | Refused                   |

Errors are checked before the answer (`AdvanceErrorHandling`): without it Mailjet says success to a sender that it does
not know, and sends nothing. There is no idempotency key. Our delivery's id travels as CustomID, which every event gives
back and by which a message can be looked up. Message-ID and List-Id are Mailjet's own and may not be set.

Mailjet adds its own List-Unsubscribe to what has none; ours stands where it is set. Of events it signs nothing.

Sources: dev.mailjet.com: email/guides/send-api-v31 (headers, errors, CustomID), email/reference/messages,
email/guides/webhooks (event API, table of errors); mailjet-apiv3-php#219; django-anymail.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from channels.accounts import Account
from channels.addresses import Mailbox, mailbox, recipient
from channels.base import ChannelError, Knock, Misconfigured, Receipt, Refused
from channels.http import Answer, HttpClient, basic_auth, code, receipt, to_json
from channels.webhooks import bounced, by_a_person, check_secret, mail_status, read_bodies, reason
from channels.wording import clean
from models.message import Message
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel

URL: Final = "https://api.mailjet.com"
NAME: Final = "mailjet"
_FORBIDDEN = frozenset({"list-id", "message-id"})  # of those that a message of ours may have
_OUR_FAULT = frozenset({"send-0006", "send-0007", "send-0008", "mj-0001", "mj-0015"})
_US = ("From", "Sender", "ReplyTo")


class Mailjet:
    """Sends e-mail through one pair of keys of Mailjet."""

    name = NAME
    channel = Channel.EMAIL
    honours_key: timedelta | None = None

    def __init__(
        self, key: str, secret: str, *, now: Callable[[], datetime], url: str | None = None, timeout_s: float = 30.0
    ) -> None:
        """Take the API key and its secret; `url` points elsewhere, as to a proxy."""
        headers = basic_auth(NAME, key, secret)
        self._http = HttpClient(NAME, url or URL, headers, now=now, verdict=_verdict, timeout_s=timeout_s)

    async def send(self, message: Message) -> Receipt:
        """Hand one message over; tracking is always off."""
        answer = await self._http.post("/v3.1/send", to_json(_body(message)))
        result = _result(answer)
        if result.status == "error" and result.errors:
            raise _problem(result.errors, f"{NAME} answered {answer.status}")
        return receipt(NAME, result.to[0].message_id if result.status == "success" and result.to else None)

    async def find(self, message: Message) -> Receipt | None:
        """Look the message up by its delivery's id; two that bear it would mean that Mailjet ignored the question."""
        query = {"CustomID": message.delivery, "Limit": "2"}
        found = (await self._http.look_up("/v3/REST/message", query)).get("Data")
        only = found[0] if isinstance(found, list) and len(found) == 1 else None
        return Receipt(NAME, str(only["ID"])) if isinstance(only, dict) and only.get("ID") else None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()


def open_sender(account: Account, now: Callable[[], datetime]) -> Mailjet:
    """Read what the operator set: `mailjet_key` and `_secret`, and `_url` where it differs."""
    return Mailjet(account.need("mailjet_key"), account.need("mailjet_secret"), now=now, url=account.get("mailjet_url"))


def _body(message: Message) -> dict[str, object]:
    own = (("X-Relaunch-Delivery", message.delivery),)
    body: dict[str, object] = {
        "From": _person(mailbox(message.sender, "sender")),
        "To": [{"Email": recipient(message.to)}],
        "Subject": clean(message.subject, 300),
        "TextPart": message.text,
        "HTMLPart": message.html,
        "Headers": {name: value for name, value in (*message.headers, *own) if name.lower() not in _FORBIDDEN},
        "CustomID": message.delivery,
        "TrackOpens": "disabled",
        "TrackClicks": "disabled",
    }
    if message.reply_to:
        body["ReplyTo"] = _person(mailbox(message.reply_to, "reply-to"))
    return {"AdvanceErrorHandling": True, "Messages": [body]}


def _person(box: Mailbox) -> dict[str, str]:
    return {"Email": box.address, "Name": box.name} if box.name else {"Email": box.address}


_Words = Annotated[list[str], BeforeValidator(lambda told: [told] if isinstance(told, str) else told)]


class _Error(BaseModel):
    code: str = Field("", alias="ErrorCode")
    about: _Words = Field([], alias="ErrorRelatedTo")


class _Taken(BaseModel):
    message_id: int = Field(alias="MessageID")


class _Result(BaseModel):
    status: str = Field("", alias="Status")
    errors: list[_Error] = Field([], alias="Errors")
    to: list[_Taken] = Field([], alias="To")


class _Answered(_Error):
    messages: list[_Result] = Field([], alias="Messages")


def _result(answer: Answer) -> _Result:
    """Return what became of the only message; empty when the answer is not Mailjet's."""
    try:
        told = _Answered.model_validate(answer.fields())
    except ValidationError:
        return _Result()
    if told.messages:
        return told.messages[0]
    return _Result(Status="error", Errors=[told]) if told.code else _Result()


def _verdict(answer: Answer, text: str) -> ChannelError | None:
    errors = _result(answer).errors
    return _problem(errors, text) if errors else None


def _problem(errors: Sequence[_Error], text: str) -> ChannelError:
    """Return whose fault errors are: ours before the address', the address' before the message's."""
    codes = " ".join(filter(None, (code(error.code) for error in errors)))
    about = [name for error in errors for name in error.about]
    text = f"{text} ({codes})"
    if any(error.code in _OUR_FAULT for error in errors) or any(name.startswith(_US) for name in about):
        return Misconfigured(f"{text}: check the keys and the sender, which must be one that Mailjet has validated")
    if any(name.startswith("To") for name in about):
        return Refused(f"{text}: the address is not valid", address=True)
    return Refused(text)


class MailjetEvents:
    """Reads Mailjet's webhooks: one event a call, or those of a second in a list."""

    name = NAME

    def verify(self, knock: Knock, secrets: Sequence[str]) -> None:
        """Check the password of basic auth, which stands in the webhook's URL."""
        check_secret(knock, secrets)

    def read(self, knock: Knock) -> list[ProviderEvent]:
        """Return what events mean; see `EventReader.read`."""
        return [_event(told) for told in read_bodies(knock.body, _Told)]


EVENTS = MailjetEvents()


class _Told(BaseModel):
    """What matters of every kind of event; they have no id."""

    event: str
    time: int | None = None
    message_id: int | None = Field(None, alias="MessageID")
    email: str | None = None
    delivery: str | None = Field(None, alias="CustomID")
    hard: bool | None = Field(None, alias="hard_bounce")
    about: str | None = Field(None, alias="error_related_to")
    error: str | None = None
    comment: str | None = None
    agent: str | None = None


def _event(told: _Told) -> ProviderEvent:
    kind, permanent = _meaning(told)
    error = told.error if told.error in _ERRORS else None
    return ProviderEvent(
        kind,
        NAME,
        Channel.EMAIL,
        told.email or None,
        provider_message_id=str(told.message_id) if told.message_id else None,
        at=datetime.fromtimestamp(told.time, UTC) if told.time and 0 < told.time < 10**11 else None,
        delivery=told.delivery or None,
        reason=reason(error, mail_status(told.comment)),
        permanent=permanent,
        human=by_a_person(told.agent) if kind is ProviderEventType.OPENED else None,
    )


def _meaning(told: _Told) -> tuple[ProviderEventType, bool | None]:
    match told.event:
        case "bounce" if told.error == "greylisted" and not told.hard:
            return ProviderEventType.DEFERRED, None
        case "bounce":
            return bounced(_permanent(told), mail_status(told.comment))
        case _:
            return _EVENTS.get(told.event, ProviderEventType.UNKNOWN), None


def _permanent(told: _Told) -> bool | None:
    """Tell whether an address is dead; what is about content, spam or Mailjet itself says nothing of it."""
    if told.hard is None or told.about in {"content", "spam", "system", "mailjet"}:
        return None
    if not told.hard or told.error == "quota exceeded":
        return False
    return True if told.error in _DEAD else None


_EVENTS: Final = {
    "sent": ProviderEventType.DELIVERED,  # the destination's server has accepted it
    "blocked": ProviderEventType.REJECTED,
    "spam": ProviderEventType.COMPLAINED,
    "unsub": ProviderEventType.UNSUBSCRIBED,
    "open": ProviderEventType.OPENED,
    "click": ProviderEventType.CLICKED,
}
_DEAD = frozenset({"user unknown", "mailbox inactive", "invalid domain", "no mail host", "typofix"})
_ERRORS = _DEAD | {
    "quota exceeded", "blacklisted", "spam reporter", "relay/access denied", "greylisted", "sender blocked",
    "content blocked", "policy issue", "system issue", "protocol issue", "connection issue", "preblocked",
    "duplicate in campaign", "bad or empty template", "error in template language",
}  # fmt: skip
