"""SendGrid against the contract of channels, and what is its own; its events are in `test_sendgrid_events.py`."""

import json
from collections.abc import Mapping, Sequence

import pytest

from channels.accounts import Account
from channels.addresses import Mailbox
from channels.base import Misconfigured, Refused, Sender
from channels.sendgrid import URLS, SendGrid, open_sender
from tests.contract.channel_contract import ECHO
from tests.contract.http_contract import KEY, HttpProviderContract, now
from tests.provider_double import Arrived, Asked, Fault, ProviderDouble, Reply


def said(*fields: str | None) -> bytes:
    return json.dumps({"errors": [{"message": ECHO, "field": field, "help": ECHO} for field in fields]}).encode()


def spelt(person: Mapping[str, str]) -> str:
    return str(Mailbox(person.get("name", ""), person["email"]))


class SendGridDouble(ProviderDouble):
    """SendGrid as its documentation describes it."""

    def read(self, asked: Asked) -> Arrived:
        assert (asked.method, asked.path) == ("POST", "/v3/mail/send")
        body = json.loads(asked.body)
        ((addressed,),) = (one["to"] for one in body["personalizations"])
        contents = {one["type"]: one["value"] for one in body["content"]}
        assert list(contents) == ["text/plain", "text/html"]
        return Arrived(
            to=spelt(addressed),
            sender=spelt(body["from"]),
            reply_to=spelt(body["reply_to"]) if "reply_to" in body else None,
            subject=body["subject"],
            text=contents["text/plain"],
            html=contents["text/html"],
            headers=frozenset(body["headers"].items()),
            delivery=body["custom_args"]["relaunch-delivery"],
        )

    def welcome(self, arrived: Arrived, number: int) -> Reply:
        return Reply(202, headers={"X-Message-Id": _id(number)})

    def refusal(self, fault: Fault) -> Reply:
        match fault:
            case Fault.KEY:
                return Reply(401, said(None))
            case Fault.SENDER:
                return Reply(403, said("from"))
            case Fault.ADDRESS:
                return Reply(400, said("personalizations.0.to.0.email"))
            case Fault.MESSAGE:
                return Reply(400, said("content.0.value"))

    def knows(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"Bearer {KEY}"


def _id(number: int) -> str:
    return f"euo2iKxdSayPF4YE4--{number:03}"


class TestSendGrid(HttpProviderContract):
    """Sending through SendGrid."""

    finds = False
    honours_key = False
    double = SendGridDouble

    def sender(self, url: str, *, key: str = KEY, timeout_s: float = 5.0) -> Sender:
        return SendGrid(key, now=now, url=url, timeout_s=timeout_s)

    async def test_nothing_is_ever_tracked_and_no_unsubscribe_link_is_added(self) -> None:
        async with self.facing() as (double, sender):
            await sender.send(self.letter())
            body = json.loads(double.asked[0].body)
            assert {kind: one["enable"] for kind, one in body["tracking_settings"].items()} == dict.fromkeys(
                ("click_tracking", "open_tracking", "subscription_tracking", "ganalytics"), False
            )
            assert "asm" not in body

    @pytest.mark.parametrize(
        ("fields", "kind"),
        [
            (("from.email",), Misconfigured),
            (("from",), Misconfigured),
            (("reply_to.email",), Misconfigured),
            (("personalizations.0.to.0.email", "from.email"), Misconfigured),
            (("personalizations.0.to.0.email", "subject"), Refused),
            (("personalizations.0.subject",), Refused),
            ((None,), Refused),
            ((), Refused),
        ],
    )
    async def test_each_field_at_fault_has_its_meaning(
        self, fields: Sequence[str | None], kind: type[Exception]
    ) -> None:
        error = await self.told(Reply(400, said(*fields)))
        assert type(error) is kind
        assert not isinstance(error, Refused) or not error.address

    @pytest.mark.parametrize("body", [b'{"errors": null}', b'{"errors": ["no"]}', b'{"errors": [{"field": 7}]}'])
    async def test_an_error_of_another_shape_is_about_the_message(self, body: bytes) -> None:
        error = await self.told(Reply(400, body))
        assert isinstance(error, Refused)
        assert not error.address

    @pytest.mark.parametrize("region", ["global", "eu"])
    async def test_the_region_names_the_host(self, region: str) -> None:
        sender = open_sender(Account({"sendgrid_key": KEY, "sendgrid_region": region}), now)
        assert URLS[region] in repr(vars(sender))

    async def test_a_region_that_is_none_is_an_error_before_the_first_message(self) -> None:
        with pytest.raises(Misconfigured, match="RELAUNCH_SENDGRID_REGION"):
            SendGrid(KEY, now=now, region="fr")
