"""Mailjet against the contracts of channels and of events, and what is its own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.base import Misconfigured, Refused, Sender, Unproven
from channels.mailjet import EVENTS, Mailjet
from models.message import Message
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel
from tests.contract.channel_contract import ECHO
from tests.contract.events_contract import DELIVERY, RECIPIENT, EventsContract, basic
from tests.contract.http_contract import KEY, HttpProviderContract, now
from tests.provider_double import Arrived, Asked, Fault, ProviderDouble, Reply


def said(code: str, *about: str, status: int = 400, http: int | None = None) -> Reply:
    error = {"ErrorIdentifier": "88b5ca9f", "ErrorCode": code, "StatusCode": status, "ErrorMessage": ECHO}
    result = {"Status": "error", "Errors": [{**error, "ErrorRelatedTo": list(about)}]}
    return Reply(http or status, json.dumps({"Messages": [result]}).encode())


def shown(box: dict[str, str] | None) -> str | None:
    if not box:
        return None
    return f'"{box["Name"]}" <{box["Email"]}>' if "Name" in box else box["Email"]


class MailjetDouble(ProviderDouble):
    """Mailjet as its documentation describes it."""

    def __init__(self) -> None:
        super().__init__()
        self.data: Sequence[object] | None = None  # what a look-up finds instead

    def read(self, asked: Asked) -> Arrived:
        assert (asked.method, asked.path) == ("POST", "/v3.1/send")
        body = json.loads(asked.body)
        assert body["AdvanceErrorHandling"] is True
        (one,) = body["Messages"]
        (to,) = one["To"]
        return Arrived(
            to=to["Email"],
            sender=shown(one["From"]) or "",
            reply_to=shown(one.get("ReplyTo")),
            subject=one["Subject"],
            text=one["TextPart"],
            html=one["HTMLPart"],
            headers=frozenset(one["Headers"].items()),
            delivery=one["CustomID"],
        )

    def welcome(self, arrived: Arrived, number: int) -> Reply:
        to = {"Email": arrived.to, "MessageUUID": f"cb927469-{number}", "MessageID": _id(number)}
        result = {"Status": "success", "CustomID": arrived.delivery, "To": [to], "Cc": [], "Bcc": []}
        return Reply(200, json.dumps({"Messages": [result]}).encode())

    def refusal(self, fault: Fault) -> Reply:
        match fault:
            case Fault.KEY:
                return Reply(
                    401, json.dumps({"ErrorCode": "mj-0015", "StatusCode": 401, "ErrorMessage": ECHO}).encode()
                )
            case Fault.SENDER:
                return said("send-0008", "From", status=403)
            case Fault.ADDRESS:
                return said("mj-0013", "To[0].Email")
            case Fault.MESSAGE:
                return said("send-0003", "HTMLPart", "TextPart")

    def knows(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == basic("public-key", KEY)

    def look_up(self, asked: Asked) -> Reply:
        assert asked.path == "/v3/REST/message"
        wanted = asked.query["CustomID"]
        data = [{"ID": _id(number)} for number, one in enumerate(self.arrived, 1) if one.delivery == wanted]
        found = data if self.data is None else self.data
        return Reply(200, json.dumps({"Count": len(found), "Data": found, "Total": len(found)}).encode())


def _id(number: int) -> int:
    return 1152921510000000000 + number  # more than a float can tell apart


class TestMailjet(HttpProviderContract):
    """Sending through Mailjet, which writes Message-ID and List-Id itself."""

    finds = True
    honours_key = False
    double = MailjetDouble

    def sender(self, url: str, *, key: str = KEY, timeout_s: float = 5.0) -> Sender:
        return Mailjet("public-key", key, now=now, url=url, timeout_s=timeout_s)

    def letter(self, number: int = 1, *, subject: str = "Sandales rouges") -> Message:
        return replace(super().letter(number, subject=subject), message_id="")

    def arrival(self, message: Message) -> object:
        arrived = super().arrival(message)
        assert isinstance(arrived, Arrived)
        kept = frozenset(header for header in arrived.headers if header[0] not in {"Message-ID", "List-Id"})
        return replace(arrived, headers=kept)

    async def test_no_header_is_set_that_mailjet_forbids(self) -> None:
        async with self.facing() as (double, sender):
            await sender.send(replace(self.letter(), message_id="<journey-1.reminder.email@shop.example>"))
            names = {name for name, _ in double.arrived[0].headers}
            assert names == {"List-Unsubscribe", "List-Unsubscribe-Post", "X-Relaunch-Delivery"}

    async def test_nothing_is_ever_tracked(self) -> None:
        async with self.facing() as (double, sender):
            await sender.send(self.letter())
            (one,) = json.loads(double.asked[0].body)["Messages"]
            assert (one["TrackOpens"], one["TrackClicks"]) == ("disabled", "disabled")

    @pytest.mark.parametrize("secret", ["", "clé"])
    async def test_the_public_key_must_be_one_too(self, secret: str) -> None:
        with pytest.raises(Misconfigured):
            Mailjet(secret, KEY, now=now)

    @pytest.mark.parametrize("http", [200, 400])
    @pytest.mark.parametrize(
        ("code", "about", "kind", "address"),
        [
            ("send-0006", ["SenderID"], Misconfigured, False),
            ("send-0007", ["SenderID"], Misconfigured, False),
            ("send-0008", ["From"], Misconfigured, False),
            ("mj-0001", [], Misconfigured, False),
            ("mj-0013", ["From.Email"], Misconfigured, False),
            ("mj-0013", ["ReplyTo.Email"], Misconfigured, False),
            ("mj-0013", ["To[0].Email"], Refused, True),
            ("mj-0012", ["To[0].Email"], Refused, True),
            ("mj-0013", [], Refused, False),
            ("send-0011", ["Headers"], Refused, False),
            ("mj-0006", ["Subject"], Refused, False),
        ],
    )
    async def test_each_error_has_its_meaning_whatever_the_status(
        self,
        http: int,
        code: str,
        about: list[str],
        kind: type[Exception],
        address: bool,
    ) -> None:
        error = await self.told(said(code, *about, http=http))
        assert type(error) is kind
        assert getattr(error, "address", False) is address
        assert f"({code})" in str(error)

    async def test_an_error_of_the_whole_call_and_one_that_names_one_field_are_read(self) -> None:
        told = {"ErrorCode": "mj-0013", "ErrorMessage": ECHO, "ErrorRelatedTo": "To[0].Email"}
        error = await self.told(Reply(400, json.dumps(told).encode()))
        assert isinstance(error, Refused)
        assert error.address

    @pytest.mark.parametrize(
        "result",
        [
            {"Status": "error"},
            {"Status": "error", "Errors": []},
            {"Status": "success", "To": []},
            {"Status": "success", "To": [{"MessageUUID": "cb927469"}]},
            {"Status": "pending", "To": [{"MessageID": 7}]},
            {"To": [{"MessageID": 7}]},
            ECHO,
        ],
    )
    async def test_a_result_that_is_neither_success_nor_error_proves_nothing(self, result: object) -> None:
        assert isinstance(await self.told(Reply(200, json.dumps({"Messages": [result]}).encode())), Unproven)

    @pytest.mark.parametrize("data", [[{"ID": 1}, {"ID": 2}], [{}], [7]])
    async def test_a_look_up_that_finds_no_single_message_finds_nothing(self, data: Sequence[object]) -> None:
        async with self.facing() as (double, sender):
            assert isinstance(double, MailjetDouble)
            double.data = data
            assert await sender.find(self.letter()) is None


TYPES = ProviderEventType
HAPPENED = datetime(2026, 3, 2, 11, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0"


def event(kind: ProviderEventType, **fields: Any) -> ProviderEvent:
    told = {"provider_message_id": str(_id(1)), "at": HAPPENED, "delivery": DELIVERY, **fields}
    return ProviderEvent(kind, "mailjet", Channel.EMAIL, RECIPIENT, **told)


def body(name: str, **fields: object) -> Mapping[str, object]:
    ids = {"MessageID": _id(1), "Message_GUID": "cb927469-1", "mj_campaign_id": 7257, "mj_contact_id": 4}
    return {"event": name, "time": 1772449200, "email": RECIPIENT, **ids, "CustomID": DELIVERY, "Payload": "", **fields}


def bounce(about: str, error: str, comment: str = ECHO, *, hard: bool) -> Mapping[str, object]:
    return body("bounce", blocked=False, hard_bounce=hard, error_related_to=about, error=error, comment=comment)


class TestMailjetEvents(EventsContract):
    """Mailjet's webhooks."""

    reader = EVENTS
    signs_body = False
    samples = (
        (body("sent", smtp_reply=f"sent (250 2.0.0 OK {ECHO})"), event(TYPES.DELIVERED)),
        (
            bounce("recipient", "user unknown", hard=True),
            event(TYPES.BOUNCED, permanent=True, reason="user unknown"),
        ),
        (
            bounce("recipient", "user unknown", f"550 5.1.1 {ECHO}", hard=True),
            event(TYPES.BOUNCED, permanent=True, reason="user unknown 5.1.1"),
        ),
        (
            bounce("domain", "invalid domain", hard=True),
            event(TYPES.BOUNCED, permanent=True, reason="invalid domain"),
        ),
        (
            bounce("recipient", "quota exceeded", hard=True),
            event(TYPES.BOUNCED, permanent=False, reason="quota exceeded"),
        ),
        (
            bounce("recipient", "mailbox inactive", hard=False),
            event(TYPES.BOUNCED, permanent=False, reason="mailbox inactive"),
        ),
        (
            bounce("domain", "relay/access denied", hard=True),
            event(TYPES.BOUNCED, reason="relay/access denied"),
        ),
        (bounce("recipient", ECHO, hard=True), event(TYPES.BOUNCED)),
        (bounce("spam", "content blocked", hard=True), event(TYPES.BOUNCED, reason="content blocked")),
        (bounce("system", "connection issue", hard=False), event(TYPES.BOUNCED, reason="connection issue")),
        (
            bounce("domain", "policy issue", f"550 5.7.515 {ECHO}", hard=True),
            event(TYPES.REJECTED, reason="policy issue 5.7.515"),
        ),
        (bounce("domain", "greylisted", hard=False), event(TYPES.DEFERRED, reason="greylisted")),
        (
            body("blocked", error_related_to="mailjet", error="preblocked"),
            event(TYPES.REJECTED, reason="preblocked"),
        ),
        (body("spam", source="JMRPP"), event(TYPES.COMPLAINED)),
        (body("unsub", mj_list_id=1, ip="127.0.0.1", geo="FR", agent=FIREFOX), event(TYPES.UNSUBSCRIBED)),
        (body("open", ip="127.0.0.1", geo="FR", agent=FIREFOX), event(TYPES.OPENED)),
        (body("open", agent=f"{FIREFOX} (via ggpht.com GoogleImageProxy)"), event(TYPES.OPENED, human=False)),
        (body("click", url="https://shop.example/c/1", agent=FIREFOX), event(TYPES.CLICKED)),
        (
            body("sent", CustomID="", MessageID=0, time=0),
            event(TYPES.DELIVERED, delivery=None, provider_message_id=None, at=None),
        ),
    )
    unknown = body("something_new")

    def signed(self, body: bytes, secret: str) -> Mapping[str, str]:
        return {"authorization": basic("relaunch", secret)}
