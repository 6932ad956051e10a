"""Reading everything that is known about one journey, in as few statements as it takes."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, Connection, RowMapping, bindparam, func, select

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
from models.vocabulary import MAY_HAVE_ARRIVED, Arm, Channel, DeliveryState, Kind, Purpose, Status
from store.driven import Driven
from store.groups import own_rows, people_of
from store.lists import among
from store.objections import consent_record
from store.orders import orders_of
from store.policies import version
from store.records import cart_record, customer_record, journey_record
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

# Every message asks all of these; made once, so that neither they nor their compiled form are made again.
_IDS: BindParameter[str] = bindparam("ids", expanding=True)
_JOURNEY = select(JOURNEYS).where(JOURNEYS.c.id == bindparam("journey"))
_CUSTOMER = select(CUSTOMERS).where(CUSTOMERS.c.id == bindparam("customer"))
_CART = select(CARTS).where(CARTS.c.id == bindparam("cart"))
_CONSENTS = select(CONSENTS).where(CONSENTS.c.customer_id.in_(_IDS))
_HANDED = select(
    DELIVERIES.c.channel, DELIVERIES.c.handed_at, DELIVERIES.c.coupon, DELIVERIES.c.journey_id, DELIVERIES.c.step
).where(
    DELIVERIES.c.customer_id.in_(_IDS),
    DELIVERIES.c.handed_at > bindparam("since"),
    DELIVERIES.c.state.in_(MAY_HAVE_ARRIVED),
)
_DELIVERIES = select(DELIVERIES.c.channel, DELIVERIES.c.id, DELIVERIES.c.state, DELIVERIES.c.repeat_until).where(
    DELIVERIES.c.journey_id == bindparam("journey"), DELIVERIES.c.step == bindparam("step")
)
_BEHAVIOUR = select(EVENTS.c.type, EVENTS.c.properties).where(
    EVENTS.c.customer_id.in_(_IDS), EVENTS.c.type.in_(_ACTIONS), EVENTS.c.at > bindparam("since")
)
_SIGNALS = (
    select(EVENTS.c.type, EVENTS.c.product_id, EVENTS.c.properties)
    .where(EVENTS.c.customer_id.in_(_IDS), EVENTS.c.type.in_(list(EventType)), EVENTS.c.at > bindparam("since"))
    .order_by(EVENTS.c.at.desc())
    .limit(MOST)
)
_ABANDONS = select(func.count()).where(
    JOURNEYS.c.customer_id.in_(_IDS),
    JOURNEYS.c.kind == Kind.CART,
    JOURNEYS.c.j0 > bindparam("since"),
)
_RIVALS = select(JOURNEYS.c.id, JOURNEYS.c.policy_hash, JOURNEYS.c.step, JOURNEYS.c.next_action_at).where(
    JOURNEYS.c.customer_id.in_(_IDS),
    JOURNEYS.c.status != Status.CLOSED,
    JOURNEYS.c.id != bindparam("journey"),
    JOURNEYS.c.paused_at.is_(None),
    JOURNEYS.c.arm != Arm.HOLDOUT,
    JOURNEYS.c.next_action_at.is_not(None),
)
_SWITCHES = Driven(select(SWITCHES.c.channel))
_ITEMS = (PRODUCTS.c.shop == bindparam("shop"), among(PRODUCTS.c.product_id, "ids"))
_STOCK = Driven(select(PRODUCTS.c.product_id, PRODUCTS.c.stock).where(*_ITEMS))


def load_situation(connection: Connection, journey_id: str, step: str | None, at: datetime) -> Situation | None:
    """Return what is known of a journey and of a step's delivery; None for an unknown journey."""
    journey = connection.execute(_JOURNEY, {"journey": journey_id}).mappings().one_or_none()
    if journey is None:
        return None
    row = connection.execute(_CUSTOMER, {"customer": journey["customer_id"]}).mappings().one_or_none()
    if row is None:
        return Situation(journey_record(journey), None, (), None)
    return situation_of(connection, journey_record(journey), row, _cart(connection, journey["cart_id"]), step, at)


def situation_of(
    connection: Connection,
    record: JourneyRecord,
    row: RowMapping,
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


def _cart(connection: Connection, cart_id: str | None) -> CartRecord | None:
    if cart_id is None:
        return None
    row = connection.execute(_CART, {"cart": cart_id}).mappings().one_or_none()
    return None if row is None else cart_record(row)


def _consents(connection: Connection, own: Collection[str]) -> tuple[ConsentRecord, ...]:
    return tuple(consent_record(row) for row in connection.execute(_CONSENTS, {"ids": own}).mappings())


def _handed(
    connection: Connection, ids: Collection[str], journey_id: str, step: str | None, at: datetime
) -> tuple[Handed, ...]:
    """Return what these people got in the last year; a step is no pressure on itself."""
    values = {"ids": ids, "since": at - _YEAR}
    return tuple(
        Handed(Channel(channel), handed_at, coupon is not None, name)
        for channel, handed_at, coupon, journey, name in connection.execute(_HANDED, values)
        if (journey, name) != (journey_id, step)
    )


def _deliveries(connection: Connection, journey_id: str, step: str) -> dict[Channel, DeliveryRecord]:
    rows = connection.execute(_DELIVERIES, {"journey": journey_id, "step": step})
    return {Channel(channel): DeliveryRecord(id_, DeliveryState(state), until) for channel, id_, state, until in rows}


def _rivals(connection: Connection, ids: Collection[str], journey_id: str) -> tuple[Rival, ...]:
    """Return the other journeys of these people that want to send something; what is held, or held out, does not."""
    rivals = []
    for id_, hash_, step, due in connection.execute(_RIVALS, {"ids": ids, "journey": journey_id}):
        policy = version(connection, hash_)
        planned = policy.step(step or "") or policy.steps[0]
        rivals.append(Rival(id_, policy.name, policy.priority, planned.channels, due))
    return tuple(rivals)


def _behaviour(connection: Connection, ids: Collection[str], since: datetime) -> tuple[int, int]:
    """Return how many opens and clicks there were; a machine's are none."""
    rows = connection.execute(_BEHAVIOUR, {"ids": ids, "since": since})
    counts = Counter(type_ for type_, properties in rows if not by_machine(properties or {}))
    return counts[_ACTIONS[0]], counts[_ACTIONS[1]]


def _signals(connection: Connection, own: Collection[str], since: datetime, cart: CartRecord | None) -> Signals:
    """Return what a person's own behaviour showed around the activity that their journey began with, and since."""
    rows = connection.execute(_SIGNALS, {"ids": own, "since": since - WINDOW})
    in_cart = {line.product_id for line in cart.lines} if cart else set()
    return signals(((type_, product, properties) for type_, product, properties in rows), in_cart)


def _abandons(connection: Connection, own: Collection[str], at: datetime) -> int:
    return connection.execute(_ABANDONS, {"ids": own, "since": at - ABANDON_WINDOW}).scalar_one()


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
