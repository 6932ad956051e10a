"""The events of Amazon SES against the contract of events; who may send them is in `test_sns.py`."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from channels.base import Knock
from channels.ses_events import EVENTS
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel
from tests.contract.channel_contract import ECHO
from tests.contract.events_contract import DELIVERY, HAPPENED, RECIPIENT, SECRET, EventsContract
from tests.sns_topic import ID, Topics, notification, signed_fields

TYPES = ProviderEventType
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
WHEN = "2026-03-02T11:00:00.123456Z"
MESSAGE = "0102018f-000001-000000"
SUCCEEDED = {"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have successfully subscribed"}
HEADER = {"name": "X-Relaunch-Delivery", "value": DELIVERY}


def event(kind: ProviderEventType, **fields: Any) -> ProviderEvent:
    told = {"provider_event_id": ID, "provider_message_id": MESSAGE, "at": HAPPENED, "delivery": DELIVERY}
    return ProviderEvent(kind, "ses", Channel.EMAIL, **{"recipient": RECIPIENT, **told, **fields})


def body(kind: str, detail: str = "", **fields: object) -> Mapping[str, object]:
    tags = {"ses:configuration-set": ["relaunch"], "ses:source-ip": ["192.0.2.0"], "relaunch-delivery": [DELIVERY]}
    common = {"from": ["bonjour@shop.example"], "subject": ECHO, "messageId": "<a.b.email@shop.example>"}
    mail = {"timestamp": WHEN, "messageId": MESSAGE, "destination": [RECIPIENT], "tags": tags, "commonHeaders": common}
    when = {} if kind in {"Send", "Reject", "Rendering Failure"} else {"timestamp": WHEN}
    return {"eventType": kind, "mail": mail, detail or kind.lower(): {**when, **fields}}


def bounce(kind: str, part: str, status: str = "", said: str = ECHO) -> Mapping[str, object]:
    person = {"emailAddress": RECIPIENT, "action": "failed", "status": status, "diagnosticCode": said}
    return body("Bounce", bounceType=kind, bounceSubType=part, bouncedRecipients=[person], feedbackId="0102-x")


def complaint(kind: str | None = None, **fields: Any) -> Mapping[str, object]:
    told: dict[str, Any] = {"complaintFeedbackType": kind} if kind else {}
    return body("Complaint", complainedRecipients=[{"emailAddress": RECIPIENT}], userAgent=ECHO, **told, **fields)


def preferences(*, all_off: bool, topic: str = "OptIn") -> Mapping[str, object]:
    wishes = {"unsubscribeAll": all_off, "topicSubscriptionStatus": [{"topicName": "t", "subscriptionStatus": topic}]}
    return body("Subscription", contactList="list", source=ECHO, newTopicPreferences=wishes)


def by_identity(told: Mapping[str, Any]) -> Mapping[str, object]:
    """Return an event as an identity's notification tells it: under another name, with headers and no tags."""
    mail = {name: value for name, value in told["mail"].items() if name != "tags"}
    rest = {name: value for name, value in told.items() if name not in {"eventType", "mail"}}
    return {"notificationType": told["eventType"], "mail": {**mail, "headers": [HEADER]}, **rest}


def bounced(reason: str, *, permanent: bool | None) -> ProviderEvent:
    return event(TYPES.BOUNCED, reason=reason, permanent=permanent)


class TestSesEvents(EventsContract):
    """What SES tells through SNS; what other providers put into headers stands in the body here."""

    reader = Topics()
    signs_body = False  # only the fields of the notification are, each of them
    batches = False
    samples = (
        (body("Delivery", recipients=[RECIPIENT], smtpResponse=f"250 2.0.0 {ECHO}"), event(TYPES.DELIVERED)),
        (body("Send"), event(TYPES.ACCEPTED)),
        (body("Reject", reason=ECHO), event(TYPES.REJECTED)),
        (body("Rendering Failure", "failure", errorMessage=ECHO, templateName="x"), event(TYPES.FAILED)),
        (
            body(
                "DeliveryDelay",
                "deliveryDelay",
                delayType="MailboxFull",
                delayedRecipients=[{"emailAddress": RECIPIENT}],
            ),
            event(TYPES.DEFERRED, reason="MailboxFull"),
        ),
        (
            bounce("Permanent", "General", "5.1.1", f"smtp; 550 5.1.1 {ECHO}"),
            bounced("Permanent General 5.1.1", permanent=True),
        ),
        (bounce("Permanent", "NoEmail"), bounced("Permanent NoEmail", permanent=True)),
        (bounce("Permanent", "Suppressed"), bounced("Permanent Suppressed", permanent=True)),
        (
            bounce("Permanent", "OnAccountSuppressionList"),
            bounced("Permanent OnAccountSuppressionList", permanent=True),
        ),
        (
            bounce("Permanent", "General", "", f"smtp; 550 5.7.515 Access denied {ECHO}"),
            event(TYPES.REJECTED, reason="Permanent General 5.7.515"),
        ),
        (
            bounce("Permanent", "UnsubscribedRecipient"),
            event(TYPES.UNSUBSCRIBED, reason="Permanent UnsubscribedRecipient"),
        ),
        (bounce("Transient", "General"), bounced("Transient General", permanent=False)),
        (bounce("Transient", "MailboxFull", "4.2.2"), bounced("Transient MailboxFull 4.2.2", permanent=False)),
        (bounce("Transient", "ContentRejected"), event(TYPES.REJECTED, reason="Transient ContentRejected")),
        (bounce("Undetermined", "Undetermined"), bounced("Undetermined Undetermined", permanent=None)),
        (complaint(), event(TYPES.COMPLAINED)),
        (complaint("abuse"), event(TYPES.COMPLAINED, reason="abuse")),
        (complaint(ECHO, complaintSubType=ECHO), event(TYPES.COMPLAINED)),
        (
            complaint(complaintSubType="OnAccountSuppressionList"),
            event(TYPES.COMPLAINED, reason="OnAccountSuppressionList"),
        ),
        (complaint("not-spam"), event(TYPES.UNKNOWN, reason="not-spam")),
        (complaint("auth-failure"), event(TYPES.UNKNOWN, reason="auth-failure")),
        (body("Open", ipAddress="192.0.2.1", userAgent=CHROME), event(TYPES.OPENED)),
        (body("Open", userAgent=f"{CHROME} (via ggpht.com GoogleImageProxy)"), event(TYPES.OPENED, human=False)),
        (body("Click", link="https://shop.example/c/1", userAgent=CHROME), event(TYPES.CLICKED)),
        (preferences(all_off=True), event(TYPES.UNSUBSCRIBED)),
        (preferences(all_off=False, topic="OptOut"), event(TYPES.UNSUBSCRIBED)),
        (preferences(all_off=False), event(TYPES.SUBSCRIBED)),
        (by_identity(bounce("Permanent", "General")), bounced("Permanent General", permanent=True)),
        (by_identity(body("Delivery", recipients=[RECIPIENT])), event(TYPES.DELIVERED)),
    )
    unknown = SUCCEEDED

    def write(self, told: object) -> bytes:
        return json.dumps(notification(json.dumps(told) + "\n")).encode()

    def signed(self, body: bytes, secret: str) -> Mapping[str, str]:
        return signed_fields(body, secret)

    def knock(self, body: bytes, headers: Mapping[str, str] | None = None, **more: Any) -> Knock:
        told = super().knock(body, headers, **more)
        if not told.headers:
            return told
        return Knock(json.dumps({**json.loads(body), **told.headers}).encode(), {}, told.url, told.at)

    def test_an_event_of_several_recipients_is_one_for_each(self) -> None:
        people = [
            {"emailAddress": one, "status": status} for one, status in (("a@b.example", "5.1.1"), (RECIPIENT, ""))
        ]
        told = body("Bounce", bounceType="Permanent", bounceSubType="General", bouncedRecipients=people)
        first, second = EVENTS.read(self.knock(self.write(told), {}))
        assert (first.recipient, first.provider_event_id, first.reason) == (
            "a@b.example",
            ID,
            "Permanent General 5.1.1",
        )
        assert (second.recipient, second.provider_event_id, second.reason) == (
            RECIPIENT,
            f"{ID}/1",
            "Permanent General",
        )

    def test_an_event_that_is_not_wrapped_is_read_for_a_look_at_it(self) -> None:
        told = json.dumps(bounce("Permanent", "General")).encode()
        (read,) = EVENTS.read(self.knock(told, {}))
        assert (read.type, read.permanent, read.provider_event_id) == (TYPES.BOUNCED, True, None)

    @pytest.mark.parametrize(
        "told",
        [
            notification("Successfully validated SNS topic for Amazon SES event publishing."),
            notification("You have chosen to subscribe …", Type="SubscriptionConfirmation", Token="t"),
            notification("You have chosen to deactivate …", Type="UnsubscribeConfirmation", Token="t"),
        ],
    )
    def test_what_sns_says_on_its_own_account_is_no_event(self, told: Mapping[str, str]) -> None:
        assert EVENTS.read(self.knock(json.dumps(told).encode(), {})) == []

    def test_an_event_without_a_mail_of_ours_names_nothing(self) -> None:
        told = {"eventType": "Delivery", "delivery": {"timestamp": WHEN}}
        (read,) = EVENTS.read(self.knock(self.write(told), {}))
        assert (read.recipient, read.delivery, read.provider_message_id) == (None, None, None)

    def test_the_topic_is_the_secret(self) -> None:
        self.reader.verify(self.knock(self.sample()), [SECRET])
