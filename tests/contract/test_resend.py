"""Resend against the contracts of channels and of events, and what is its own."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.base import Knock, Misconfigured, Receipt, Refused, Sender, TemporarilyUnavailable, Unproven
from channels.resend import EVENTS, Resend
from models.message import Message
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel
from tests.contract.channel_contract import ECHO
from tests.contract.events_contract import DELIVERY, HAPPENED, NOON, OLD_SECRET, RECIPIENT, SECRET, EventsContract
from tests.contract.http_contract import KEY, HttpProviderContract, now
from tests.provider_double import Arrived, Asked, Fault, ProviderDouble, Reply


def said(status: int, name: str, message: str = ECHO) -> bytes:
    return json.dumps({"statusCode": status, "name": name, "message": message}).encode()


class ResendDouble(ProviderDouble):
    """Resend as its documentation describes it."""

    honours_key = True

    def read(self, asked: Asked) -> Arrived:
        assert (asked.method, asked.path) == ("POST", "/emails")
        body = json.loads(asked.body)
        ((mark,), (to,)) = body["tags"], body["to"]
        assert mark["name"] == "relaunch-delivery"
        return Arrived(
            to=to,
            sender=body["from"],
            reply_to=body.get("reply_to"),
            subject=body["subject"],
            text=body["text"],
            html=body["html"],
            headers=frozenset(body["headers"].items()),
            delivery=mark["value"],
            key=asked.headers["idempotency-key"],
        )

    def welcome(self, arrived: Arrived, number: int) -> Reply:
        return Reply(200, json.dumps({"id": _id(number)}).encode())

    def refusal(self, fault: Fault) -> Reply:
        match fault:
            case Fault.KEY:
                return Reply(403, said(403, "invalid_api_key"))
            case Fault.SENDER:
                return Reply(403, said(403, "validation_error", f"The {ECHO} domain is not verified."))
            case Fault.ADDRESS:
                return Reply(422, said(422, "validation_error", f"Invalid `to` field. {ECHO}"))
            case Fault.MESSAGE:
                return Reply(422, said(422, "missing_required_field"))

    def knows(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"Bearer {KEY}"


def _id(number: int) -> str:
    return f"49a3999c-0ce1-4ea6-ab68-{number:012}"


class TestResend(HttpProviderContract):
    """Sending through Resend."""

    finds = False
    honours_key = True
    double = ResendDouble

    def sender(self, url: str, *, key: str = KEY, timeout_s: float = 5.0) -> Sender:
        return Resend(key, now=now, url=url, timeout_s=timeout_s)

    def key_of(self, message: Message) -> str | None:
        return message.key

    async def test_a_key_is_used_for_less_than_the_day_that_resend_keeps_it(self) -> None:
        async with self.facing() as (_, sender):
            assert sender.honours_key is not None
            assert timedelta(0) < sender.honours_key < timedelta(hours=24)

    async def test_a_lost_answer_is_found_by_handing_over_again_under_the_key(self) -> None:
        async with self.facing() as (double, sender):
            first = await sender.send(self.letter())
            assert await sender.send(replace(self.letter(), to="camille.durand@example.org")) == first
            assert len(double.arrived) == 1

    async def test_a_key_that_was_used_for_another_body_proves_acceptance(self) -> None:
        async with self.facing(Reply(409, said(409, "invalid_idempotent_request"))) as (_, sender):
            assert await sender.send(self.letter()) == Receipt("resend", None)

    @pytest.mark.parametrize(
        ("status", "name", "message", "kind"),
        [
            (409, "concurrent_idempotent_requests", ECHO, Unproven),
            (400, "invalid_idempotency_key", ECHO, Refused),
            (400, "validation_error", ECHO, Refused),
            (422, "validation_error", f"Invalid `from` field. {ECHO}", Misconfigured),
            (422, "validation_error", f"Invalid `reply_to` field. {ECHO}", Misconfigured),
            (422, "validation_error", f"Invalid `tags` field. {ECHO} to", Refused),
            (422, "missing_required_field", f"Invalid `to` field. {ECHO}", Refused),
            (422, "invalid_from_address", ECHO, Misconfigured),
            (422, "invalid_access", ECHO, Misconfigured),
            (422, "invalid_region", ECHO, Misconfigured),
            (404, "not_found", ECHO, Misconfigured),
            (405, "method_not_allowed", ECHO, Misconfigured),
            (451, "security_error", ECHO, Refused),
            (429, "monthly_quota_exceeded", ECHO, TemporarilyUnavailable),
            (429, "rate_limit_exceeded", ECHO, TemporarilyUnavailable),
            (500, "application_error", ECHO, Unproven),
        ],
    )
    async def test_each_name_has_its_meaning(self, status: int, name: str, message: str, kind: type[Exception]) -> None:
        error = await self.told(Reply(status, said(status, name, message)))
        assert type(error) is kind
        assert not isinstance(error, Refused) or not error.address

    async def test_another_conflict_is_about_the_message(self) -> None:
        assert isinstance(await self.told(Reply(409, b"{}")), Refused)


TYPES = ProviderEventType
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
EVENT_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"


def event(kind: ProviderEventType, **fields: Any) -> ProviderEvent:
    told = {"provider_message_id": _id(1), "at": HAPPENED, "delivery": DELIVERY, **fields}
    return ProviderEvent(kind, "resend", Channel.EMAIL, RECIPIENT, provider_event_id=EVENT_ID, **told)


def body(kind: str, **data: object) -> Mapping[str, object]:
    message = {"email_id": _id(1), "from": "bonjour@shop.example", "to": [RECIPIENT], "subject": ECHO}
    marks = {"tags": {"relaunch-delivery": DELIVERY}, "created_at": "2026-03-02T10:59:00.894719+00:00"}
    return {"type": f"email.{kind}", "created_at": "2026-03-02T11:00:00.123456Z", "data": {**message, **marks, **data}}


def bounce(kind: str, part: str, message: str = ECHO) -> Mapping[str, object]:
    return body("bounced", bounce={"type": kind, "subType": part, "message": message})


def hashed(secret: str, name: str, time: int, content: bytes) -> str:
    """Sign as Standard Webhooks says, with what a secret decodes to."""
    key = base64.b64decode(secret.removeprefix("whsec_") + "==")
    return (
        "v1," + base64.b64encode(hmac.new(key, f"{name}.{time}.".encode() + content, hashlib.sha256).digest()).decode()
    )


class TestResendEvents(EventsContract):
    """Resend's webhooks, signed by Svix."""

    reader = EVENTS
    signs_body = True
    batches = False
    samples = (
        (body("delivered"), event(TYPES.DELIVERED)),
        (body("scheduled"), event(TYPES.QUEUED)),
        (body("sent"), event(TYPES.ACCEPTED)),
        (body("delivery_delayed"), event(TYPES.DEFERRED)),
        (body("failed", failed={"reason": "reached_daily_quota"}), event(TYPES.FAILED, reason="reached_daily_quota")),
        (body("failed", failed={"reason": ECHO}), event(TYPES.FAILED)),
        (bounce("Permanent", "General"), event(TYPES.BOUNCED, permanent=True, reason="Permanent General")),
        (
            bounce("Permanent", "NoEmail", f"smtp; 550 5.1.1 {ECHO}"),
            event(TYPES.BOUNCED, permanent=True, reason="Permanent NoEmail 5.1.1"),
        ),
        (
            bounce("Permanent", "General", f"550 5.7.515 Access denied {ECHO}"),
            event(TYPES.REJECTED, reason="Permanent General 5.7.515"),
        ),
        (bounce("Transient", "MailboxFull"), event(TYPES.BOUNCED, permanent=False, reason="Transient MailboxFull")),
        (bounce("Transient", "ContentRejected"), event(TYPES.REJECTED, reason="Transient ContentRejected")),
        (bounce("Undetermined", "Undetermined"), event(TYPES.BOUNCED, reason="Undetermined Undetermined")),
        (
            body("suppressed", suppressed={"type": "OnAccountSuppressionList", "message": ECHO}),
            event(TYPES.BOUNCED, permanent=True, reason="OnAccountSuppressionList"),
        ),
        (body("complained"), event(TYPES.COMPLAINED)),
        (body("opened"), event(TYPES.OPENED)),
        (body("opened", open={"userAgent": "Mozilla/5.0"}), event(TYPES.OPENED, human=False)),
        (body("clicked", click={"link": "https://shop.example/c/1", "userAgent": CHROME}), event(TYPES.CLICKED)),
        (body("delivered", tags=[{"name": "other", "value": "x"}]), event(TYPES.DELIVERED, delivery=None)),
        (body("delivered", to=[f"Camille <{RECIPIENT}>"]), event(TYPES.DELIVERED)),
    )
    unknown = body("received")

    def signed(self, body: bytes, secret: str) -> Mapping[str, str]:
        return self.signed_at(body, secret, int(NOON.timestamp()))

    def signed_at(self, body: bytes, secret: str, time: int) -> Mapping[str, str]:
        signature = hashed(secret, EVENT_ID, time, body)
        return {"svix-id": EVENT_ID, "svix-timestamp": str(time), "svix-signature": signature}

    def test_the_example_of_svix_is_good(self) -> None:
        headers = {
            "svix-id": "msg_loFOjxBNrRLzqYUf",
            "svix-timestamp": "1731705121",
            "svix-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        }
        content = b'{"event_type":"ping","data":{"success":true}}'
        at = datetime.fromtimestamp(1731705121, UTC)
        self.reader.verify(Knock(content, headers, "", at), ["whsec_plJ3nmyCDGBKInavdOK15jsl"])

    @pytest.mark.parametrize(("seconds", "why"), [(-301, "too old"), (301, "future")])
    def test_an_old_signature_is_refused(self, seconds: int, why: str) -> None:
        body = self.sample()
        signed = self.signed_at(body, SECRET, int(NOON.timestamp()) + seconds)
        assert why in str(self.refusal(self.knock(body, signed), SECRET))

    @pytest.mark.parametrize("part", ["svix-id", "svix-timestamp", "svix-signature"])
    def test_every_part_is_needed_and_signed(self, part: str) -> None:
        body = self.sample()
        signed = self.signed(body, SECRET)
        self.refusal(self.knock(body, {**signed, part: ""}), SECRET)
        self.refusal(self.knock(body, {**signed, part: str(int(NOON.timestamp()) - 1)}), SECRET)

    def test_one_good_signature_among_several_is_enough(self) -> None:
        body = self.sample()
        old, new = (self.signed(body, secret)["svix-signature"] for secret in (OLD_SECRET, SECRET))
        signed = {**self.signed(body, SECRET), "svix-signature": f"{old} v1a,bm8= {new}"}
        self.reader.verify(self.knock(body, signed), [SECRET])
        self.refusal(self.knock(body, {**signed, "svix-signature": new.replace("v1,", "v1a,")}), SECRET)

    def test_a_secret_that_is_none_is_named(self) -> None:
        for secret in ("whsec_", "whsec_a", "clé"):
            assert "no signing secret" in str(self.refusal(self.knock(self.sample()), secret))
        self.reader.verify(self.knock(self.sample()), ["whsec_", SECRET])
