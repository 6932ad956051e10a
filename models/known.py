"""The facts that a policy's rules see, computed from a situation; every name is one of `facts.FIELDS`."""

from datetime import datetime, timedelta

from models import score
from models.facts import Fact, Facts
from models.policy import Policy, segment_of, threshold
from models.signals import PREFIX, SIGNALS
from models.situation import CartRecord, CustomerRecord, Situation
from models.vocabulary import Kind

DAY = timedelta(days=1)


def known(situation: Situation, policy: Policy, at: datetime) -> Facts:
    """Return everything that is known at `at`, the segment included.

    One message asks several times: who writes it, the gate ahead of a look at the storefront, and the gate itself.
    """
    for of, moment, facts in situation.computed:
        if of is policy and moment == at:
            return facts
    found = _known(situation, policy, at)
    situation.computed[:] = [(policy, at, found)]
    return found


def _known(situation: Situation, policy: Policy, at: datetime) -> Facts:
    customer = situation.customer
    facts: dict[str, Fact] = {}
    if situation.cart is not None:
        facts |= _cart(situation, situation.cart, at)
    if customer is not None:
        facts |= _customer(situation, customer, policy, at)
    facts["segment"] = segment_of(policy, facts)[0]
    return facts


def _cart(situation: Situation, cart: CartRecord, at: datetime) -> dict[str, Fact]:
    stock = [one for one in situation.stock.values() if one is not None]
    return {
        "cart.value": cart.value,
        "cart.quantity": sum(line.quantity for line in cart.lines),
        "cart.items": len(cart.lines),
        "cart.step": cart.step,
        "cart.coupon": cart.coupon,
        "cart.currency": cart.currency,
        "cart.categories": tuple(sorted({line.category for line in cart.lines if line.category})),
        "cart.age_hours": (at - cart.last_activity_at) / timedelta(hours=1),
        "cart.stock": min(stock, default=None),
    }


def _customer(situation: Situation, customer: CustomerRecord, policy: Policy, at: datetime) -> dict[str, Fact]:
    own = [order for order in situation.orders if order.own and order.sold]
    recent = [order for order in own if at - order.placed_at <= threshold(policy)]
    spell = situation.journey.since if situation.journey.kind is Kind.INACTIVE else None
    last = customer.last_activity_at or spell
    inactive_days = None if last is None else (at - last) / DAY
    facts: dict[str, Fact] = {f"traits.{name}": value for name, value in customer.traits.items()}
    facts |= {
        "customer.orders": len(own),
        "customer.lifetime_value": sum(order.value for order in own),
        "customer.inactive_days": inactive_days,
        "customer.engagement": score.engagement(situation.opens, situation.clicks, len(recent)).value,
        "customer.abandons": situation.abandons,
        "customer.serial_abandoner": serial_abandoner(situation, at),
        "customer.country": customer.country,
        "customer.locale": customer.locale,
        "customer.loyalty": score.loyalty(len(own)).value,
        "customer.unanswered": unanswered(situation, customer),
    }
    facts |= {f"{PREFIX}{name}": getattr(situation.signals, name) for name in SIGNALS}
    if inactive_days is not None:
        facts["customer.depth"] = score.depth(inactive_days, threshold(policy)).value
    if customer.rfm is not None:
        recency, frequency, monetary = customer.rfm
        facts["customer.rfm.recency"], facts["customer.rfm.frequency"] = recency, frequency
        facts["customer.rfm.monetary"] = monetary
        facts["customer.rfm.score"] = round((recency + frequency + monetary) / 3, 2)
    return facts


def serial_abandoner(situation: Situation, at: datetime) -> bool:
    """Say whether this customer seems to abandon carts for the coupons."""
    coupons = sum(handed.coupon and at - handed.at <= score.ABANDON_WINDOW for handed in situation.handed)
    coupons += sum(order.coupon and at - order.placed_at <= score.ABANDON_WINDOW for order in situation.orders)
    return score.serial_abandoner(situation.abandons, coupons).value


def unanswered(situation: Situation, customer: CustomerRecord) -> int:
    """Return how many messages were handed over since the customer last did anything in the shop, within a year.

    Shopping, visiting, clicking in a message and ordering are answers; opening one is not. For whoever never did
    anything all of them count, and so do those to others with their address.
    """
    last = customer.last_activity_at
    return sum(last is None or handed.at > last for handed in situation.handed)
