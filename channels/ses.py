"""E-mail through Amazon SES (API v2): one call a message; its events are read in `channels/ses_events.py`.

What is special beside the table of `channels/http.py`; the error's type, in a header or in the body, decides:

| type                                                 | meaning                          | raised                    |
|------------------------------------------------------|----------------------------------|---------------------------|
| TooManyRequestsException (429), LimitExceeded-       | rate or quota of the day used up | TemporarilyUnavailable    |
| Exception, ThrottlingException                       |                                  |                           |
| AccountSuspendedException, SendingPausedException,   | our account, domain or           | Misconfigured             |
| MailFromDomainNotVerifiedException, NotFoundException| configuration set                |                           |
| MessageRejected "Email address is not verified"      | our sender, or the sandbox       | Misconfigured             |
| 401, 403: also a clock that is wrong                 | our key, rights or clock         | Misconfigured             |
| MessageRejected, BadRequestException, any other 4xx  | this message                     | Refused                   |

SES has no idempotency key and no look-up for senders. It says nothing about an address when it takes a message; what
it refuses about one it may as well mean the sender's. It is given the mail that we wrote, byte for byte, signs it
(DKIM, unless the identity has none) and replaces Message-ID and Date: only the delivery's id, as a tag and in
`X-Relaunch-Delivery`, tells a message again. Tags come back in events of a configuration set, headers in the
notifications of an identity that include them. Tracking is a setting of the configuration set; without one there is
none.

Sources: docs.aws.amazon.com/ses: APIReference-V2/API_SendEmail and CommonErrors, dg/header-fields; botocore's model.
"""

import base64
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx

from channels.accounts import Account
from channels.addresses import recipient
from channels.base import ChannelError, Misconfigured, Receipt, Refused, TemporarilyUnavailable
from channels.http import Answer, HttpClient, checked_key, code, receipt, to_json
from channels.ses_events import MARK, NAME
from channels.sigv4 import Credentials, sign
from models.message import Message
from models.vocabulary import Channel

_PATH = "/v2/email/outbound-emails"
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d{1,2}")
_UNVERIFIED = re.compile(r"email address(?:es)? (?:is|are) not verified", re.IGNORECASE)
_PASSING = frozenset({"LimitExceededException", "ThrottlingException", "TooManyRequestsException"})
_OUR_FAULT = frozenset(
    {
        "AccountSuspendedException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
        "NotFoundException",
    }
)


class Ses:
    """Sends e-mail through Amazon SES in one region."""

    name = NAME
    channel = Channel.EMAIL
    honours_key: timedelta | None = None

    def __init__(
        self,
        credentials: Credentials,
        region: str,
        *,
        now: Callable[[], datetime],
        configuration_set: str | None = None,
        url: str | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        """Take an access key that may `ses:SendEmail` and `ses:SendRawEmail`; `url` points elsewhere.

        Without a configuration set the account publishes no events.
        """
        if not _REGION.fullmatch(region):
            raise Misconfigured("RELAUNCH_SES_REGION must be a region like eu-west-3")
        for key in (credentials.key_id, credentials.secret, *filter(None, [credentials.token])):
            checked_key(NAME, key)
        place = url or f"https://email.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
        self._http = HttpClient(NAME, place, {}, now=now, verdict=_verdict, timeout_s=timeout_s)
        self._signed = {"host": httpx.URL(place).netloc.decode(), "content-type": "application/json"}
        self._credentials, self._region, self._now = credentials, region, now
        self._set = {"ConfigurationSetName": configuration_set} if configuration_set else {}

    async def send(self, message: Message) -> Receipt:
        """Hand one message over, as the bytes that were written."""
        if not message.raw:
            raise Refused("the message has no RFC 5322 bytes to hand over")
        told = {
            "Content": {"Raw": {"Data": base64.b64encode(message.raw).decode()}},
            "Destination": {"ToAddresses": [recipient(message.to)]},
            "EmailTags": [{"Name": MARK, "Value": message.delivery}],
            **self._set,
        }
        body, place = to_json(told), (self._region, "ses")
        own = sign(self._credentials, place, "POST", _PATH, self._signed, body, self._now())
        answer = await self._http.post(_PATH, body, own)
        return receipt(NAME, answer.fields().get("MessageId"))

    async def find(self, message: Message) -> Receipt | None:
        """Return None: SES cannot be asked for an id of ours."""
        return None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()


def open_sender(account: Account, now: Callable[[], datetime]) -> Ses:
    """Read what the operator set: `ses_region`, `ses_access_key`, `ses_secret_key`.

    Where they are used: `ses_session_token`, `ses_configuration_set`, `ses_url`.
    """
    key, secret = account.need("ses_access_key"), account.need("ses_secret_key")
    return Ses(
        Credentials(key, secret, account.get("ses_session_token")),
        account.need("ses_region"),
        now=now,
        configuration_set=account.get("ses_configuration_set"),
        url=account.get("ses_url"),
    )


def _verdict(answer: Answer, text: str) -> ChannelError | None:
    fields = answer.fields()
    told = answer.headers.get("x-amzn-errortype") or fields.get("__type") or fields.get("code")
    kind = code(str(told).partition(":")[0].rpartition("#")[2]) if told else None
    text = f"{text} ({kind})" if kind else text
    words = fields.get("message") or fields.get("Message")
    unverified = kind == "MessageRejected" and isinstance(words, str) and _UNVERIFIED.match(words)
    if kind in _PASSING:
        return TemporarilyUnavailable(text)
    if kind in _OUR_FAULT or unverified:
        return Misconfigured(f"{text}: check account, sender and configuration set")
    return Refused(text) if kind else None
