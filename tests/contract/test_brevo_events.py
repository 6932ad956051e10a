"""Brevo's webhooks against the contract of events: those of e-mail and those of text messages."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.base import Knock
from channels.brevo_events import EVENTS
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel
from tests.contract.channel_contract import ECHO
from tests.contract.events_contract import DELIVERY, NOON, RECIPIENT, SECRET, URL, EventsContract, as_json, basic

TYPES = ProviderEventType
MAIL_ID = "<202603021200.98765432101@smtp-relay.mailin.fr>"
HAPPENED = datetime(2026, 3, 2, 11, 0, 0, 123000, tzinfo=UTC)
NUMBER = "33612345678"


def mail(event: str, **fields: object) -> Mapping[str, object]:
    when = {"date": "2026-03-02 12:00:00", "ts": 1772452800, "ts_event": 1772452800, "ts_epoch": 1772449200123}
    who = {"email": RECIPIENT, "id": 26224, "message-id": MAIL_ID, "subject": ECHO, "sending_ip": "203.0.113.7"}
    return {"event": event, **who, **when, "X-Mailin-custom": DELIVERY, "tags": [DELIVERY], **fields}


def mailed(kind: ProviderEventType, **fields: Any) -> ProviderEvent:
    told = {"provider_message_id": MAIL_ID, "at": HAPPENED, "delivery": DELIVERY, **fields}
    return ProviderEvent(kind, "brevo", Channel.EMAIL, RECIPIENT, **told)


def sms(status: str, **fields: object) -> Mapping[str, object]:
    costs = {"sms_count": 1, "credits_used": 4.5, "remaining_credit": 1488.5, "date": "2026-03-02 12:00:00"}
    who = {"id": 26570, "to": NUMBER, "messageId": 1511882900176221, "reference": "ab1cde2fgh3i4jklmno"}
    return {"msg_status": status, **who, **costs, "type": "marketing", "tag": DELIVERY, **fields}


def texted(kind: ProviderEventType, **fields: Any) -> ProviderEvent:
    told = {"provider_message_id": "1511882900176221", "delivery": DELIVERY, **fields}
    return ProviderEvent(kind, "brevo", Channel.SMS, NUMBER, **told)


class OfBrevo(EventsContract):
    """What both webhooks share."""

    reader = EVENTS
    signs_body = False

    def signed(self, body: bytes, secret: str) -> Mapping[str, str]:
        return {"authorization": basic("relaunch", secret)}


class TestBrevoMailEvents(OfBrevo):
    """The webhook of transactional e-mail."""

    samples = (
        (mail("request"), mailed(TYPES.QUEUED)),
        (mail("delivered"), mailed(TYPES.DELIVERED)),
        (mail("deferred", reason=f"450 4.2.1 {ECHO}"), mailed(TYPES.DEFERRED, reason="4.2.1")),
        (mail("hard_bounce", reason=ECHO), mailed(TYPES.BOUNCED, permanent=True)),
        (
            mail("hard_bounce", reason=f"smtp; 550 5.1.1 <{RECIPIENT}> {ECHO}"),
            mailed(TYPES.BOUNCED, permanent=True, reason="5.1.1"),
        ),
        (mail("hard_bounce", reason=f"550 5.7.515 Access denied {ECHO}"), mailed(TYPES.REJECTED, reason="5.7.515")),
        (mail("soft_bounce", reason=f"Unable to find MX {ECHO}"), mailed(TYPES.BOUNCED, permanent=False)),
        (mail("soft_bounce", reason=f"452 4.2.2 {ECHO}"), mailed(TYPES.BOUNCED, permanent=False, reason="4.2.2")),
        (mail("invalid_email"), mailed(TYPES.BOUNCED, permanent=True)),
        (mail("blocked", reason="blocked : due to blacklist user"), mailed(TYPES.REJECTED)),
        (mail("error"), mailed(TYPES.FAILED)),
        (mail("spam"), mailed(TYPES.COMPLAINED)),
        (mail("complaint"), mailed(TYPES.COMPLAINED)),
        (mail("unique_opened"), mailed(TYPES.OPENED)),
        (mail("opened"), mailed(TYPES.OPENED)),
        (mail("proxy_open"), mailed(TYPES.OPENED, human=False)),
        (mail("unique_proxy_open"), mailed(TYPES.OPENED, human=False)),
        (mail("click", link="https://shop.example/c/1"), mailed(TYPES.CLICKED)),
        (mail("unsubscribe"), mailed(TYPES.UNSUBSCRIBED)),
        (mail("hardBounce"), mailed(TYPES.BOUNCED, permanent=True)),
        (mail("list_addition"), mailed(TYPES.UNKNOWN)),
    )
    unknown = mail("something_new")

    def meaning(self, **fields: object) -> ProviderEvent:
        (event,) = EVENTS.read(self.knock(as_json(mail("delivered", **fields))))
        return event

    @pytest.mark.parametrize("headers", [{"x-relaunch-secret": SECRET}, {"authorization": f"Bearer {SECRET}"}])
    def test_the_secret_may_come_as_token_or_in_a_header_of_its_own(self, headers: Mapping[str, str]) -> None:
        EVENTS.verify(Knock(self.sample(), headers, URL, NOON), [SECRET])

    @pytest.mark.parametrize(
        ("told", "at"),
        [
            (1772449200123, HAPPENED),
            (1772449200, HAPPENED.replace(microsecond=0)),
            (None, None),
            (-1, None),
            (10**30, None),
        ],
    )
    def test_a_time_is_read_in_milliseconds_and_in_the_seconds_of_the_samples(
        self, told: int | None, at: datetime | None
    ) -> None:
        assert self.meaning(ts_epoch=told).at == at

    @pytest.mark.parametrize(
        ("fields", "delivery"),
        [
            ({"X-Mailin-custom": None}, DELIVERY),
            ({"X-Mailin-custom": '{"theirs": 1}', "tags": None, "tag": f'["{DELIVERY}"]'}, DELIVERY),
            ({"X-Mailin-custom": '{"theirs": 1}', "tags": ["order confirmation"]}, None),
            ({"X-Mailin-custom": "", "tags": []}, None),
        ],
    )
    def test_our_mark_is_the_header_or_the_tag_and_nothing_else(
        self, fields: Mapping[str, object], delivery: str | None
    ) -> None:
        assert self.meaning(**fields).delivery == delivery


class TestBrevoSmsEvents(OfBrevo):
    """The webhook of text messages."""

    samples = (
        (sms("accepted"), texted(TYPES.ACCEPTED)),
        (sms("sent"), texted(TYPES.ACCEPTED)),
        (sms("delivered"), texted(TYPES.DELIVERED)),
        (sms("soft_bounce", reason=ECHO), texted(TYPES.BOUNCED, permanent=False)),
        (sms("hard_bounce", reason=ECHO), texted(TYPES.BOUNCED, permanent=True)),
        (sms("rejected"), texted(TYPES.REJECTED)),
        (sms("blacklisted"), texted(TYPES.REJECTED)),
        (sms("skip"), texted(TYPES.REJECTED)),
        (sms("unsubscribe"), texted(TYPES.UNSUBSCRIBED)),
        (sms("subscribe"), texted(TYPES.UNKNOWN)),
        (sms("reply", reply=ECHO), texted(TYPES.UNKNOWN)),
    )
    unknown = sms("something_new")
