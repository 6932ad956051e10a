"""Notifications of Amazon SNS: who sent one, and the answer to "do you want this topic?".

SNS signs single fields of the body with a key whose certificate lies at a URL that the body names. So the body says
whom to trust, and the checks go in this order: the topic is one that was set up here; the URL is one of SNS in that
topic's region, over https; the notification is fresh; the signature is by that certificate, and it is valid. A topic
that proves itself so may be confirmed, at an address that is built here: what the body says is never visited.

SNS tries a notification for at most an hour, with the time and the signature that it had at first. It does not come
back after a 4xx: what could not be fetched is therefore no `BadSignature`.

Source: docs.aws.amazon.com/sns/latest/dg: sns-verify-signature-of-message, sns-message-and-json-formats,
sns-message-delivery-retries, sns-large-payload-raw-message-delivery.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate
from pydantic import BaseModel, Field, ValidationError

from channels.base import BadSignature, Knock, TemporarilyUnavailable
from channels.webhooks import check_age, good_keys

AGE: Final = timedelta(hours=1, minutes=5)
_CERTIFICATE = re.compile(
    r"https://(?P<host>sns\.(?P<region>[a-z0-9-]{3,})\.amazonaws\.com(?:\.cn)?)/SimpleNotificationService-\w{1,64}\.pem",
    re.ASCII,
)
_KEPT = 8
_HASHES: Final = {"1": SHA1, "2": SHA256}
_CONFIRM, _LEAVE = "SubscriptionConfirmation", "UnsubscribeConfirmation"

Fetch = Callable[[str], bytes]
"""Gets what lies at an https URL; raises `TemporarilyUnavailable` when it cannot."""


class Notification(BaseModel):
    """A body of SNS, its fields as they are signed."""

    kind: str = Field(alias="Type")
    id: str = Field(alias="MessageId")
    topic: str = Field(alias="TopicArn")
    message: str = Field(alias="Message")
    timestamp: str = Field(alias="Timestamp")
    subject: str | None = Field(None, alias="Subject")
    token: str | None = Field(None, alias="Token")
    subscribe_url: str | None = Field(None, alias="SubscribeURL")
    version: str = Field(alias="SignatureVersion")
    signature: str = Field(alias="Signature")
    certificate_url: str = Field(alias="SigningCertURL")

    def signed(self) -> bytes:
        """Return what SNS signs: names and values in the order of the alphabet, a line each."""
        confirming = self.kind in {_CONFIRM, _LEAVE}
        fields = {
            "Message": self.message,
            "MessageId": self.id,
            "SubscribeURL": self.subscribe_url if confirming else None,
            "Subject": None if confirming else self.subject,
            "Timestamp": self.timestamp,
            "Token": self.token if confirming else None,
            "TopicArn": self.topic,
            "Type": self.kind,
        }
        return "".join(f"{name}\n{value}\n" for name, value in fields.items() if value is not None).encode()


class Sns:
    """Checks notifications; keeps the few certificates that it has fetched."""

    def __init__(self, fetch: Fetch) -> None:
        """Take what fetches a URL."""
        self._fetch = fetch
        self._certificates: dict[str, Certificate] = {}

    def check(self, knock: Knock, topics: Sequence[str]) -> None:
        """Check that SNS sent this for one of these topics (their ARNs); confirm the topic when SNS asks for it.

        Raises `BadSignature`, or `TemporarilyUnavailable` when SNS cannot be reached to fetch or to confirm.
        """
        ours = good_keys(topics)
        told = _read(knock)
        if not any(hmac.compare_digest(topic, told.topic.encode()) for topic in ours):
            raise BadSignature("the notification is of a topic that is not set up here")
        place = _CERTIFICATE.fullmatch(told.certificate_url)
        if place is None or told.topic.split(":")[3:4] != [place["region"]]:
            raise BadSignature("the certificate does not lie where SNS keeps those of the topic's region")
        check_age(_seconds(told.timestamp), knock.at, AGE)
        if not _is_by(self._certificate(told.certificate_url), told, knock.at):
            raise BadSignature("the signature was not made with the key of that certificate")
        if told.kind == _CONFIRM:
            query = {"Action": "ConfirmSubscription", "TopicArn": told.topic, "Token": told.token or ""}
            self._fetch(f"https://{place['host']}/?{urlencode(query)}")

    def _certificate(self, url: str) -> Certificate:
        if url not in self._certificates:
            certificate = _certificate(self._fetch(url))
            if len(self._certificates) >= _KEPT:
                self._certificates.clear()
            self._certificates[url] = certificate
        return self._certificates[url]


def fetch(url: str) -> bytes:
    """Get what lies at a URL, within a few seconds; redirects are not followed."""
    try:
        answer = httpx.get(url, timeout=5.0, follow_redirects=False)
    except httpx.HTTPError:
        answer = httpx.Response(503)
    if not answer.is_success:
        raise TemporarilyUnavailable("Amazon SNS does not hand out its certificate, or take a confirmation, just now")
    return answer.content


def _read(knock: Knock) -> Notification:
    if knock.headers.get("x-amz-sns-rawdelivery", "").lower() == "true":
        raise BadSignature("raw message delivery is on: switch it off, it leaves nothing that could be checked")
    try:
        return Notification.model_validate_json(knock.body)
    except ValidationError:
        pass
    raise BadSignature("the body is no signed notification of Amazon SNS")


def _certificate(content: bytes) -> Certificate:
    try:
        return load_pem_x509_certificate(content)
    except ValueError:
        pass
    raise BadSignature("what lies at the certificate's URL is none")


def _seconds(timestamp: str) -> str:
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return ""
    return str(int(moment.timestamp())) if moment.tzinfo else ""


def _is_by(certificate: Certificate, told: Notification, at: datetime) -> bool:
    """Tell whether a valid certificate's key has signed; SHA-1 is what SNS uses unless the topic asks for version 2."""
    key, kind = certificate.public_key(), _HASHES.get(told.version)
    valid = certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
    if not valid or kind is None or not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(base64.b64decode(told.signature, validate=True), told.signed(), PKCS1v15(), kind())
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True
