"""Reading everything that is known about one journey, in as few statements as it takes."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, select

from models.consent import granted
from models.events import EventType
from models.policy import threshold
from models.profile import by_machine
from models.score import ABANDON_WINDOW
from models.signals import MOST, WINDOW, Signals, asks_for_signals, signals
from models.situation import (
    CartRecord,
    ConsentRecord,
    DeliveryRecord,
    Handed,
    JourneyRecord,
    Rival,
    Situation,
)
from models.vocabulary import MAY_HAVE_ARRIVED, Arm, Channel, ConsentState, DeliveryState, Kind, Purpose, Status
from store.driven import Driven
from store.groups import own_rows, people_of
from store.lists import among
from store.orders import orders_of
from store.policies import version
from store.records import CART, CUSTOMER, JOURNEY, Row, cart_record, customer_record, journey_record
from store.rows import select_state
from store.schema import (
    CARTS,
    CONSENTS,
    CUSTOMERS,
    DELIVERIES,
    EVENTS,
    JOURNEYS,
    PRODUCTS,
    SWITCHES,
)
from store.suppressed import suppressed

_YEAR = timedelta(days=366)
_ACTIONS = (EventType.EMAIL_OPENED, EventType.EMAIL_CLICKED)

# Every message asks all of these.
_SUBJECT = Driven(
    select(
        *[JOURNEYS.c[name] for name in JOURNEY],
        *[CUSTOMERS.c[name] for name in CUSTOMER],
        *[CARTS.c[name] for name in CART],
    )
    .select_from(JOURNEYS)
    .outerjoin(CUSTOMERS, CUSTOMERS.c.id == JOURNEYS.c.customer_id)
    .outerjoin(CARTS, CARTS.c.id == JOURNEYS.c.cart_id)
    .where(JOURNEYS.c.id == bindparam("journey"))
)
_CONSENTS = Driven(select(*select_state(CONSENTS, ConsentRecord)).where(among(CONSENTS.c.customer_id, "ids")))
_HANDED = Driven(
    select(
        DELIVERIES.c.channel, DELIVERIES.c.handed_at, DELIVERIES.c.coupon, DELIVERIES.c.journey_id, DELIVERIES.c.step
    ).where(
        among(DELIVERIES.c.customer_id, "ids"),
        DELIVERIES.c.handed_at > bindparam("since"),
        among(DELIVERIES.c.state, "states"),
    )
)
_DELIVERIES = Driven(
    select(DELIVERIES.c.channel, DELIVERIES.c.id, DELIVERIES.c.state, DELIVERIES.c.repeat_until).where(
        DELIVERIES.c.journey_id == bindparam("journey"), DELIVERIES.c.step == bindparam("step")
    )
)
_EVENTS = (
    among(EVENTS.c.customer_id, "ids"),
    among(EVENTS.c.type, "types"),
    EVENTS.c.at > bindparam("since"),
)
_BEHAVIOUR = Driven(select(EVENTS.c.type, EVENTS.c.properties).where(*_EVENTS))
_SIGNALS = Driven(
    select(EVENTS.c.type, EVENTS.c.product_id, EVENTS.c.properties)
    .where(*_EVENTS)
    .order_by(EVENTS.c.at.desc())
    .limit(MOST)
)
_ABANDONS = Driven(
    select(func.count()).where(
        among(JOURNEYS.c.customer_id, "ids"),
        JOURNEYS.c.kind == Kind.CART,
        JOURNEYS.c.j0 > bindparam("since"),
    )
)
_RIVALS = Driven(
    select(JOURNEYS.c.id, JOURNEYS.c.policy_hash, JOURNEYS.c.step, JOURNEYS.c.next_action_at).where(
        among(JOURNEYS.c.customer_id, "ids"),
        JOURNEYS.c.status != Status.CLOSED,
        JOURNEYS.c.id != bindparam("journey"),
        JOURNEYS.c.paused_at.is_(None),
        JOURNEYS.c.arm != Arm.HOLDOUT,
        JOURNEYS.c.next_action_at.is_not(None),
    )
)
_SWITCHES = Driven(select(SWITCHES.c.channel))
_ITEMS = (PRODUCTS.c.shop == bindparam("shop"), among(PRODUCTS.c.product_id, "ids"))
_STOCK = Driven(select(PRODUCTS.c.product_id, PRODUCTS.c.stock).where(*_ITEMS))


def load_situation(connection: Connection, journey_id: str, step: str | None, at: datetime) -> Situation | None:
    """Return what is known of a journey and of a step's delivery; None for an unknown journey."""
    found = _SUBJECT.first(connection, {"journey": journey_id})
    if found is None:
        return None
    values = iter(found)
    journey, customer, cart = (dict(zip(names, values, strict=False)) for names in (JOURNEY, CUSTOMER, CART))
    record = journey_record(journey)
    if customer["id"] is None:
        return Situation(record, None, (), None)
    return situation_of(connection, record, customer, cart_record(cart) if cart["id"] else None, step, at)


def situation_of(
    connection: Connection,
    record: JourneyRecord,
    row: Row,
    cart: CartRecord | None,
    step: str | None,
    at: datetime,
) -> Situation:
    """Return what is known of a journey of a customer, given both rows; the journey need not be stored yet."""
    customer = customer_record(row)
    group = people_of(connection, record.shop, customer.id)
    ids, rows = [one.id for one in group], own_rows(group, customer.id)
    own = [one.id for one in rows]
    consents = _consents(connection, own)
    policy = version(connection, record.policy_hash)
    opens, clicks = _behaviour(connection, ids, at - threshold(policy))
    # Of a stored journey without a step it may be asked which policy it shall have.
    asked = asks_for_signals(policy) or (step is None and record.id != "")
    return Situation(
        journey=record,
        customer=customer,
        locked=tuple((one.id, one.seq) for one in group),
        cart=cart,
        orders=orders_of(connection, record.shop, own, ids, cart),
        consents=consents,
        suppressed=suppressed(connection, record.shop, customer, rows, at),
        handed=_handed(connection, ids, record.id, step, at),
        opens=opens if granted(consents, Channel.EMAIL, Purpose.OPEN_TRACKING) else 0,
        clicks=clicks,
        abandons=_abandons(connection, own, at),
        switched_off=switched_off(connection),
        stock=stock_of(connection, record.shop, cart),
        deliveries={} if step is None else _deliveries(connection, record.id, step),
        rivals=() if step is None else _rivals(connection, ids, record.id),
        signals=_signals(connection, own, record.since, cart) if asked else Signals(),
    )


def _consents(connection: Connection, own: Sequence[str]) -> tuple[ConsentRecord, ...]:
    return tuple(
        ConsentRecord(Channel(channel), purpose, ConsentState(state), *more)
        for channel, purpose, state, *more in _CONSENTS.rows(connection, {"ids": own})
    )


def _handed(
    connection: Connection, ids: Sequence[str], journey_id: str, step: str | None, at: datetime
) -> tuple[Handed, ...]:
    """Return what these people got in the last year; a step is no pressure on itself."""
    values = {"ids": ids, "since": at - _YEAR, "states": MAY_HAVE_ARRIVED}
    return tuple(
        Handed(Channel(channel), handed_at, coupon is not None, name)
        for channel, handed_at, coupon, journey, name in _HANDED.rows(connection, values)
        if (journey, name) != (journey_id, step)
    )


def _deliveries(connection: Connection, journey_id: str, step: str) -> dict[Channel, DeliveryRecord]:
    rows = _DELIVERIES.rows(connection, {"journey": journey_id, "step": step})
    return {Channel(channel): DeliveryRecord(id_, DeliveryState(state), until) for channel, id_, state, until in rows}


def _rivals(connection: Connection, ids: Sequence[str], journey_id: str) -> tuple[Rival, ...]:
    """Return the other journeys of these people that want to send something; what is held, or held out, does not."""
    rivals = []
    for id_, hash_, step, due in _RIVALS.rows(connection, {"ids": ids, "journey": journey_id}):
        policy = version(connection, hash_)
        planned = policy.step(step or "") or policy.steps[0]
        rivals.append(Rival(id_, policy.name, policy.priority, planned.channels, due))
    return tuple(rivals)


def _behaviour(connection: Connection, ids: Sequence[str], since: datetime) -> tuple[int, int]:
    """Return how many opens and clicks there were; a machine's are none."""
    rows = _BEHAVIOUR.rows(connection, {"ids": ids, "types": _ACTIONS, "since": since})
    counts = Counter(type_ for type_, properties in rows if not by_machine(properties or {}))
    return counts[_ACTIONS[0]], counts[_ACTIONS[1]]


def _signals(connection: Connection, own: Sequence[str], since: datetime, cart: CartRecord | None) -> Signals:
    """Return what a person's own behaviour showed around the activity that their journey began with, and since."""
    values = {"ids": own, "types": list(EventType), "since": since - WINDOW}
    in_cart = {line.product_id for line in cart.lines} if cart else set()
    return signals(_SIGNALS.rows(connection, values), in_cart)


def _abandons(connection: Connection, own: Sequence[str], at: datetime) -> int:
    ((abandons,),) = _ABANDONS.rows(connection, {"ids": own, "since": at - ABANDON_WINDOW})
    return int(abandons)


def switched_off(connection: Connection) -> frozenset[str]:
    """Return the channels under the kill switch, `all` among them."""
    return frozenset(channel for (channel,) in _SWITCHES.rows(connection, {}))


def stock_of(connection: Connection, shop: str, cart: CartRecord | None) -> dict[str, int | None]:
    """Return what the shop last said about the stock of a cart's items: its catalogue, else the cart itself."""
    if cart is None or not cart.lines:
        return {}
    told = {line.product_id: line.stock for line in cart.lines}
    rows = _STOCK.rows(connection, {"shop": shop, "ids": list(told)})
    return told | {product: stock for product, stock in rows if stock is not None}
