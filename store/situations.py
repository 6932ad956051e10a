"""Reading everything that is known about one journey, in as few statements as it takes."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, func, or_, select

from models.cart import from_json
from models.events import EventType
from models.policy import threshold
from models.score import ABANDON_WINDOW
from models.situation import (
    CartRecord,
    ConsentRecord,
    CustomerRecord,
    DeliveryRecord,
    Handed,
    JourneyRecord,
    OrderRecord,
    Situation,
)
from models.vocabulary import Arm, Channel, DeliveryState, Kind, Outcome, Status
from store.carts import PURCHASE
from store.objections import consent_record, suppressed
from store.policies import version
from store.schema import (
    CARTS,
    CONSENTS,
    CUSTOMERS,
    DELIVERIES,
    EVENTS,
    JOURNEYS,
    ORDER_TOKENS,
    ORDERS,
    PRODUCTS,
    SWITCHES,
)

_YEAR = timedelta(days=366)
_COUNTS = (DeliveryState.HANDED, DeliveryState.SENT, DeliveryState.UNKNOWN)


def load_situation(connection: Connection, journey_id: str, step: str | None, at: datetime) -> Situation | None:
    """Return what is known of a journey and of a step's delivery; None for an unknown journey."""
    journey = connection.execute(select(JOURNEYS).where(JOURNEYS.c.id == journey_id)).mappings().one_or_none()
    if journey is None:
        return None
    row = connection.execute(select(CUSTOMERS).where(CUSTOMERS.c.id == journey["customer_id"])).mappings().one_or_none()
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
    customer = _customer(row)
    locked = group_of(connection, record.shop, customer, lock=False)
    ids = [one for one, _ in locked]
    opens, clicks = _behaviour(connection, ids, at - threshold(version(connection, record.policy_hash)))
    return Situation(
        journey=record,
        customer=customer,
        locked=locked,
        cart=cart,
        orders=_orders(connection, record.shop, customer.id, ids, cart),
        consents=_consents(connection, customer.id),
        suppressed=suppressed(connection, record.shop, customer),
        handed=_handed(connection, ids, record.id, step, at),
        opens=opens,
        clicks=clicks,
        abandons=_abandons(connection, customer.id, at),
        switched_off=switched_off(connection),
        stock=stock_of(connection, record.shop, cart),
        delivery=None if step is None else _delivery(connection, record.id, step),
    )


def group_of(
    connection: Connection, shop: str, customer: CustomerRecord, *, lock: bool
) -> tuple[tuple[str, int], ...]:
    """Return ids and sequence numbers of everybody with this customer's address, in id order, locked if asked."""
    same = [CUSTOMERS.c.id == customer.id]
    if customer.email_key is not None:
        same.append(CUSTOMERS.c.email_key == customer.email_key)
    if customer.phone is not None:
        same.append(CUSTOMERS.c.phone == customer.phone)
    statement = (
        select(CUSTOMERS.c.id, CUSTOMERS.c.seq).where(CUSTOMERS.c.shop == shop, or_(*same)).order_by(CUSTOMERS.c.id)
    )
    rows = connection.execute(statement.with_for_update() if lock else statement)
    return tuple((one, seq) for one, seq in rows)


def journey_record(row: RowMapping) -> JourneyRecord:
    """Read a journey's row."""
    return JourneyRecord(
        id=row["id"],
        shop=row["shop"],
        kind=Kind(row["kind"]),
        status=Status(row["status"]),
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        policy=row["policy"],
        policy_hash=row["policy_hash"],
        segment=row["segment"],
        arm=Arm(row["arm"]),
        since=row["since"],
        j0=row["j0"],
        paused_at=row["paused_at"],
        paused_s=row["paused_s"],
    )


def _customer(row: RowMapping) -> CustomerRecord:
    quintiles = (row["rfm_recency"], row["rfm_frequency"], row["rfm_monetary"])
    return CustomerRecord(
        id=row["id"],
        seq=row["seq"],
        email=row["email"],
        email_key=row["email_key"],
        phone=row["phone"],
        first_name=row["first_name"],
        locale=row["locale"],
        timezone=row["timezone"],
        country=row["country"],
        traits=row["traits"] or {},
        last_activity_at=row["last_activity_at"],
        rfm=None if None in quintiles else quintiles,
    )


def _cart(connection: Connection, cart_id: str | None) -> CartRecord | None:
    if cart_id is None:
        return None
    row = connection.execute(select(CARTS).where(CARTS.c.id == cart_id)).mappings().one_or_none()
    if row is None:
        return None
    return CartRecord(
        id=row["id"],
        tokens=frozenset({row["token"], row["alias"]} - {None}),
        lines=tuple(from_json(line) for line in row["lines"]),
        currency=row["currency"],
        value=row["value"],
        step=row["step"],
        coupon=row["coupon"],
        checkout_url=row["checkout_url"],
        last_activity_at=row["last_activity_at"],
    )


def _orders(
    connection: Connection, shop: str, customer_id: str, ids: Collection[str], cart: CartRecord | None
) -> tuple[OrderRecord, ...]:
    tokens = cart.tokens if cart else frozenset()
    by_token = select(ORDER_TOKENS.c.order_id).where(ORDER_TOKENS.c.shop == shop, ORDER_TOKENS.c.token.in_(tokens))
    statement = (
        select(ORDERS, ORDER_TOKENS.c.token)
        .outerjoin(ORDER_TOKENS, ORDER_TOKENS.c.order_id == ORDERS.c.id)
        .where(or_(ORDERS.c.customer_id.in_(ids), ORDERS.c.id.in_(by_token)))
    )
    found: dict[str, tuple[RowMapping, set[str]]] = {}
    for row in connection.execute(statement).mappings():
        found.setdefault(row["id"], (row, set()))[1].add(row["token"])
    return tuple(
        OrderRecord(
            tokens=frozenset(names - {None}),
            paid=row["status"] in PURCHASE,
            value=row["value"] - row["refunded"],
            coupon=row["coupon"] is not None,
            placed_at=row["placed_at"],
            own=row["customer_id"] == customer_id,
        )
        for row, names in found.values()
    )


def _consents(connection: Connection, customer_id: str) -> tuple[ConsentRecord, ...]:
    statement = select(CONSENTS).where(CONSENTS.c.customer_id == customer_id)
    return tuple(consent_record(row) for row in connection.execute(statement).mappings())


def _handed(
    connection: Connection, ids: Collection[str], journey_id: str, step: str | None, at: datetime
) -> tuple[Handed, ...]:
    """Return what these people got in the last year; a step is no pressure on itself."""
    columns = (DELIVERIES.c.channel, DELIVERIES.c.handed_at, DELIVERIES.c.coupon)
    statement = select(*columns, DELIVERIES.c.journey_id, DELIVERIES.c.step).where(
        DELIVERIES.c.customer_id.in_(ids), DELIVERIES.c.handed_at > at - _YEAR, DELIVERIES.c.state.in_(_COUNTS)
    )
    return tuple(
        Handed(Channel(channel), handed_at, coupon is not None)
        for channel, handed_at, coupon, journey, name in connection.execute(statement)
        if (journey, name) != (journey_id, step)
    )


def _delivery(connection: Connection, journey_id: str, step: str) -> DeliveryRecord | None:
    place = (DELIVERIES.c.journey_id == journey_id, DELIVERIES.c.step == step)
    row = connection.execute(select(DELIVERIES.c.id, DELIVERIES.c.state).where(*place)).one_or_none()
    return None if row is None else DeliveryRecord(row.id, DeliveryState(row.state))


def _behaviour(connection: Connection, ids: Collection[str], since: datetime) -> tuple[int, int]:
    kinds = (EventType.EMAIL_OPENED, EventType.EMAIL_CLICKED)
    statement = (
        select(EVENTS.c.type, func.count())
        .where(EVENTS.c.customer_id.in_(ids), EVENTS.c.type.in_(kinds), EVENTS.c.at > since)
        .group_by(EVENTS.c.type)
    )
    counts = {type_: number for type_, number in connection.execute(statement)}
    return counts.get(kinds[0], 0), counts.get(kinds[1], 0)


def _abandons(connection: Connection, customer_id: str, at: datetime) -> int:
    statement = select(func.count()).where(
        JOURNEYS.c.customer_id == customer_id, JOURNEYS.c.kind == Kind.CART, JOURNEYS.c.j0 > at - ABANDON_WINDOW
    )
    return connection.execute(statement).scalar_one()


def switched_off(connection: Connection) -> frozenset[str]:
    """Return the channels under the kill switch, `all` among them."""
    return frozenset(connection.execute(select(SWITCHES.c.channel)).scalars())


def stock_of(connection: Connection, shop: str, cart: CartRecord | None) -> dict[str, int | None]:
    """Return what the shop last said about the stock of a cart's items: its catalogue, else the cart itself."""
    if cart is None or not cart.lines:
        return {}
    told = {line.product_id: line.stock for line in cart.lines}
    statement = select(PRODUCTS.c.product_id, PRODUCTS.c.stock).where(
        PRODUCTS.c.shop == shop, PRODUCTS.c.product_id.in_(list(told))
    )
    return told | {product: stock for product, stock in connection.execute(statement) if stock is not None}
