"""Twilio's text messages against the contract of channels, and how a message to France says how to stop."""

import json
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from channels.accounts import Account
from channels.base import ChannelError, Misconfigured, Refused, Sender, TemporarilyUnavailable
from channels.twilio import Twilio, open_sender
from models.message import Message
from models.vocabulary import Channel
from tests.contract.channel_contract import ECHO, sms
from tests.contract.events_contract import basic
from tests.contract.http_contract import KEY, HttpProviderContract, caught, now
from tests.provider_double import Arrived, Asked, Fault, ProviderDouble, Reply

SID = "AC0123456789abcdef0123456789abcdef"
SHOP = "https://shop.example"
DOOR = f"{SHOP}/v1/providers/twilio/events"
LINK = f"{SHOP}/u/v1.token"


def said(code: int, status: int = 400) -> Reply:
    told = {"code": code, "message": ECHO, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}
    return Reply(status, json.dumps(told).encode())


class TwilioDouble(ProviderDouble):
    """Twilio's API for messages as its documentation describes it."""

    def read(self, asked: Asked) -> Arrived:
        assert (asked.method, asked.path) == ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json")
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        form = fields(asked)
        url, _, query = form.pop("StatusCallback", "").partition("?")
        assert url.endswith("/v1/providers/twilio/events") or not url
        return Arrived(
            to=form.pop("To"),
            text=form.pop("Body"),
            sender=form.pop("From", "") or form["MessagingServiceSid"],
            delivery=parse_qs(query).get("delivery", [None])[0],
        )

    def welcome(self, arrived: Arrived, number: int) -> Reply:
        told = {"sid": f"SM{number:032}", "status": "queued", "error_code": None, "to": arrived.to}
        return Reply(201, json.dumps(told).encode())

    def refusal(self, fault: Fault) -> Reply:
        match fault:
            case Fault.KEY:
                return said(20003, 401)
            case Fault.SENDER:
                return said(21659)
            case Fault.ADDRESS:
                return said(21211)
            case Fault.MESSAGE:
                return said(21617)

    def knows(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == basic(SID, KEY)


def fields(asked: Asked) -> dict[str, str]:
    """Return the form that a request carries, each field of which stands there once."""
    pairs = parse_qsl(asked.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


class TestTwilio(HttpProviderContract):
    """Sending text messages through Twilio."""

    channel = Channel.SMS
    finds = False
    honours_key = False
    double = TwilioDouble

    def sender(self, url: str, *, key: str = KEY, timeout_s: float = 5.0) -> Sender:
        return Twilio(SID, key, now=now, public_url=SHOP, url=url, timeout_s=timeout_s)

    async def form(self, message: Message, **settings: str) -> dict[str, str]:
        """Return the form that a message becomes with these settings."""
        async with TwilioDouble() as double:
            account = Account({"twilio_sid": SID, "twilio_token": KEY, "twilio_url": double.url, **settings})
            sender = open_sender(account, now)
            await sender.send(message)
            await sender.aclose()
            return fields(double.asked[0])

    async def refused(self, message: Message) -> ChannelError:
        """Return why a message is refused before Twilio sees any of it."""
        async with self.facing() as (double, sender):
            error = await caught(sender, message)
            assert double.asked == []
            return error

    @pytest.mark.parametrize("code", [10001, 20404, 21212, 21267, 21408, 21606, 21608, 21612, 21660, 21705, 30037])
    async def test_our_sender_our_rights_and_our_account_are_our_fault(self, code: int) -> None:
        error = await self.told(said(code))
        assert type(error) is Misconfigured
        assert f"({code})" in str(error)

    @pytest.mark.parametrize("code", [21211, 21214, 21217, 21265, 21614, 21635])
    async def test_a_number_that_takes_no_texts_is_refused_for_good(self, code: int) -> None:
        error = await self.told(said(code))
        assert isinstance(error, Refused)
        assert (error.address, error.consent) == (True, False)

    async def test_who_told_twilio_to_stop_has_withdrawn_consent(self) -> None:
        error = await self.told(said(21610))
        assert isinstance(error, Refused)
        assert (error.address, error.consent) == (False, True)

    @pytest.mark.parametrize("code", [20429, 21611, 30001, 63038])
    async def test_too_many_at_once_is_for_later(self, code: int) -> None:
        assert isinstance(await self.told(said(code)), TemporarilyUnavailable)

    @pytest.mark.parametrize("code", [21602, 21617, 21620, 99999])
    async def test_any_other_code_is_about_this_message(self, code: int) -> None:
        error = await self.told(said(code))
        assert isinstance(error, Refused)
        assert (error.address, error.consent) == (False, False)
        assert f"({code})" in str(error)

    async def test_an_answer_without_a_code_is_judged_by_its_status(self) -> None:
        assert type(await self.told(Reply(401, b'{"code": "21610"}'))) is Misconfigured

    @pytest.mark.parametrize(
        ("settings", "origin"),
        [
            ({}, {"From": "Maison"}),
            ({"twilio_from": "36123"}, {"From": "36123"}),
            ({"twilio_service": "MG01", "twilio_from": "36123"}, {"MessagingServiceSid": "MG01"}),
        ],
    )
    async def test_the_sender_is_the_shops_the_accounts_or_a_services(
        self, settings: dict[str, str], origin: dict[str, str]
    ) -> None:
        form = await self.form(sms(), **settings)
        assert {name: form[name] for name in form if name in {"From", "MessagingServiceSid"}} == origin

    @pytest.mark.parametrize("name", ["0612345678", "+33712345678", "38123", "Maison Ebene et Fils", "MA"])
    async def test_a_sender_that_france_does_not_allow_is_our_fault(self, name: str) -> None:
        assert isinstance(await self.refused(replace(sms(), sender=name)), Misconfigured)

    @pytest.mark.parametrize(
        ("settings", "callback"),
        [
            ({}, None),
            ({"public_url": f"{SHOP}/"}, f"{DOOR}?delivery=0199-0001"),
            (
                {"public_url": "http://127.0.0.1:8000"},
                "http://127.0.0.1:8000/v1/providers/twilio/events?delivery=0199-0001",
            ),
        ],
    )
    async def test_callbacks_come_to_our_door_with_the_deliverys_id(
        self, settings: dict[str, str], callback: str | None
    ) -> None:
        assert (await self.form(sms(), **settings)).get("StatusCallback") == callback

    @pytest.mark.parametrize("public", ["http://127.0.0.1:8000", "http://shop.example"])
    async def test_the_real_twilio_is_told_no_callback_that_it_cannot_reach(self, public: str) -> None:
        sender = Twilio(SID, KEY, now=now, public_url=public)
        assert "StatusCallback" not in sender.form(sms())
        await sender.aclose()

    async def test_an_id_of_any_kind_stays_one_field_of_the_callback(self) -> None:
        form = await self.form(replace(sms(), delivery="a&b=c d#é"), public_url=SHOP)
        assert dict(parse_qsl(urlsplit(form["StatusCallback"]).query)) == {"delivery": "a&b=c d#é"}

    @pytest.mark.parametrize(
        ("settings", "to", "text", "end"),
        [
            ({"twilio_stop": "STOP au 36111"}, "+33612345678", "Soldes", " STOP au 36111"),
            ({"twilio_stop": "STOP au 36111"}, "+262692123456", "Soldes", " STOP au 36111"),
            ({"twilio_stop": "STOP au 36111"}, "+33612345678", "Soldes. STOP au 36222", ""),
            ({"twilio_stop": "STOP au 36111"}, "+33612345678", f"Soldes. Fin: {LINK}", ""),
            ({"twilio_stop": "STOP au 36111"}, "+33612345678", "Maison Stop", " STOP au 36111"),
            ({"twilio_stop": "STOP au 36111"}, "+32470123456", "Soldes", ""),
            ({"twilio_from": "36123"}, "+33612345678", "Soldes", " STOP au 36123"),
            ({"twilio_from": "36123", "twilio_stop": "STOP: 36111"}, "+33612345678", "Soldes", " STOP: 36111"),
            ({}, "+33612345678", "Soldes", f" STOP: {LINK}"),
            ({"twilio_service": "MG01"}, "+33612345678", "Soldes", f" STOP: {LINK}"),
        ],
    )
    async def test_a_message_to_france_says_how_to_stop(
        self, settings: dict[str, str], to: str, text: str, end: str
    ) -> None:
        message = replace(sms(text=text), to=to, headers=(("List-Unsubscribe", f"<{LINK}>"),))
        assert (await self.form(message, **settings))["Body"] == f"{text}{end}"

    async def test_a_message_to_france_without_a_way_out_is_never_sent(self) -> None:
        error = await self.refused(sms(text="Soldes"))
        assert isinstance(error, Misconfigured)
        assert "RELAUNCH_TWILIO_STOP" in str(error)

    async def test_a_text_without_a_way_out_may_go_where_france_does_not_rule(self) -> None:
        assert (await self.form(replace(sms(text="Sales"), to="+32470123456")))["Body"] == "Sales"

    @pytest.mark.parametrize("text", ["100% = a+b & c?\nÉté 🛍 STOP", " STOP ", "STOP %2B"])
    async def test_a_text_arrives_sign_for_sign(self, text: str) -> None:
        assert (await self.form(sms(text=text)))["Body"] == text

    @pytest.mark.parametrize("sid", ["", "AC01/../other", "AC01?x=1", "AC01\r\n"])
    async def test_a_sid_that_cannot_be_one_is_an_error_before_the_first_message(self, sid: str) -> None:
        with pytest.raises(Misconfigured):
            Twilio(sid, KEY, now=now)
