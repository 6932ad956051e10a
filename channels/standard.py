"""Standard Webhooks: the scheme by which services sign what they send each other, ours among them.

`webhook-id`, `webhook-timestamp` (Unix seconds) and `webhook-signature` (`v1,BASE64`, several with spaces between
them), HMAC-SHA256 over `id.timestamp.body` under a secret like `whsec_…`; see https://www.standardwebhooks.com.
"""

import binascii
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from channels.base import BadSignature, Knock
from channels.webhooks import check_age, good_keys

NAME: Final = "standard"
_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


def verify(knock: Knock, secrets: Sequence[str]) -> None:
    """Check the signature under each of the secrets that are valid now, and its age; raises `BadSignature`."""
    keys = [key for key in map(_key, good_keys(secrets)) if key]
    if not keys:
        raise BadSignature("the secret is not one of Standard Webhooks: base64, like whsec_…")
    missing = [name for name in _HEADERS if not knock.headers.get(name)]
    if missing:
        raise BadSignature(f"there is no header {' and no '.join(missing)}")
    name, time, given = (knock.headers[one] for one in _HEADERS)
    check_age(time, knock.at)
    words = [word for word in given.split() if word.startswith("v1,")]
    if not words:
        raise BadSignature("there is no signature of version v1: only those are made with a secret")
    at, body = datetime.fromtimestamp(int(time), UTC), knock.body.decode("utf-8", "replace")
    good = [key.sign(name, at, body).encode() for key in keys]
    # All are compared, so that the time taken does not tell which one came close.
    matches = [hmac.compare_digest(one, word.encode()) for one in good for word in words]
    if not any(matches):
        raise BadSignature("it was made with another secret, or the id, the time or the body has changed since")


def signed(secret: str, name: str, at: datetime, body: str) -> dict[str, str]:
    """Return the headers of a call of ours: `name` is its id, under which the receiver counts it once."""
    values = (name, str(int(at.timestamp())), Webhook(secret).sign(name, at.astimezone(UTC), body))
    return dict(zip(_HEADERS, values, strict=True))


def _key(secret: bytes) -> Webhook | None:
    try:
        return Webhook(secret.decode())
    except (binascii.Error, ValueError, EmptyWebhookSecretError):
        return None
