"""The lawful basis of a message, folded from the customer's own consent ledger and their own purchases."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.situation import ConsentRecord, OrderRecord, Situation
from models.stored import Json
from models.vocabulary import Basis, Channel, ConsentState, Kind, Purpose, SoftOptIn

SOFT_OPT_IN_LIFE = timedelta(days=1095)
"""How long a purchase allows messages without consent: three years from the end of the relation (CNIL referential)."""

_SOFT_OPT_IN = (Channel.EMAIL, Channel.SMS)
_TOPICS = {Kind.CART: Purpose.CART_REMINDERS, Kind.INACTIVE: Purpose.WIN_BACK}


@dataclass(frozen=True, slots=True)
class Lawful:
    """Why a message is lawful, and the proof of it as the decision keeps it."""

    basis: Basis
    proof: dict[str, Json]


def overruled(mine: Iterable[ConsentRecord], theirs: Iterable[ConsentRecord]) -> list[ConsentRecord]:
    """Return the withdrawals that are the last word of one ledger, and would not be if the other were added to it.

    Two people who turn out to be one said them apart: the stricter of both stands, until there is a newer word.
    """
    ledger, other = list(mine), list(theirs)
    found = []
    for channel, purpose in dict.fromkeys((word.channel, word.purpose) for word in ledger):
        word = latest(ledger, channel, purpose)
        if word is not None and word.state is ConsentState.WITHDRAWN and granted([*ledger, *other], channel, purpose):
            found.append(word)
    return found


def topic_of(kind: Kind) -> Purpose:
    """Return the topic that a journey's messages belong to, which a person may decline on its own."""
    return _TOPICS[kind]


def latest(ledger: Iterable[ConsentRecord], channel: Channel, purpose: str = Purpose.MARKETING) -> ConsentRecord | None:
    """Return the last word on a purpose for a channel; a withdrawal wins a tie."""
    entries = [entry for entry in ledger if entry.channel is channel and entry.purpose == purpose]
    return max(entries, key=lambda entry: (entry.at, entry.state is ConsentState.WITHDRAWN), default=None)


def objected(situation: Situation, channel: Channel) -> bool:
    """Say whether the customer's last word for a channel, or for the journey's topic on it, is a withdrawal."""
    return declined(situation.consents, channel, situation.journey.kind)


def declined(ledger: Iterable[ConsentRecord], channel: Channel, kind: Kind) -> bool:
    """Say the same of a ledger and a kind of journey."""
    return any(word.state is ConsentState.WITHDRAWN for word in _words(ledger, channel, kind))


def _words(ledger: Iterable[ConsentRecord], channel: Channel, kind: Kind) -> list[ConsentRecord]:
    """Return the last words on marketing and on the topic of a kind of journey, as far as there are any."""
    entries = list(ledger)
    words = (latest(entries, channel, purpose) for purpose in (Purpose.MARKETING, topic_of(kind)))
    return [word for word in words if word is not None]


def allows(situation: Situation, channel: Channel, purpose: Purpose) -> bool:
    """Say whether the customer's last word on a purpose of its own, such as tracking, is a consent."""
    return granted(situation.consents, channel, purpose)


def granted(ledger: Iterable[ConsentRecord], channel: Channel, purpose: str) -> bool:
    """Say the same of a ledger."""
    word = latest(ledger, channel, purpose)
    return word is not None and word.state is ConsentState.GRANTED


def lawful_basis(situation: Situation, channel: Channel, at: datetime, scope: SoftOptIn) -> Lawful | None:
    """Return why a message of the journey's topic is lawful at `at`, with its proof; None when it is not.

    Consent to marketing or to the topic, for this channel; or soft opt-in (directive 2002/58/EC art. 13(2), CPCE
    L34-5): the person bought from this very shop in the last three years, or, where the shop's `scope` says so, has an
    account there, and did not object. A word on the channel outranks every purchase. An address typed into a
    checkout is neither, and nobody is telephoned without consent (loi 2025-594).
    """
    words = _words(situation.consents, channel, situation.journey.kind)
    if any(word.state is ConsentState.WITHDRAWN for word in words):
        return None
    if words:
        return Lawful(Basis.CONSENT, _proof(max(words, key=lambda word: word.at)))
    has_account = situation.customer is not None and situation.customer.has_account
    return soft_opt_in(channel, situation.orders, at, scope, has_account=has_account)


def soft_opt_in(
    channel: Channel, orders: Iterable[OrderRecord], at: datetime, scope: SoftOptIn, *, has_account: bool
) -> Lawful | None:
    """Return why somebody who never said a word about a channel may be written to on it, None when they may not."""
    if scope is SoftOptIn.NONE or channel not in _SOFT_OPT_IN:
        return None
    last = max((order for order in orders if _counts(order, at)), key=lambda order: order.placed_at, default=None)
    if last is not None:
        proof: dict[str, Json] = {"order": last.order_id, "placed_at": last.placed_at.isoformat(), "scope": scope}
        return Lawful(Basis.SOFT_OPT_IN, proof)
    if scope is SoftOptIn.BUYERS_AND_ACCOUNTS and has_account:
        return Lawful(Basis.SOFT_OPT_IN, {"account": True, "scope": scope})
    return None


def _counts(order: OrderRecord, at: datetime) -> bool:
    return order.own and order.sold and order.placed_at <= at < order.placed_at + SOFT_OPT_IN_LIFE


def _proof(word: ConsentRecord) -> dict[str, Json]:
    return {
        "consent": word.id,
        "purpose": word.purpose,
        "source": word.source,
        "at": word.at.isoformat(),
        "wording": word.wording_hash,
        "actor": word.actor,
    }
