"""Reading everything that is known about one journey, in as few statements as it takes."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, Connection, RowMapping, and_, bindparam, func, or_, select

from models.consent import granted
from models.events import EventType
from models.policy import threshold
from models.profile import by_machine
from models.score import ABANDON_WINDOW
from models.situation import (
    CartRecord,
    ConsentRecord,
    CustomerRecord,
    DeliveryRecord,
    Handed,
    JourneyRecord,
    Rival,
    Situation,
)
from models.vocabulary import MAY_HAVE_ARRIVED, Arm, Channel, DeliveryState, Kind, Purpose, Status
from store.driven import Driven
from store.lists import among
from store.objections import consent_record, suppressed
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

_YEAR = timedelta(days=366)
_ACTIONS = (EventType.EMAIL_OPENED, EventType.EMAIL_CLICKED)

# Every message asks all of these; made once, so that neither they nor their compiled form are made again.
_IDS: BindParameter[str] = bindparam("ids", expanding=True)
_JOURNEY = select(JOURNEYS).where(JOURNEYS.c.id == bindparam("journey"))
_CUSTOMER = select(CUSTOMERS).where(CUSTOMERS.c.id == bindparam("customer"))
_CART = select(CARTS).where(CARTS.c.id == bindparam("cart"))
_OF_SHOP = CUSTOMERS.c.shop == bindparam("shop")
_GROUP = (
    select(CUSTOMERS.c.id, CUSTOMERS.c.seq)
    .where(
        or_(  # each way with the shop: only so does SQLite look each up in its own index
            and_(_OF_SHOP, CUSTOMERS.c.id == bindparam("customer")),
            and_(_OF_SHOP, CUSTOMERS.c.email_key == bindparam("email_key")),  # never true for an unknown address
            and_(_OF_SHOP, CUSTOMERS.c.phone == bindparam("phone")),
        ),
    )
    .order_by(CUSTOMERS.c.id)
)
_LOCKED_GROUP = Driven(_GROUP.with_for_update())
_FREE_GROUP = Driven(_GROUP)
_CONSENTS = select(CONSENTS).where(CONSENTS.c.customer_id == bindparam("customer"))
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
_ABANDONS = select(func.count()).where(
    JOURNEYS.c.customer_id == bindparam("customer"),
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
    locked = group_of(connection, record.shop, customer, lock=False)
    ids = [one for one, _ in locked]
    consents = _consents(connection, customer.id)
    opens, clicks = _behaviour(connection, ids, at - threshold(version(connection, record.policy_hash)))
    return Situation(
        journey=record,
        customer=customer,
        locked=locked,
        cart=cart,
        orders=orders_of(connection, record.shop, customer.id, ids, cart),
        consents=consents,
        suppressed=suppressed(connection, record.shop, customer, at),
        handed=_handed(connection, ids, record.id, step, at),
        opens=opens if granted(consents, Channel.EMAIL, Purpose.OPEN_TRACKING) else 0,
        clicks=clicks,
        abandons=_abandons(connection, customer.id, at),
        switched_off=switched_off(connection),
        stock=stock_of(connection, record.shop, cart),
        deliveries={} if step is None else _deliveries(connection, record.id, step),
        rivals=() if step is None else _rivals(connection, ids, record.id),
    )


def group_of(connection: Connection, shop: str, customer: CustomerRecord, *, lock: bool) -> tuple[tuple[str, int], ...]:
    """Return ids and sequence numbers of everybody with this customer's address, in id order, locked if asked."""
    values = {"shop": shop, "customer": customer.id, "email_key": customer.email_key, "phone": customer.phone}
    rows = (_LOCKED_GROUP if lock else _FREE_GROUP).rows(connection, values)
    return tuple((one, seq) for one, seq in rows)


def lock_customer_of(connection: Connection, journey_id: str) -> None:
    """Lock everybody with the address of a journey's customer; on SQLite whoever writes has locked everything."""
    if connection.dialect.name == "sqlite":
        return
    mine = select(JOURNEYS.c.customer_id).where(JOURNEYS.c.id == journey_id).scalar_subquery()
    row = connection.execute(select(CUSTOMERS).where(CUSTOMERS.c.id == mine)).mappings().one_or_none()
    if row is not None:
        group_of(connection, row["shop"], customer_record(row), lock=True)


def _cart(connection: Connection, cart_id: str | None) -> CartRecord | None:
    if cart_id is None:
        return None
    row = connection.execute(_CART, {"cart": cart_id}).mappings().one_or_none()
    return None if row is None else cart_record(row)


def _consents(connection: Connection, customer_id: str) -> tuple[ConsentRecord, ...]:
    return tuple(consent_record(row) for row in connection.execute(_CONSENTS, {"customer": customer_id}).mappings())


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


def _abandons(connection: Connection, customer_id: str, at: datetime) -> int:
    return connection.execute(_ABANDONS, {"customer": customer_id, "since": at - ABANDON_WINDOW}).scalar_one()


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
