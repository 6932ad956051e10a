"""Amazon SNS in tests: notifications signed with a key of our own, and the web on which its certificate lies."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from channels.base import Knock, TemporarilyUnavailable
from channels.ses_events import EVENTS, SesEvents
from tests.contract.events_contract import NOON, SECRET

ID = "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"
CERTIFICATE_URL = "https://sns.eu-west-3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
OWN_KEY: Final[RSAPrivateKey] = generate_private_key(65537, 2048)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])


def certified(key: RSAPrivateKey = OWN_KEY, since: datetime = NOON - timedelta(days=1)) -> bytes:
    """Return a certificate for 30 days, signed by itself."""
    draft = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(key.public_key())
    draft = draft.serial_number(7).not_valid_before(since).not_valid_after(since + timedelta(days=30))
    return draft.sign(key, SHA256()).public_bytes(Encoding.PEM)


def arn(secret: str) -> str:
    """Return the topic that stands for a secret of the contract."""
    return f"arn:aws:sns:eu-west-3:123456789012:{secret}" if secret else ""


def notification(message: str, **fields: str) -> dict[str, str]:
    """Return a body of SNS that nobody has signed yet."""
    told = {"Type": "Notification", "MessageId": ID, "TopicArn": arn(SECRET), "Subject": "Amazon SES Email Event"}
    signature = {"SignatureVersion": "2", "Signature": "", "SigningCertURL": CERTIFICATE_URL}
    return {**told, "Message": message, "Timestamp": "2026-03-02T12:00:00.000Z", **signature, **fields}


def signed(told: Mapping[str, str], key: RSAPrivateKey = OWN_KEY) -> dict[str, str]:
    """Return it with the signature that Amazon's documentation describes."""
    names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    if told["Type"] != "Notification":
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    content = "".join(f"{name}\n{told[name]}\n" for name in names if name in told)
    hashed = SHA1() if told["SignatureVersion"] == "1" else SHA256()  # noqa: S303 - version 1 is that
    made = key.sign(content.encode(), PKCS1v15(), hashed)
    return {**told, "Signature": base64.b64encode(made).decode()}


def signed_fields(body: bytes, secret: str) -> Mapping[str, str]:
    """Return the fields by which a body becomes one that SNS sends for a topic."""
    told = signed({**json.loads(body), "TopicArn": arn(secret)})
    return {name: told[name] for name in ("TopicArn", "Signature", "Timestamp", "MessageId")}


class Web:
    """What lies at which URL; `asked` are those that were fetched."""

    def __init__(self, pages: Mapping[str, bytes]) -> None:
        self.pages, self.asked = pages, list[str]()

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if url not in self.pages:
            raise TemporarilyUnavailable("no such page")
        return self.pages[url]


class Topics:
    """The reader of SES, for which the secrets of the contract are names of topics."""

    name = EVENTS.name
    read = staticmethod(EVENTS.read)

    def __init__(self) -> None:
        self.reader = SesEvents(Web({CERTIFICATE_URL: certified()}))

    def verify(self, knock: Knock, secrets: Sequence[str]) -> None:
        self.reader.verify(knock, [arn(one) for one in secrets])
