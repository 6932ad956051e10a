"""Amazon SES against the contract of channels, and what is its own; its events are in `test_ses_events.py`."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address, AddressHeader
from email.message import EmailMessage
from email.policy import default

import pytest

from channels.accounts import Account
from channels.addresses import Mailbox
from channels.base import Misconfigured, Refused, Sender, TemporarilyUnavailable
from channels.mime import to_bytes
from channels.ses import Ses, open_sender
from channels.sigv4 import Credentials, sign
from models.message import Message
from tests.contract.channel_contract import ECHO
from tests.contract.http_contract import KEY, NOON, HttpProviderContract, now
from tests.provider_double import Arrived, Asked, Fault, ProviderDouble, Reply

KEY_ID = "AKIDEXAMPLE"
EVERY_MAIL = {"from", "to", "reply-to", "subject", "date", "mime-version", "content-type"}


def refused(kind: str, message: str = ECHO, status: int = 400) -> Reply:
    header = {"x-amzn-ErrorType": f"{kind}:http://internal.amazon.com/coral/com.amazonaws.services.ses/"}
    return Reply(status, json.dumps({"message": message}).encode(), header)


def spelt(header: AddressHeader) -> str:
    (one,) = header.addresses
    assert isinstance(one, Address)
    return str(Mailbox(one.display_name, one.addr_spec))


class SesDouble(ProviderDouble):
    """SES as its documentation describes it."""

    def read(self, asked: Asked) -> Arrived:
        assert (asked.method, asked.path) == ("POST", "/v2/email/outbound-emails")
        body = json.loads(asked.body)
        assert set(body) == {"Content", "Destination", "EmailTags"}
        ((mark,), (to,)) = body["EmailTags"], body["Destination"]["ToAddresses"]
        mail = message_from_bytes(base64.b64decode(body["Content"]["Raw"]["Data"]), policy=default)
        assert isinstance(mail, EmailMessage)
        text, html = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
        return Arrived(
            to=to,
            sender=spelt(mail["From"]),
            reply_to=spelt(mail["Reply-To"]) if "Reply-To" in mail else None,
            subject=str(mail["Subject"]),
            text=text,
            html=html,
            headers=frozenset((name, str(one)) for name, one in mail.items() if name.lower() not in EVERY_MAIL),
            delivery=mark["Value"],
        )

    def welcome(self, arrived: Arrived, number: int) -> Reply:
        return Reply(200, json.dumps({"MessageId": f"0102018f-{number:06}-000000"}).encode())

    def refusal(self, fault: Fault) -> Reply:
        match fault:
            case Fault.KEY:
                return refused("InvalidSignatureException", status=403)
            case Fault.SENDER:
                return refused("MailFromDomainNotVerifiedException")
            case Fault.ADDRESS | Fault.MESSAGE:
                return refused("MessageRejected")

    def knows(self, asked: Asked) -> bool:
        at = datetime.strptime(asked.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        shown = {name: asked.headers[name] for name in ("host", "content-type")}
        place = ("eu-west-3", "ses")
        made = sign(Credentials(KEY_ID, KEY), place, asked.method, asked.path, shown, asked.body, at)
        return asked.headers["authorization"] == made["authorization"]


class TestSes(HttpProviderContract):
    """Sending through Amazon SES."""

    finds = False
    honours_key = False
    double = SesDouble

    def sender(self, url: str, *, key: str = KEY, timeout_s: float = 5.0) -> Sender:
        return Ses(Credentials(KEY_ID, key), "eu-west-3", now=now, url=url, timeout_s=timeout_s)

    def letter(self, number: int = 1, *, subject: str = "Sandales rouges") -> Message:
        return written(super().letter(number, subject=subject))

    async def test_a_refused_address_is_told_apart_from_a_refused_message(self) -> None:
        async with self.facing(refused("BadRequestException", "Missing final '@domain'")) as (double, sender):
            for to, is_address in (("camille durand", True), ("camille.durand@example.org", False)):
                with pytest.raises(Refused) as caught:
                    await sender.send(replace(self.letter(), to=to))
                assert caught.value.address is is_address
            assert len(double.asked) == 1  # what SES itself refuses may as well be the sender's address

    async def test_a_foreign_domain_arrives_as_mail_carries_it(self) -> None:
        async with self.facing() as (double, sender):
            foreign = replace(self.letter(), to="zoe@straße.example", sender="Zoé <zoe@straße.example>")
            message = written(foreign)
            await sender.send(message)
            assert double.arrived == [self.arrival(message)]
            assert double.arrived[0].to == "zoe@xn--strae-oqa.example"

    async def test_the_mail_is_handed_over_byte_for_byte(self) -> None:
        async with self.facing() as (double, sender):
            await sender.send(self.letter())
            sent = json.loads(double.asked[0].body)["Content"]["Raw"]["Data"]
            assert base64.b64decode(sent) == self.letter().raw

    async def test_a_message_without_bytes_is_refused_before_anything_is_sent(self) -> None:
        async with self.facing() as (double, sender):
            with pytest.raises(Refused):
                await sender.send(replace(self.letter(), raw=b""))
            assert double.asked == []

    @pytest.mark.parametrize(
        ("kind", "message", "status", "error"),
        [
            ("LimitExceededException", ECHO, 400, TemporarilyUnavailable),
            ("ThrottlingException", ECHO, 400, TemporarilyUnavailable),
            ("TooManyRequestsException", ECHO, 429, TemporarilyUnavailable),
            ("AccountSuspendedException", ECHO, 400, Misconfigured),
            ("SendingPausedException", ECHO, 400, Misconfigured),
            ("MailFromDomainNotVerifiedException", ECHO, 400, Misconfigured),
            ("NotFoundException", ECHO, 404, Misconfigured),
            ("AccessDeniedException", ECHO, 403, Misconfigured),
            ("MessageRejected", f"Email address is not verified. The following identities {ECHO}", 400, Misconfigured),
            ("MessageRejected", ECHO, 400, Refused),
            ("MessageRejected", f"{ECHO} Email address is not verified", 400, Refused),
            ("BadRequestException", f"Email address is not verified {ECHO}", 400, Refused),
        ],
    )
    async def test_each_type_of_error_has_its_meaning(
        self, kind: str, message: str, status: int, error: type[Exception]
    ) -> None:
        told = await self.told(refused(kind, message, status))
        assert type(told) is error
        assert not isinstance(told, Refused) or not told.address

    @pytest.mark.parametrize(
        "body", [{"__type": "com.amazonaws.ses#SendingPausedException"}, {"code": "SendingPausedException"}]
    )
    async def test_the_type_may_stand_in_the_body(self, body: dict[str, str]) -> None:
        told = await self.told(Reply(400, json.dumps(body).encode()))
        assert isinstance(told, Misconfigured)
        assert "(SendingPausedException)" in str(told)

    async def test_a_configuration_set_and_a_temporary_key_are_used(self) -> None:
        async with self.double() as double:
            given = {"ses_access_key": KEY_ID, "ses_secret_key": KEY, "ses_region": "eu-west-3", "ses_url": double.url}
            more = {"ses_session_token": "a-token", "ses_configuration_set": "relaunch"}
            sender = open_sender(Account({**given, **more}), now)
            with pytest.raises(Misconfigured):  # the double knows no temporary key
                await sender.send(self.letter())
            assert double.asked[0].headers["x-amz-security-token"] == "a-token"
            assert "x-amz-security-token" in double.asked[0].headers["authorization"]
            assert json.loads(double.asked[0].body)["ConfigurationSetName"] == "relaunch"
            await sender.aclose()

    @pytest.mark.parametrize(
        ("region", "host"),
        [("eu-west-3", "email.eu-west-3.amazonaws.com"), ("cn-north-1", "email.cn-north-1.amazonaws.com.cn")],
    )
    async def test_the_region_names_the_host(self, region: str, host: str) -> None:
        assert host in repr(vars(Ses(Credentials(KEY_ID, KEY), region, now=now)))

    @pytest.mark.parametrize("region", ["", "paris", "eu-west-3.example.org", "EU-WEST-3"])
    async def test_a_region_that_is_none_is_an_error_before_the_first_message(self, region: str) -> None:
        with pytest.raises(Misconfigured, match="RELAUNCH_SES_REGION"):
            Ses(Credentials(KEY_ID, KEY), region, now=now)


def written(message: Message) -> Message:
    """Return a message with the bytes that belong to its fields."""
    return replace(message, raw=to_bytes(message, NOON))
