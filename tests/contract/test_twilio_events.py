"""Twilio's callbacks and incoming messages against the contract of events, and its signatures in all their forms."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha1, sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from channels.base import BadSignature, Knock
from channels.twilio_events import EVENTS
from models.events import Unreadable
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel
from tests.contract.channel_contract import ECHO
from tests.contract.events_contract import DELIVERY, NOON, EventsContract, as_json

TYPES = ProviderEventType
DOOR = "https://shop.example/v1/providers/twilio/events"
URL = f"{DOOR}?delivery={DELIVERY}"
MESSAGE = "SM00000000000000000000000000000001"
NUMBER = "+33612345678"
OURS = "+33755530000"
TOKEN = "12345"
MANUAL = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALL = (
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
)
"""The token, the URL and the fields of the example in Twilio's page on signatures."""


def status(name: str, error: int | None = None, **fields: str) -> Mapping[str, object]:
    ids = {"MessageSid": MESSAGE, "SmsSid": MESSAGE, "AccountSid": "AC01", "ApiVersion": "2010-04-01"}
    told = {"ErrorCode": str(error)} if error else {}
    return {"MessageStatus": name, "SmsStatus": name, **ids, "From": "Maison", "To": NUMBER, **told, **fields}


def meant(kind: ProviderEventType, **fields: Any) -> ProviderEvent:
    told = {"provider_message_id": MESSAGE, "delivery": DELIVERY, **fields}
    return ProviderEvent(kind, "twilio", Channel.SMS, NUMBER, **told)


def written(text: str, opt_out: str | None = None) -> Mapping[str, object]:
    told = {"OptOutType": opt_out} if opt_out else {}
    who = {"From": NUMBER, "To": OURS, "NumSegments": "1", "FromCountry": "FR"}
    return {"MessageSid": MESSAGE, "SmsStatus": "received", "Body": text, **told, **who}


def answered(kind: ProviderEventType) -> ProviderEvent:
    return ProviderEvent(kind, "twilio", Channel.SMS, NUMBER, provider_event_id=MESSAGE, delivery=None)


def signature(secret: str, signed: str) -> str:
    return b64encode(hmac.new(secret.encode(), signed.encode(), sha1).digest()).decode()


def form_signature(secret: str, url: str, body: bytes) -> str:
    fields = sorted(set(parse_qsl(body.decode(), keep_blank_values=True)))
    return signature(secret, url + "".join(name + value for name, value in fields))


class TestTwilioEvents(EventsContract):
    """Forms that Twilio sends."""

    reader = EVENTS
    signs_body = True
    batches = False
    samples = (
        (status("delivered", End="+"), meant(TYPES.DELIVERED)),
        (status("read"), meant(TYPES.DELIVERED)),
        (status("queued"), meant(TYPES.QUEUED)),
        (status("scheduled"), meant(TYPES.QUEUED)),
        (status("accepted"), meant(TYPES.ACCEPTED)),
        (status("sending"), meant(TYPES.ACCEPTED)),
        (status("sent"), meant(TYPES.ACCEPTED)),
        (status("delivered", RawDlrDoneDate="2603021100", ErrorMessage=ECHO), meant(TYPES.DELIVERED)),
        (status("undelivered"), meant(TYPES.BOUNCED)),
        (status("failed"), meant(TYPES.FAILED)),
        (status("undelivered", 99999), meant(TYPES.BOUNCED, reason="99999")),
        (status("failed", 21408), meant(TYPES.FAILED, reason="21408")),
        (status("failed", 21610), meant(TYPES.UNSUBSCRIBED, reason="21610")),
        (written("STOP", "STOP"), answered(TYPES.UNSUBSCRIBED)),
        (written("Arret merci"), answered(TYPES.UNSUBSCRIBED)),
        (written("Start", "START"), answered(TYPES.SUBSCRIBED)),
        (written("HELP", "HELP"), answered(TYPES.UNKNOWN)),
        (written(f"Stop? {ECHO}", "HELP"), answered(TYPES.UNKNOWN)),
        (written(ECHO), answered(TYPES.UNKNOWN)),
    )
    unknown = status("something_new")

    def write(self, told: object) -> bytes:
        assert isinstance(told, Mapping)
        return urlencode({name: str(value) for name, value in told.items()}).encode()

    def signed(self, body: bytes, secret: str) -> Mapping[str, str]:
        return {"x-twilio-signature": form_signature(secret, URL, body)}

    def knock(self, body: bytes, headers: Mapping[str, str] | None = None, *, at: datetime = NOON) -> Knock:
        return replace(super().knock(body, headers, at=at), url=URL)

    def meaning(self, told: Mapping[str, object]) -> ProviderEvent:
        (event,) = EVENTS.read(self.knock(self.write(told)))
        return event

    @pytest.mark.parametrize("name", ["undelivered", "failed"])
    @pytest.mark.parametrize(
        ("errors", "kind", "permanent"),
        [
            ((21211, 21614, 21635, 30005, 30006), TYPES.BOUNCED, True),
            ((30001, 30003, 30008, 30017, 30036, 30410), TYPES.BOUNCED, False),
            ((30004, 30007, 30018, 30024, 30034, 30038, 30039, 30040, 30450, 30453), TYPES.REJECTED, None),
        ],
    )
    def test_an_error_code_says_whether_the_number_is_dead(
        self, name: str, errors: tuple[int, ...], kind: ProviderEventType, permanent: bool | None
    ) -> None:
        for error in errors:
            assert self.meaning(status(name, error)) == meant(kind, permanent=permanent, reason=str(error))

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("stop", TYPES.UNSUBSCRIBED),
            (" Stop. ", TYPES.UNSUBSCRIBED),
            ("STOP SVP\nmerci", TYPES.UNSUBSCRIBED),
            ("ARRÊT", TYPES.UNSUBSCRIBED),
            ("arrete", TYPES.UNSUBSCRIBED),
            ("Arrêtez !", TYPES.UNSUBSCRIBED),
            ("désinscription", TYPES.UNSUBSCRIBED),
            ("ne pas stopper", TYPES.UNKNOWN),
            ("unsubscribe", TYPES.UNSUBSCRIBED),
            ("END", TYPES.UNSUBSCRIBED),
            ("end of the sale?", TYPES.UNKNOWN),
            ("stopover", TYPES.UNKNOWN),
            ("oui", TYPES.UNKNOWN),
            ("START", TYPES.UNKNOWN),
            ("", TYPES.UNKNOWN),
        ],
    )
    def test_where_twilio_names_no_wish_the_words_are_read(self, text: str, kind: ProviderEventType) -> None:
        assert self.meaning(written(text)).type is kind

    def test_an_answer_belongs_to_no_delivery(self) -> None:
        assert self.meaning(written("STOP", "STOP")).delivery is None

    def test_a_callback_without_our_mark_is_known_by_its_message(self) -> None:
        (event,) = EVENTS.read(Knock(self.sample(), {}, DOOR, NOON))
        assert (event.delivery, event.provider_message_id) == (None, MESSAGE)

    def test_the_same_names_are_read_in_json(self) -> None:
        assert EVENTS.read(self.knock(as_json({**status("delivered"), "ErrorCode": 0}))) == [
            meant(TYPES.DELIVERED, reason="0")
        ]

    @pytest.mark.parametrize(
        "body",
        [
            b"MessageSid=SM01&To=%2",
            b"MessageStatus=sent",
            b"MessageSid=a%0Ab",
            b"MessageSid=SM01&MessageStatus=sent" + b"&a=b" * 99,
        ],
    )
    def test_a_form_that_is_broken_is_unreadable(self, body: bytes) -> None:
        with pytest.raises(Unreadable):
            EVENTS.read(self.knock(body, {}))


class TestSignatures:
    """What Twilio signs, beside the plain form."""

    def is_good(self, url: str, body: bytes, told: str) -> bool:
        try:
            EVENTS.verify(Knock(body, {"x-twilio-signature": told}, url, NOON), [TOKEN])
        except BadSignature:
            return False
        return True

    def test_the_example_of_twilios_page_is_good(self) -> None:
        assert self.is_good(MANUAL, urlencode(CALL).encode(), "RSOYDt4T1cUTdK1PDd93/VVr8B8=")

    @pytest.mark.parametrize("port", ["", ":443"])
    @pytest.mark.parametrize("told", ["RSOYDt4T1cUTdK1PDd93/VVr8B8=", "kvajT1Ptam85bY51eRf/AJRuM3w="])
    def test_a_port_may_stand_in_the_url_that_was_signed_or_not(self, port: str, told: str) -> None:
        url = MANUAL.replace("mycompany.com", f"mycompany.com{port}")
        assert self.is_good(url, urlencode(CALL).encode(), told)

    def test_a_port_of_ones_own_may_be_left_out_of_what_was_signed(self) -> None:
        url = MANUAL.replace("mycompany.com", "mycompany.com:8443")
        for signed in (url, MANUAL):
            assert self.is_good(url, b"a=b", signature(TOKEN, f"{signed}ab"))

    def test_fields_are_signed_in_their_order_and_once_each(self) -> None:
        body = b"b=2&a=3&a=1&b=2&c="
        assert self.is_good(MANUAL, body, signature(TOKEN, f"{MANUAL}a1a3b2c"))
        assert not self.is_good(MANUAL, body, signature(TOKEN, f"{MANUAL}b2a3a1b2c"))

    def test_another_url_another_query_and_another_field_are_not_signed(self) -> None:
        told = signature(TOKEN, f"{URL}ab")
        assert self.is_good(URL, b"a=b", told)
        assert not self.is_good(URL.replace(DELIVERY, "other"), b"a=b", told)
        assert not self.is_good(URL.replace("shop", "shup"), b"a=b", told)
        assert not self.is_good(URL.replace("https", "http"), b"a=b", told)
        assert not self.is_good(URL, b"a=c", told)

    def test_a_body_of_json_is_signed_by_its_hash(self) -> None:
        body = b'{"property": "value", "boolean": true}'
        url = f"{MANUAL}&bodySHA256={sha256(body).hexdigest()}"
        assert self.is_good(url, body, "a9nBmqA0ju/hNViExpshrM61xv4=")
        assert self.is_good(
            url.replace("https://mycompany.com", "https://mycompany.com:443"), body, signature(TOKEN, url)
        )
        assert not self.is_good(url, body.replace(b"true", b"fals"), "a9nBmqA0ju/hNViExpshrM61xv4=")
        assert not self.is_good(MANUAL, body, signature(TOKEN, MANUAL))
