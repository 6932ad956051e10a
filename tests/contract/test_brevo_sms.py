"""Brevo's text messages against the contract of channels, and the rules of France that they carry."""

import json
from dataclasses import replace

import pytest

from channels.base import Misconfigured, Refused, Sender
from channels.brevo_sms import STOP, BrevoSms
from models.vocabulary import Channel
from tests.contract.channel_contract import ECHO, sms
from tests.contract.http_contract import KEY, HttpProviderContract, caught, now
from tests.provider_double import Arrived, Asked, Fault, ProviderDouble, Reply


def said(code: str, message: str = ECHO, status: int = 400) -> Reply:
    return Reply(status, json.dumps({"code": code, "message": message}).encode())


class BrevoSmsDouble(ProviderDouble):
    """Brevo's API for text messages as its documentation describes it."""

    def read(self, asked: Asked) -> Arrived:
        assert (asked.method, asked.path) == ("POST", "/v3/transactionalSMS/send")
        body = json.loads(asked.body)
        assert body["type"] == "marketing"
        return Arrived(
            to=f"+{body['recipient']}",
            sender=body["sender"],
            text=body["content"].removesuffix(STOP),
            delivery=body["tag"],
        )

    def welcome(self, arrived: Arrived, number: int) -> Reply:
        return Reply(201, json.dumps({"messageId": 1511882900176220 + number}).encode())

    def refusal(self, fault: Fault) -> Reply:
        match fault:
            case Fault.KEY:
                return said("unauthorized", "Key not found", 401)
            case Fault.SENDER:
                return said("invalid_parameter", f"Sender is not valid: {ECHO}")
            case Fault.ADDRESS:
                return said("invalid_parameter", "Invalid phone number")
            case Fault.MESSAGE:
                return said("missing_parameter", "content is missing")

    def knows(self, asked: Asked) -> bool:
        return asked.headers.get("api-key") == KEY

    def look_up(self, asked: Asked) -> Reply:
        assert asked.path == "/v3/transactionalSMS/statistics/events"
        events = [
            {"event": "sent", "messageId": str(1511882900176220 + number), "phoneNumber": one.to, "tag": one.delivery}
            for number, one in enumerate(self.arrived, 1)
            if one.delivery == asked.query["tags"]
        ]
        return Reply(200, json.dumps({"events": events}).encode())


class TestBrevoSms(HttpProviderContract):
    """Sending text messages through Brevo."""

    channel = Channel.SMS
    finds = True
    honours_key = False
    double = BrevoSmsDouble

    def sender(self, url: str, *, key: str = KEY, timeout_s: float = 5.0) -> Sender:
        return BrevoSms(key, now=now, url=url, timeout_s=timeout_s)

    @pytest.mark.parametrize(
        ("to", "text", "content"),
        [
            ("+33612345678", "Maison: soldes", "Maison: soldes STOP au [STOP_CODE]"),
            ("+262692123456", "Maison: soldes", "Maison: soldes STOP au [STOP_CODE]"),
            ("+33612345678", "STOP au [STOP_CODE]. Soldes", "STOP au [STOP_CODE]. Soldes"),
            ("+33612345678", "Maison Stop: soldes", "Maison Stop: soldes STOP au [STOP_CODE]"),
            ("+32470123456", "Maison: soldes", "Maison: soldes"),
        ],
    )
    async def test_marketing_in_france_says_how_to_stop(self, to: str, text: str, content: str) -> None:
        async with self.facing() as (double, sender):
            await sender.send(replace(sms(text=text), to=to))
            assert json.loads(double.asked[0].body)["content"] == content

    @pytest.mark.parametrize(
        ("text", "unicode"),
        [
            ("Ete a -20% [14 EUR]", False),
            ("Été à 14 €", False),
            ("Être", True),
            ("éèàùñ €{}", False),
            ("ça", True),
            ("🛍", True),
        ],
    )
    async def test_what_gsm_cannot_write_is_sent_as_unicode(self, text: str, unicode: bool) -> None:
        async with self.facing() as (double, sender):
            await sender.send(sms(text=text))
            assert json.loads(double.asked[0].body)["unicodeEnabled"] is unicode

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("0612345678", "06 and 07"),
            ("+33612345678", "06 and 07"),
            ("38123", "38xxx"),
            ("Maison Ebene et Fils", "3 to 11"),
            ("MA", "3 to 11"),
            ("Ma Maison", "without spaces"),
        ],
    )
    async def test_a_sender_that_france_or_brevo_does_not_allow_is_our_fault(self, name: str, why: str) -> None:
        async with self.facing() as (double, sender):
            error = await caught(sender, replace(sms(), sender=name))
            assert isinstance(error, Misconfigured)
            assert why in str(error)
            assert double.asked == []

    @pytest.mark.parametrize("name", ["36123", "Maison", "1FOIS"])
    async def test_a_short_number_and_a_name_are_good_senders(self, name: str) -> None:
        async with self.facing() as (double, sender):
            await sender.send(replace(sms(), sender=name))
            assert double.arrived[0].sender == name

    @pytest.mark.parametrize(
        ("reply", "kind", "address"),
        [
            (said("not_enough_credits", status=402), Misconfigured, False),
            (said("invalid_phone_number"), Refused, True),
            (said("invalid_parameter", "Invalid telephone number"), Refused, True),
            (said("invalid_parameter", "sender is missing"), Misconfigured, False),
            (said("invalid_parameter", "Only alphanumeric characters are allowed"), Refused, False),
        ],
    )
    async def test_each_error_has_its_meaning(self, reply: Reply, kind: type[Exception], address: bool) -> None:
        error = await self.told(reply)
        assert type(error) is kind
        assert getattr(error, "address", False) is address
