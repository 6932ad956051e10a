"""Text messages through Brevo: one call a message, always as marketing.

What is special beside the tables of `channels/http.py` and `channels/brevo.py`:

| what is known                                        | proof of                         | raised                    |
|------------------------------------------------------|----------------------------------|---------------------------|
| 400 about the phone number                           | non-acceptance                   | Refused(address=True)     |
| a sender that France or Brevo does not allow         | nothing was sent                 | Misconfigured             |

There is no idempotency key. Our delivery's id is the tag, by which a look-up finds the message among its events.

To numbers in France `STOP au [STOP_CODE]` is put at the end, for which Brevo puts the number that takes it and whose
opt-outs it reports as events. Brevo itself holds marketing from 22 to 8, on Sundays and on public holidays; our gate
has done so before. A sender is a name of 3 to 11 letters and digits without spaces, or a short number.

Sources: developers.brevo.com: reference/sendasynctransactionalsms, reference/getsmsevents; brevo-php (shapes);
sendinblue/APIv3-php-library#84 and APIv3-nodejs-library#65 (what is answered to bad numbers and senders).
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from channels.accounts import Account
from channels.base import Misconfigured, Receipt
from channels.brevo import NAME, client, look_up
from channels.http import receipt, to_json
from channels.numbers import checked_sender, is_in_france, recipient
from models.message import Message
from models.sms import Encoding, measure
from models.vocabulary import Channel

STOP = " STOP au [STOP_CODE]"
"""What is put at the end of marketing in France."""


class BrevoSms:
    """Sends text messages through one account of Brevo."""

    name = NAME
    channel = Channel.SMS
    honours_key: timedelta | None = None

    def __init__(
        self, key: str, *, now: Callable[[], datetime], url: str | None = None, timeout_s: float = 30.0
    ) -> None:
        """Take the account's API key (v3); `url` points elsewhere, as to a proxy."""
        self._http = client(key, now=now, url=url, timeout_s=timeout_s)

    async def send(self, message: Message) -> Receipt:
        """Hand one message over."""
        answer = await self._http.post("/v3/transactionalSMS/send", to_json(_body(message)))
        return receipt(NAME, answer.fields().get("messageId"))

    async def find(self, message: Message) -> Receipt | None:
        """Look the message up by its tag among the events of the last 30 days."""
        return await look_up(self._http, "/v3/transactionalSMS/statistics/events", message)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()


def open_sender(account: Account, now: Callable[[], datetime]) -> BrevoSms:
    """Read what the operator set: `brevo_key`, and `_url` where it differs."""
    return BrevoSms(account.need("brevo_key"), now=now, url=account.get("brevo_url"))


def _body(message: Message) -> dict[str, object]:
    number = recipient(message.to)
    sender = checked_sender(message.sender, number)
    if " " in sender:
        raise Misconfigured(f"SMS sender '{sender}': Brevo takes letters and digits without spaces")
    stop = is_in_france(number)
    return {
        "type": "marketing",
        "sender": sender,
        "recipient": number.removeprefix("+"),
        "content": message.text + (STOP if stop and "[STOP_CODE]" not in message.text else ""),
        "unicodeEnabled": measure(message.text).encoding is Encoding.UCS2,
        "tag": message.delivery,
    }
