"""Mailgun against the contracts of channels and of events, and what is its own."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest

from channels.accounts import Account
from channels.base import Knock, Misconfigured, Refused, Sender
from channels.mailgun import URLS, Mailgun, open_sender
from channels.mailgun_events import EVENTS
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel
from tests.contract.channel_contract import ECHO
from tests.contract.events_contract import DELIVERY, HAPPENED, NOON, RECIPIENT, EventsContract
from tests.contract.http_contract import KEY, HttpProviderContract, now
from tests.provider_double import Arrived, Asked, Fault, ProviderDouble, Reply


def said(words: str, **fields: object) -> bytes:
    return json.dumps({"message": words, **fields}).encode()


class MailgunDouble(ProviderDouble):
    """Mailgun as its documentation describes it."""

    def read(self, asked: Asked) -> Arrived:
        assert (asked.method, asked.path) == ("POST", "/v3/mg.shop.example/messages")
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        form = dict(parse_qsl(asked.body.decode(), keep_blank_values=True, strict_parsing=True))
        headers = {name.removeprefix("h:"): value for name, value in form.items() if name.startswith("h:")}
        headers["Message-ID"] = headers.pop("Message-Id")
        return Arrived(
            to=form["to"],
            sender=form["from"],
            reply_to=headers.pop("Reply-To", None),
            subject=form["subject"],
            text=form["text"],
            html=form["html"],
            headers=frozenset(headers.items()),
            delivery=form["v:relaunch-delivery"],
        )

    def welcome(self, arrived: Arrived, number: int) -> Reply:
        return Reply(200, said("Queued. Thank you.", id=dict(arrived.headers)["Message-ID"]))

    def refusal(self, fault: Fault) -> Reply:
        match fault:
            case Fault.KEY:
                return Reply(401, b"Forbidden")
            case Fault.SENDER:
                return Reply(404, said(f"Domain not found: {ECHO}"))
            case Fault.ADDRESS:
                return Reply(400, said(f"'to' parameter is not a valid address. please check documentation {ECHO}"))
            case Fault.MESSAGE:
                return Reply(400, said(ECHO))

    def knows(self, asked: Asked) -> bool:
        pair = base64.b64encode(f"api:{KEY}".encode()).decode()
        return asked.headers.get("authorization") == f"Basic {pair}"

    def look_up(self, asked: Asked) -> Reply:
        assert asked.path == "/v3/mg.shop.example/events"
        wanted = f"<{asked.query['message-id']}>"
        found = [
            {"event": asked.query["event"], "recipient": one.to, "message": {"headers": {"message-id": wanted[1:-1]}}}
            for one in self.arrived
            if dict(one.headers)["Message-ID"] == wanted
        ]
        return Reply(200, json.dumps({"items": found, "paging": {}}).encode())


class TestMailgun(HttpProviderContract):
    """Sending through Mailgun."""

    finds = True
    honours_key = False
    double = MailgunDouble

    def sender(self, url: str, *, key: str = KEY, timeout_s: float = 5.0) -> Sender:
        return Mailgun(key, "mg.shop.example", now=now, url=url, timeout_s=timeout_s)

    async def test_nothing_is_ever_tracked(self) -> None:
        async with self.facing() as (double, sender):
            await sender.send(self.letter())
            form = dict(parse_qsl(double.asked[0].body.decode()))
            assert [form[f"o:tracking{what}"] for what in ("", "-clicks", "-opens")] == ["no"] * 3

    async def test_who_forgot_the_message_id_finds_nothing_and_asks_nobody(self) -> None:
        async with self.facing() as (double, sender):
            message = self.letter()
            await sender.send(message)
            forgotten = type(message)(message.delivery, message.key, message.channel, "", "", None, "", "", "", "")
            assert await sender.find(forgotten) is None
            assert len(double.asked) == 1

    @pytest.mark.parametrize(
        ("status", "words", "kind"),
        [
            (400, "from parameter is not a valid address. please check documentation", Misconfigured),
            (400, "'h:Reply-To' parameter is not a valid address", Misconfigured),
            (400, "The domain is unverified and requires DNS configuration. Log in to", Misconfigured),
            (400, f"Domain mg.shop.example is not allowed to send: {ECHO}", Misconfigured),
            (402, ECHO, Misconfigured),
            (403, f"Domain mg.shop.example is not allowed to send: {ECHO}", Misconfigured),
            (400, "need at least one of 'text', 'html', 'amp-html' or 'template'", Refused),
            (413, ECHO, Refused),
        ],
    )
    async def test_each_answer_has_its_meaning(self, status: int, words: str, kind: type[Exception]) -> None:
        error = await self.told(Reply(status, said(words)))
        assert type(error) is kind
        assert str(status) in str(error)
        assert not isinstance(error, Refused) or not error.address

    async def test_a_domain_of_the_other_region_is_our_fault(self) -> None:
        error = await self.told(Reply(404, said("Domain not found: mg.shop.example")))
        assert isinstance(error, Misconfigured)
        assert "region" in str(error)

    @pytest.mark.parametrize("region", ["us", "eu"])
    async def test_the_region_names_the_host(self, region: str) -> None:
        account = {"mailgun_key": KEY, "mailgun_domain": "mg.shop.example", "mailgun_region": region}
        assert URLS[region] in repr(vars(open_sender(Account(account), now)))

    @pytest.mark.parametrize(("domain", "region"), [("shop example", "us"), ("a/b", "us"), ("mg.shop.example", "fr")])
    async def test_a_domain_or_region_that_is_none_is_an_error_before_the_first_message(
        self, domain: str, region: str
    ) -> None:
        with pytest.raises(Misconfigured, match="RELAUNCH_MAILGUN_DOMAIN"):
            Mailgun(KEY, domain, now=now, region=region)


TYPES = ProviderEventType
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
MESSAGE_ID = "journey-1.reminder.email@shop.example"


def event(kind: ProviderEventType, **fields: Any) -> ProviderEvent:
    told = {"provider_event_id": "G5zMz2ysS6OxZ2C8xb2Tqg", "provider_message_id": MESSAGE_ID, "at": HAPPENED}
    return ProviderEvent(kind, "mailgun", Channel.EMAIL, RECIPIENT, **{**told, "delivery": DELIVERY, **fields})


def body(kind: str, **fields: object) -> Mapping[str, object]:
    shared = {"timestamp": HAPPENED.timestamp(), "id": "G5zMz2ysS6OxZ2C8xb2Tqg", "log-level": "info", "tags": []}
    headers = {"to": ECHO, "message-id": MESSAGE_ID, "from": "bonjour@shop.example", "subject": ECHO}
    message = {"headers": headers, "attachments": [], "size": 867}
    marks = {"user-variables": {"relaunch-delivery": DELIVERY}}
    return {"event": kind, "recipient": RECIPIENT, "message": message, **shared, **marks, **fields}


def failed(severity: str, reason: str, **status: object) -> Mapping[str, object]:
    told = {"attempt-no": 1, "code": 550, "message": ECHO, "description": ECHO, **status}
    return body("failed", severity=severity, reason=reason, **{"delivery-status": told})


def client(kind: str, **info: object) -> Mapping[str, object]:
    return body(kind, ip="192.0.2.1", **{"client-info": {"client-type": "browser", "user-agent": CHROME, **info}})


def signature(secret: str, at: int = int(NOON.timestamp()), token: str = "c0ffee" * 8) -> Mapping[str, str]:
    made = hmac.new(secret.encode(), f"{at}{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": str(at), "token": token, "signature": made}


class TestMailgunEvents(EventsContract):
    """Mailgun's webhooks; what other providers put into headers stands in the body here."""

    reader = EVENTS
    signs_body = False
    batches = False
    samples = (
        (
            body("delivered", **{"delivery-status": {"code": 250, "message": "OK 2.0.0", "enhanced-code": "2.0.0"}}),
            event(TYPES.DELIVERED),
        ),
        (body("accepted", method="HTTP"), event(TYPES.ACCEPTED)),
        (
            failed("permanent", "bounce", message=f"5.1.1 {ECHO}"),
            event(TYPES.BOUNCED, permanent=True, reason="bounce 5.1.1"),
        ),
        (
            failed("permanent", "generic", **{"enhanced-code": "5.1.1", "bounce-code": "5.1.1"}),
            event(TYPES.BOUNCED, permanent=True, reason="generic 5.1.1"),
        ),
        (
            failed("permanent", "generic", **{"enhanced-code": "5.7.515"}),
            event(TYPES.REJECTED, reason="generic 5.7.515"),
        ),
        (failed("permanent", "espblock"), event(TYPES.REJECTED, reason="espblock")),
        (failed("permanent", "old"), event(TYPES.BOUNCED, permanent=False, reason="old")),
        (failed("permanent", "suppress-bounce"), event(TYPES.BOUNCED, permanent=True, reason="suppress-bounce")),
        (failed("permanent", "suppress-complaint"), event(TYPES.COMPLAINED, reason="suppress-complaint")),
        (failed("permanent", "suppress-unsubscribe"), event(TYPES.UNSUBSCRIBED, reason="suppress-unsubscribe")),
        (
            failed("temporary", "generic", message="4.7.652 The mail server has exceeded the maximum number"),
            event(TYPES.DEFERRED, reason="generic 4.7.652"),
        ),
        (failed("", ECHO), event(TYPES.BOUNCED)),
        (body("failed", reason="generic", **{"delivery-status": None}), event(TYPES.BOUNCED, reason="generic")),
        (body("rejected", reject={"reason": ECHO, "description": ""}), event(TYPES.REJECTED)),
        (body("complained"), event(TYPES.COMPLAINED)),
        (client("unsubscribed"), event(TYPES.UNSUBSCRIBED)),
        (client("opened", bot=""), event(TYPES.OPENED)),
        (client("opened", bot="apple"), event(TYPES.OPENED, human=False)),
        (
            client("opened", **{"user-agent": f"{CHROME} (via ggpht.com GoogleImageProxy)"}),
            event(TYPES.OPENED, human=False),
        ),
        (client("clicked", bot="", url="https://shop.example/c/1"), event(TYPES.CLICKED)),
        (client("clicked", bot="gmail"), event(TYPES.CLICKED, human=False)),
        (
            body("delivered", **{"user-variables": "Could not load user-variables: truncated or invalid JSON"}),
            event(TYPES.DELIVERED, delivery=None),
        ),
    )
    unknown = body("stored")

    def write(self, told: object) -> bytes:
        return json.dumps({"event-data": told}).encode()

    def signed(self, body: bytes, secret: str) -> Mapping[str, str]:
        return signature(secret)

    def knock(self, body: bytes, headers: Mapping[str, str] | None = None, **more: Any) -> Knock:
        told = super().knock(body, headers, **more)
        try:
            content = json.loads(body) | {"signature": dict(told.headers)}
        except (TypeError, ValueError, RecursionError):
            return told
        return Knock(json.dumps(content).encode() if told.headers else body, {}, told.url, told.at)

    @pytest.mark.parametrize(("seconds", "why"), [(-301, "too old"), (301, "future")])
    def test_an_old_signature_is_refused(self, seconds: int, why: str) -> None:
        signed = signature("pa55", int(NOON.timestamp()) + seconds)
        assert why in str(self.refusal(self.knock(self.sample(), signed), "pa55"))

    def test_a_signature_made_for_another_time_or_token_is_refused(self) -> None:
        for changed in ({"timestamp": str(int(NOON.timestamp()) - 1)}, {"token": "bad"}, {"signature": "0" * 64}):
            self.refusal(self.knock(self.sample(), {**signature("pa55"), **changed}), "pa55")

    def test_a_time_that_is_a_number_counts_as_well(self) -> None:
        told = json.loads(self.knock(self.sample(), signature("pa55")).body)
        told["signature"]["timestamp"] = int(told["signature"]["timestamp"])
        self.reader.verify(Knock(json.dumps(told).encode(), {}, "", NOON), ["pa55"])
