"""The events of SendGrid against the contract of events, and what is their own."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from channels.base import Knock
from channels.sendgrid_events import EVENTS
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel
from tests.contract.channel_contract import ECHO
from tests.contract.events_contract import DELIVERY, HAPPENED, NOON, OLD_SECRET, RECIPIENT, SECRET, EventsContract

MESSAGE = "euo2iKxdSayPF4YE4--001"
PRIVATE: Final[Mapping[str, EllipticCurvePrivateKey]] = {
    name: generate_private_key(SECP256R1()) for name in (SECRET, OLD_SECRET)
}


def public(name: str) -> str:
    """Return what SendGrid shows of a key; what is no name of one stays as it is."""
    if name not in PRIVATE:
        return name
    der = PRIVATE[name].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


class Reader:
    """The reader under test, for which the secrets of the contract are names of key pairs."""

    name = EVENTS.name
    read = staticmethod(EVENTS.read)

    def verify(self, knock: Knock, secrets: Sequence[str]) -> None:
        EVENTS.verify(knock, [public(one) for one in secrets])


TYPES = ProviderEventType
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
STAMP = "x-twilio-email-event-webhook-timestamp"


def event(kind: ProviderEventType, **fields: Any) -> ProviderEvent:
    told = {"provider_message_id": MESSAGE, "at": HAPPENED.replace(microsecond=0), "delivery": DELIVERY, **fields}
    return ProviderEvent(kind, "sendgrid", Channel.EMAIL, RECIPIENT, provider_event_id="Ym91bmNlLTQtNTA0", **told)


def body(kind: str, **fields: object) -> Mapping[str, object]:
    ids = {"sg_event_id": "Ym91bmNlLTQtNTA0", "sg_message_id": f"{MESSAGE}.recvd-5f54b5d587-pczjm-1-67BADEEA-6.0"}
    shared = {"email": RECIPIENT, "timestamp": int(HAPPENED.timestamp()), "smtp-id": "<a.b.email@shop.example>"}
    return {"event": kind, **shared, **ids, "relaunch-delivery": DELIVERY, "category": ["x"], **fields}


def bounce(kind: str, about: str | None = None, status: str = "5.0.0", reason: str = ECHO) -> Mapping[str, object]:
    told = {"type": kind, "status": status, "reason": reason, "tls": 1, "ip": "192.0.2.1"}
    return body("bounce", **told, **({"bounce_classification": about} if about else {}))


def dropped(reason: str) -> Mapping[str, object]:
    return body("dropped", reason=reason, status="5.0.0")


class TestSendGridEvents(EventsContract):
    """SendGrid's Event Webhook."""

    reader = Reader()
    signs_body = True
    samples = (
        (body("delivered", response=f"250 2.0.0 OK {ECHO}", tls=1), event(TYPES.DELIVERED)),
        (body("processed"), event(TYPES.QUEUED)),
        (body("deferred", response="451 4.7.1 greylisted", attempt="5"), event(TYPES.DEFERRED, reason="4.7.1")),
        (
            bounce("bounce", "Invalid Address", "5.1.1"),
            event(TYPES.BOUNCED, permanent=True, reason="bounce Invalid Address 5.1.1"),
        ),
        (bounce("bounce"), event(TYPES.BOUNCED, permanent=True, reason="bounce 5.0.0")),
        (
            bounce("bounce", status="", reason=f"550 5.7.515 Access denied, sending domain {ECHO}"),
            event(TYPES.REJECTED, reason="bounce 5.7.515"),
        ),
        (
            bounce("bounce", "Technical Failure"),
            event(TYPES.BOUNCED, reason="bounce Technical Failure 5.0.0"),
        ),
        (bounce("bounce", "Content"), event(TYPES.REJECTED, reason="bounce Content 5.0.0")),
        (bounce("blocked", "Reputation"), event(TYPES.REJECTED, reason="blocked Reputation 5.0.0")),
        (bounce("blocked", "Unclassified"), event(TYPES.REJECTED, reason="blocked 5.0.0")),
        (bounce("blocked"), event(TYPES.REJECTED, reason="blocked 5.0.0")),
        (
            bounce("blocked", "Mailbox Unavailable", "4.2.2"),
            event(TYPES.BOUNCED, permanent=False, reason="blocked Mailbox Unavailable 4.2.2"),
        ),
        (bounce("expired", status=""), event(TYPES.BOUNCED, permanent=False, reason="expired")),
        (dropped("Bounced Address"), event(TYPES.BOUNCED, permanent=True, reason="Bounced Address")),
        (dropped("Invalid"), event(TYPES.BOUNCED, permanent=True, reason="Invalid")),
        (dropped("Unsubscribed Address"), event(TYPES.UNSUBSCRIBED, reason="Unsubscribed Address")),
        (dropped("Spam Reporting Address"), event(TYPES.COMPLAINED, reason="Spam Reporting Address")),
        (dropped("Spam Content"), event(TYPES.REJECTED, reason="Spam Content")),
        (
            dropped("Recipient List over Package Quota"),
            event(TYPES.FAILED, reason="Recipient List over Package Quota"),
        ),
        (dropped(ECHO), event(TYPES.REJECTED)),
        (body("spamreport"), event(TYPES.COMPLAINED)),
        (body("unsubscribe"), event(TYPES.UNSUBSCRIBED)),
        (body("group_unsubscribe", asm_group_id=10), event(TYPES.UNSUBSCRIBED)),
        (body("group_resubscribe", asm_group_id=10), event(TYPES.SUBSCRIBED)),
        (body("open", useragent=CHROME, sg_machine_open=False), event(TYPES.OPENED)),
        (body("open", useragent=CHROME, sg_machine_open=True), event(TYPES.OPENED, human=False)),
        (body("open", useragent=f"{CHROME} (via ggpht.com GoogleImageProxy)"), event(TYPES.OPENED, human=False)),
        (body("click", useragent=CHROME, url="https://shop.example/c/1"), event(TYPES.CLICKED)),
        (
            body("delivered", sg_message_id="14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"),
            event(TYPES.DELIVERED, provider_message_id="14c5d75ce93.dfd.64b469"),
        ),
    )
    unknown = body("account_status_change", type="compliance_suspend")

    def signed(self, body: bytes, secret: str) -> Mapping[str, str]:
        return self.signed_at(body, secret, str(int(NOON.timestamp())))

    def signed_at(self, body: bytes, secret: str, time: str) -> Mapping[str, str]:
        key = PRIVATE.get(secret) or generate_private_key(SECP256R1())
        signature = key.sign(time.encode() + body, ECDSA(SHA256()))
        return {STAMP: time, "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode()}

    @pytest.mark.parametrize(("seconds", "why"), [(-301, "too old"), (301, "future")])
    def test_an_old_signature_is_refused(self, seconds: int, why: str) -> None:
        body = self.sample()
        signed = self.signed_at(body, SECRET, str(int(NOON.timestamp()) + seconds))
        assert why in str(self.refusal(self.knock(body, signed), SECRET))

    def test_the_time_is_part_of_what_is_signed(self) -> None:
        body = self.sample()
        earlier = str(int(NOON.timestamp()) - 1)
        self.refusal(self.knock(body, {**self.signed(body, SECRET), STAMP: earlier}), SECRET)

    def test_the_key_may_come_with_the_lines_of_pem(self) -> None:
        key = PRIVATE[SECRET].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        self.reader.verify(self.knock(self.sample()), [key])

    def test_a_secret_that_is_no_public_key_is_named_and_others_still_count(self) -> None:
        other = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for secret in ("pa55", "clé", base64.b64encode(other).decode()):
            assert "no public key" in str(self.refusal(self.knock(self.sample()), secret))
        self.reader.verify(self.knock(self.sample()), ["pa55", SECRET])
