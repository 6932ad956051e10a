"""The events of Amazon SES, which come as notifications of Amazon SNS.

A configuration set publishes events (`eventType`, with tags), an identity notifications (`notificationType`, with
headers when it includes them): both are read, from within a notification or, for a look at one, as they are. What is
set up here as the secrets are the ARNs of the topics; `channels/sns.py` says why that is enough.

One event may name several recipients: each gets its own. The subtype of a bounce tells what it is about.

Sources: docs.aws.amazon.com/ses/latest/dg: event-publishing-retrieving-sns-contents and -examples,
notification-contents.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from pydantic import AliasChoices, BaseModel, Field

from channels.base import Knock
from channels.http import code
from channels.sns import Fetch, Sns, fetch
from channels.webhooks import bounced, by_a_person, mail_status, read_bodies, reason, utc
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel

NAME: Final = "ses"
MARK: Final = "relaunch-delivery"
"""The tag with our delivery's id."""
_HEADER = "x-relaunch-delivery"


class SesEvents:
    """Reads the events of SES, for the topics that are set up."""

    name = NAME

    def __init__(self, fetching: Fetch = fetch) -> None:
        """Take what fetches certificates."""
        self._sns = Sns(fetching)

    def verify(self, knock: Knock, secrets: Sequence[str]) -> None:
        """Check that SNS sent this for one of our topics; see `Sns.check`."""
        self._sns.check(knock, secrets)

    def read(self, knock: Knock) -> list[ProviderEvent]:
        """Return what a body means; nothing for what SNS says on its own account. See `EventReader.read`."""
        wrapped = read_bodies(knock.body, _Wrapped)
        if any(one.kind is None for one in wrapped):
            return [event for told in read_bodies(knock.body, _Told) for event in _events(told, None)]
        told = [(one.id, read_bodies(one.message.encode(), _Told)) for one in wrapped if one.is_told()]
        return [event for notification, several in told for each in several for event in _events(each, notification)]


EVENTS = SesEvents()


class _Wrapped(BaseModel):
    kind: str | None = Field(None, alias="Type")
    id: str | None = Field(None, alias="MessageId")
    message: str = Field("", alias="Message")

    def is_told(self) -> bool:
        """Say whether this is what SES tells, and not what SNS says on its own account."""
        return self.kind == "Notification" and self.message.lstrip().startswith(("{", "["))


class _Header(BaseModel):
    name: str = ""
    value: str = ""


class _Tags(BaseModel):
    delivery: list[str] = Field([], alias=MARK)


class _Mail(BaseModel):
    id: str | None = Field(None, alias="messageId")
    at: datetime | None = Field(None, alias="timestamp")
    destination: list[str] = []
    tags: _Tags = _Tags()
    headers: list[_Header] = []


class _Recipient(BaseModel):
    address: str = Field(alias="emailAddress")
    status: str | None = None
    said: str | None = Field(None, alias="diagnosticCode")


class _Topic(BaseModel):
    status: str | None = Field(None, alias="subscriptionStatus")


class _Preferences(BaseModel):
    none_at_all: bool = Field(default=False, alias="unsubscribeAll")
    topics: list[_Topic] = Field([], alias="topicSubscriptionStatus")


class _Detail(BaseModel):
    """What `bounce`, `complaint`, `delivery` and the others say."""

    at: datetime | None = Field(None, alias="timestamp")
    kind: str | None = Field(None, validation_alias=AliasChoices("bounceType", "complaintFeedbackType", "delayType"))
    part: str | None = Field(None, validation_alias=AliasChoices("bounceSubType", "complaintSubType"))
    people: list[_Recipient] = Field(
        [], validation_alias=AliasChoices("bouncedRecipients", "complainedRecipients", "delayedRecipients")
    )
    recipients: list[str] = []
    agent: str | None = Field(None, alias="userAgent")
    wishes: _Preferences = Field(_Preferences(), alias="newTopicPreferences")


class _Told(BaseModel):
    kind: str = Field(validation_alias=AliasChoices("eventType", "notificationType"))
    mail: _Mail = _Mail()
    detail: _Detail = Field(
        _Detail(),
        validation_alias=AliasChoices(
            "bounce",
            "complaint",
            "delivery",
            "send",
            "reject",
            "open",
            "click",
            "failure",
            "deliveryDelay",
            "subscription",
        ),
    )


def _events(told: _Told, notification: str | None) -> Iterator[ProviderEvent]:
    """Give one event for each recipient; only the first bears the notification's id as it is."""
    mail, detail = told.mail, told.detail
    people = detail.people or [_Recipient(emailAddress=one) for one in detail.recipients or mail.destination]
    marked = [*mail.tags.delivery, *(one.value for one in mail.headers if one.name.lower() == _HEADER)]
    for number, person in enumerate(people or [None]):
        kind, permanent, why = _meaning(told, person)
        engaged = kind in {ProviderEventType.OPENED, ProviderEventType.CLICKED}
        yield ProviderEvent(
            kind,
            NAME,
            Channel.EMAIL,
            person.address if person else None,
            provider_event_id=f"{notification}/{number}" if notification and number else notification,
            provider_message_id=mail.id,
            at=utc(detail.at or mail.at),
            delivery=marked[0] if marked else None,
            reason=why,
            permanent=permanent,
            human=by_a_person(detail.agent) if engaged else None,
        )


def _meaning(told: _Told, person: _Recipient | None) -> tuple[ProviderEventType, bool | None, str | None]:
    """Return the type, whether a bounce is for good, and the reason's codes."""
    detail = told.detail
    status = (mail_status(person.status) or mail_status(person.said)) if person else None
    why = reason(code(detail.kind), code(detail.part), status)
    match told.kind:
        case "Bounce":
            meant = _SUBTYPES.get(detail.part or "")
            return *(meant or bounced({"Permanent": True, "Transient": False}.get(detail.kind or ""), status)), why
        case "Complaint":
            by_person = detail.kind not in {"auth-failure", "not-spam"}
            return ProviderEventType.COMPLAINED if by_person else ProviderEventType.UNKNOWN, None, why
        case "Subscription":
            out = detail.wishes.none_at_all or any(topic.status == "OptOut" for topic in detail.wishes.topics)
            return ProviderEventType.UNSUBSCRIBED if out else ProviderEventType.SUBSCRIBED, None, None
        case _:
            return _EVENTS.get(told.kind, ProviderEventType.UNKNOWN), None, why


_EVENTS: Final = {
    "Send": ProviderEventType.ACCEPTED,
    "Delivery": ProviderEventType.DELIVERED,
    "DeliveryDelay": ProviderEventType.DEFERRED,
    "Reject": ProviderEventType.REJECTED,
    "Rendering Failure": ProviderEventType.FAILED,
    "Open": ProviderEventType.OPENED,
    "Click": ProviderEventType.CLICKED,
}
_SUBTYPES: Final[dict[str, tuple[ProviderEventType, bool | None]]] = {
    **dict.fromkeys(("ContentRejected", "AttachmentRejected", "MessageTooLarge"), (ProviderEventType.REJECTED, None)),
    "UnsubscribedRecipient": (ProviderEventType.UNSUBSCRIBED, None),
}
