"""A situation in which nothing speaks against a message, and short ways to change one thing in it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from models.events import Line, OrderStatus
from models.policy import CartTrigger, InactiveTrigger, Policy
from models.question import Question, ShopRules
from models.situation import (
    CartRecord,
    ConsentRecord,
    CustomerRecord,
    Handed,
    JourneyRecord,
    OrderRecord,
    Situation,
)
from models.step import Step
from models.vocabulary import Arm, Channel, ConsentState, Kind, Status

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
REMINDER = Step("reminder", timedelta(), 3 * DAY, (Channel.EMAIL,), "cart/reminder")
LAST_CALL = Step("last-call", 3 * DAY, 3 * DAY, (Channel.SMS,), "cart/last-call")
CARTS = Policy("cart", CartTrigger(), (REMINDER, LAST_CALL))
SLEEPERS = Policy("inactive", InactiveTrigger(), (replace(REMINDER, template="inactive/reminder"),))
GRANTED = ConsentRecord(Channel.EMAIL, "marketing", ConsentState.GRANTED, "form", NOON - 30 * DAY)

JOURNEY = JourneyRecord(
    id="j1",
    shop="main",
    kind=Kind.CART,
    status=Status.WAITING,
    outcome=None,
    policy="cart",
    policy_hash=CARTS.hash,
    segment="regular",
    arm=Arm.TREATMENT,
    since=NOON - 2 * HOUR,
    j0=NOON - HOUR,
    paused_at=None,
    paused_s=0,
)
CUSTOMER = CustomerRecord(
    id="c1",
    seq=1,
    email="camille@example.org",
    email_key="camille@example.org",
    phone="+33612345678",
    first_name="Camille",
    locale="fr",
    timezone="Europe/Paris",
    country="FR",
    traits={"region": "Bretagne"},
    last_activity_at=NOON - 2 * HOUR,
    rfm=None,
)
CART = CartRecord(
    id="k1",
    tokens=frozenset({"t1"}),
    lines=(Line("p1", "Vase", 4500, 2, category="home"),),
    currency="EUR",
    value=9000,
    step="payment",
    coupon=None,
    checkout_url=None,
    last_activity_at=NOON - 2 * HOUR,
)
QUIET = Situation(JOURNEY, CUSTOMER, (("c1", 1),), CART, consents=(GRANTED,))


def question(situation: Situation = QUIET, policy: Policy = CARTS, **changes: Any) -> Question:
    """Ask at noon whether the first step of a policy may go out by e-mail."""
    step = changes.pop("step", policy.steps[0])
    given: dict[str, Any] = {"channel": step.channels[0], "at": NOON, "until": NOON + DAY, "shop": ShopRules()}
    return Question(situation, policy, step, **({"reachable": {Channel.EMAIL}} | given | changes))


def facing(asked: Question, **changes: Any) -> Question:
    """Return the question with a part of its situation changed."""
    return replace(asked, situation=replace(asked.situation, **changes))


def of_journey(asked: Question, **changes: Any) -> Question:
    """Return the question with its journey changed."""
    return facing(asked, journey=replace(asked.situation.journey, **changes))


def order(placed_at: datetime, **changes: Any) -> OrderRecord:
    """Return a paid order of the customer's own, that names no cart."""
    plain = OrderRecord(frozenset(), OrderStatus.PAID, value=9000, coupon=False, placed_at=placed_at, own=True)
    return replace(plain, **changes)


def handed(at: datetime, channel: Channel = Channel.EMAIL, *, coupon: bool = False) -> Handed:
    """Return a message that went to the customer."""
    return Handed(channel, at, coupon)
