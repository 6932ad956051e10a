"""Postmark against the contracts of channels and of events, and what is its own."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from channels.base import Misconfigured, Refused, Sender, TemporarilyUnavailable
from channels.postmark import EVENTS, Postmark
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel
from tests.contract.channel_contract import ECHO
from tests.contract.events_contract import DELIVERY, HAPPENED, RECIPIENT, EventsContract, basic
from tests.contract.http_contract import KEY, HttpProviderContract, now
from tests.provider_double import Arrived, Asked, Fault, ProviderDouble, Reply


def said(number: int, message: str = ECHO, **fields: object) -> bytes:
    return json.dumps({"ErrorCode": number, "Message": message, **fields}).encode()


class PostmarkDouble(ProviderDouble):
    """Postmark as its documentation describes it."""

    def read(self, asked: Asked) -> Arrived:
        assert (asked.method, asked.path) == ("POST", "/email")
        body = json.loads(asked.body)
        assert body["MessageStream"] == "broadcast"
        headers = {one["Name"]: one["Value"] for one in body["Headers"]}
        assert headers.pop("X-PM-KeepID") == "true"
        return Arrived(
            to=body["To"],
            sender=body["From"],
            reply_to=body.get("ReplyTo"),
            subject=body["Subject"],
            text=body["TextBody"],
            html=body["HtmlBody"],
            headers=frozenset(headers.items()),
            delivery=body["Metadata"]["relaunch-delivery"],
        )

    def welcome(self, arrived: Arrived, number: int) -> Reply:
        return Reply(200, said(0, "OK", To=arrived.to, SubmittedAt="2026-03-02T12:00:00Z", MessageID=_id(number)))

    def refusal(self, fault: Fault) -> Reply:
        match fault:
            case Fault.KEY:
                return Reply(401, said(10))
            case Fault.SENDER:
                return Reply(422, said(400))
            case Fault.ADDRESS:
                return Reply(422, said(406))
            case Fault.MESSAGE:
                return Reply(422, said(300))

    def knows(self, asked: Asked) -> bool:
        return asked.headers.get("x-postmark-server-token") == KEY

    def look_up(self, asked: Asked) -> Reply:
        assert asked.path == "/messages/outbound"
        assert asked.query["messagestream"] == "broadcast"
        wanted = asked.query["metadata_relaunch-delivery"]
        found = [
            {"MessageID": _id(number), "To": [{"Email": one.to, "Name": None}]}
            for number, one in enumerate(self.arrived, 1)
            if one.delivery == wanted
        ]
        return Reply(200, json.dumps({"TotalCount": len(found), "Messages": found}).encode())


def _id(number: int) -> str:
    return f"b7bc2f4a-e38e-4336-af7d-{number:012}"


class TestPostmark(HttpProviderContract):
    """Sending through Postmark."""

    finds = True
    honours_key = False
    double = PostmarkDouble

    def sender(self, url: str, *, key: str = KEY, timeout_s: float = 5.0) -> Sender:
        return Postmark(key, now=now, url=url, timeout_s=timeout_s)

    async def test_nothing_is_ever_tracked(self) -> None:
        async with self.facing() as (double, sender):
            await sender.send(self.letter())
            body = json.loads(double.asked[0].body)
            assert (body["TrackOpens"], body["TrackLinks"]) == (False, "None")

    @pytest.mark.parametrize(
        ("number", "message", "kind"),
        [
            (100, "Maintenance", TemporarilyUnavailable),
            (429, "Rate limit", TemporarilyUnavailable),
            (401, "Sender signature not confirmed", Misconfigured),
            (405, "Not allowed to send", Misconfigured),
            (412, "Account is pending", Misconfigured),
            (413, "Account may not send", Misconfigured),
            (1235, "No such stream", Misconfigured),
            (300, f"Invalid 'From' address: '{ECHO}'.", Misconfigured),
            (300, f"Error parsing 'Reply-To': Illegal email domain in address '{ECHO}'.", Misconfigured),
            (300, "Invalid metadata content", Refused),
            (402, "Invalid JSON", Refused),
        ],
    )
    async def test_each_error_code_has_its_meaning(self, number: int, message: str, kind: type[Exception]) -> None:
        error = await self.told(Reply(422, said(number, message)))
        assert type(error) is kind
        assert f"({number})" in str(error)
        assert not isinstance(error, Refused) or not error.address

    @pytest.mark.parametrize("message", ["Invalid 'To' address: 'x'.", "Error parsing 'To': Illegal email domain 'x'."])
    async def test_an_address_that_cannot_be_one_is_refused_for_good(self, message: str) -> None:
        error = await self.told(Reply(422, said(300, message)))
        assert isinstance(error, Refused)
        assert error.address


def event(kind: ProviderEventType, **fields: Any) -> ProviderEvent:
    told = {"provider_message_id": _id(1), "at": HAPPENED, "delivery": DELIVERY, **fields}
    return ProviderEvent(kind, "postmark", Channel.EMAIL, RECIPIENT, **told)


def body(record: str, **fields: object) -> Mapping[str, object]:
    shared = {"MessageID": _id(1), "ServerID": 23, "MessageStream": "broadcast", "Tag": ""}
    return {"RecordType": record, **shared, "Metadata": {"relaunch-delivery": DELIVERY}, **fields}


def bounce(kind: str) -> Mapping[str, object]:
    prose = {"Description": ECHO, "Details": f"smtp;550 5.1.1 {ECHO}", "Subject": ECHO, "Name": kind}
    when = {"Email": RECIPIENT, "From": "bonjour@shop.example", "BouncedAt": "2026-03-02T06:00:00.1234567-05:00"}
    return body("Bounce", ID=901542550, Type=kind, TypeCode=1, Inactive=True, CanActivate=True, **prose, **when)


def opened(agent: str) -> Mapping[str, object]:
    client = {"Name": "Gmail", "Company": "Google", "Family": "Gmail"}
    when = {"Recipient": RECIPIENT, "ReceivedAt": "2026-03-02T11:00:00.1234567Z"}
    return body("Open", FirstOpen=True, Client=client, UserAgent=agent, Geo={"City": "Lyon"}, **when)


def change(*, suppressed: bool, reason: str | None, origin: str = "Recipient") -> Mapping[str, object]:
    who = {"Recipient": RECIPIENT, "Origin": origin, "ChangedAt": "2026-03-02T11:00:00.1234567Z"}
    return body("SubscriptionChange", SuppressSending=suppressed, SuppressionReason=reason, **who)


def bounced(kind: ProviderEventType, reason: str, permanent: bool | None = None) -> ProviderEvent:
    return event(kind, provider_event_id="901542550", reason=reason, permanent=permanent)


TYPES = ProviderEventType
CHROME = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_7_5) AppleWebKit/537.36"


class TestPostmarkEvents(EventsContract):
    """Postmark's webhooks."""

    reader = EVENTS
    signs_body = False
    samples = (
        (
            body("Delivery", Recipient=RECIPIENT, DeliveredAt="2026-03-02T11:00:00.1234567Z", Details=ECHO),
            event(TYPES.DELIVERED),
        ),
        (bounce("HardBounce"), bounced(TYPES.BOUNCED, "HardBounce", True)),
        (bounce("BadEmailAddress"), bounced(TYPES.BOUNCED, "BadEmailAddress", True)),
        (bounce("SoftBounce"), bounced(TYPES.BOUNCED, "SoftBounce", False)),
        (bounce("Unknown"), bounced(TYPES.BOUNCED, "Unknown")),
        (bounce("Transient"), bounced(TYPES.DEFERRED, "Transient")),
        (bounce("DnsError"), bounced(TYPES.DEFERRED, "DnsError")),
        (bounce("SpamNotification"), bounced(TYPES.REJECTED, "SpamNotification")),
        (bounce("Blocked"), bounced(TYPES.REJECTED, "Blocked")),
        (bounce("DMARCPolicy"), bounced(TYPES.REJECTED, "DMARCPolicy")),
        (bounce("Unsubscribe"), bounced(TYPES.UNSUBSCRIBED, "Unsubscribe")),
        (bounce("ManuallyDeactivated"), bounced(TYPES.UNSUBSCRIBED, "ManuallyDeactivated")),
        (bounce("AutoResponder"), bounced(TYPES.UNKNOWN, "AutoResponder")),
        (bounce("SMTPApiError"), bounced(TYPES.FAILED, "SMTPApiError")),
        (
            {**bounce("SpamComplaint"), "RecordType": "SpamComplaint"},
            event(TYPES.COMPLAINED, provider_event_id="901542550"),
        ),
        (opened(CHROME), event(TYPES.OPENED)),
        (opened(f"{CHROME} (via ggpht.com GoogleImageProxy)"), event(TYPES.OPENED, human=False)),
        (opened("Mozilla/5.0"), event(TYPES.OPENED, human=False)),
        (
            {**opened(CHROME), "RecordType": "Click", "OriginalLink": "https://shop.example/c/1"},
            event(TYPES.CLICKED),
        ),
        (
            change(suppressed=True, reason="ManualSuppression"),
            event(TYPES.UNSUBSCRIBED, reason="ManualSuppression"),
        ),
        (change(suppressed=True, reason="HardBounce"), event(TYPES.BOUNCED, reason="HardBounce", permanent=True)),
        (change(suppressed=True, reason="SpamComplaint"), event(TYPES.COMPLAINED, reason="SpamComplaint")),
        (change(suppressed=False, reason=None), event(TYPES.SUBSCRIBED)),
        (change(suppressed=False, reason=None, origin="Admin"), event(TYPES.UNKNOWN)),
    )
    unknown = body("SomethingNew", Recipient=RECIPIENT)

    def signed(self, body: bytes, secret: str) -> Mapping[str, str]:
        return {"authorization": basic("relaunch", secret)}
