"""The lawful basis of a message, folded from the customer's own consent ledger and their own purchases."""

from collections.abc import Iterable
from datetime import datetime

from models.events import MARKETING
from models.situation import ConsentRecord, Situation
from models.vocabulary import Basis, Channel, ConsentState

_SOFT_OPT_IN = (Channel.EMAIL, Channel.SMS)


def latest(ledger: Iterable[ConsentRecord], channel: Channel) -> ConsentRecord | None:
    """Return the last word on marketing for a channel; a withdrawal wins a tie."""
    entries = [entry for entry in ledger if entry.channel is channel and entry.purpose == MARKETING]
    return max(entries, key=lambda entry: (entry.at, entry.state is ConsentState.WITHDRAWN), default=None)


def objected(situation: Situation, channel: Channel) -> bool:
    """Say whether the customer's last word for a channel is a withdrawal."""
    word = latest(situation.consents, channel)
    return word is not None and word.state is ConsentState.WITHDRAWN


def lawful_basis(situation: Situation, channel: Channel, at: datetime) -> Basis | None:
    """Return why a marketing message is lawful at `at`, or None.

    Consent for the channel, or soft opt-in: the person bought from this shop before (directive 2002/58/EC art. 13(2),
    CPCE L34-5) and did not object. An address typed into a checkout is neither.
    """
    word = latest(situation.consents, channel)
    if word is not None:
        return Basis.CONSENT if word.state is ConsentState.GRANTED else None
    if channel in _SOFT_OPT_IN and any(
        order.own and order.paid and order.placed_at <= at for order in situation.orders
    ):
        return Basis.SOFT_OPT_IN
    return None
