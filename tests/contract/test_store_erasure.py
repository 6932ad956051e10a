from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from models.events import ConsentEntry, Event, EventType, Line, Person, content_key
from models.stored import Json
from models.vocabulary import Channel, ConsentState, DeliveryState
from store import erasures
from store.acts import ActName
from store.audit import audit
from store.forgetting import forget
from store.ledger import hand_over
from store.schema import (
    CUSTOMERS,
    DELIVERIES,
    ERASURES,
    JOURNEYS,
    METADATA,
    NOTICES,
    ORDERS,
    SUPPRESSIONS,
    TASKS,
)
from store.situations import load_situation
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    NOBODY,
    NOON,
    basket,
    checkout,
    granted,
    identify,
    line,
    order,
    person,
    redact,
    withdrawn,
)
from tests.known_shop import KnownShop

PLANTED = (
    "planted-id",
    "planted-name",
    "planted@example",
    "planted-old@example",
    "planted-trait",
    "planted-city",
    "planted-wording",
    "planted-reason",
    "planted-product",
    "planted-token",
    "planted-search",
    "+33699999999",
)
WORDING = ConsentEntry(Channel.EMAIL, "marketing", ConsentState.GRANTED, "form", NOON - DAY, "planted-wording")
PERSON = Person(
    external_id="planted-id",
    email="planted@example.com",
    phone="+33699999999",
    first_name="planted-name",
    traits=(("planted-trait", "planted-city"),),
    consents=(WORDING,),
)
J0 = NOON + HOUR


def everything(connection: Connection) -> Iterator[tuple[str, str]]:
    """Return every value of every table as text, with its place."""
    for table in METADATA.sorted_tables:
        for row in connection.execute(table.select()).mappings():
            for name, value in row.items():
                yield f"{table.name}.{name}", value.decode() if isinstance(value, bytes) else str(value)


async def found(shop: KnownShop) -> set[tuple[str, str]]:
    """Return which planted texts are where."""
    values = await shop.db.read(lambda connection: list(everything(connection)))
    return {(place, text) for place, value in values for text in PLANTED if text in value}


async def live(shop: KnownShop) -> str:
    """Let the person do everything that leaves a trace, and return their journey."""
    old = replace(PERSON, email="planted-old@example.com", consents=(withdrawn(NOON - 9 * DAY),))
    await shop.hears(identify(old, NOON - 9 * DAY))
    await shop.hears(basket(NOBODY, "planted-token-c", [line("planted-product")]))
    await shop.hears(checkout(PERSON, "planted-token", [line("planted-product")], alias="planted-token-c"))
    journey = str((await shop.journey())["id"])
    await shop.assess(journey, J0)
    intent = await shop.intent(journey, at=J0)
    inputs: dict[str, Json] = {"rules": [{"actual": "planted-city"}]}
    await shop.db.write(hand_over, replace(intent, message=b"Bonjour planted-name", inputs=inputs), J0)
    await shop.settle(journey, DeliveryState.SENT, at=J0)
    await shop.act(journey, ActName.PAUSE, J0, "planted-reason")
    await shop.hears(order(PERSON, "1001", at=J0 - DAY, placed_at=J0 - DAY), at=J0)
    key = content_key("search", "planted-search")
    search = Event(key, EventType.OTHER, "Products Searched", J0, PERSON, properties={"query": "planted-search"})
    view = replace(search, key=key[::-1], type=EventType.PRODUCT_VIEWED, product=Line("planted-product", "", 0))
    await shop.hears(search, view)
    return journey


async def forgotten(shop: KnownShop, *, at: datetime = J0 + DAY) -> None:
    """Do the step of every job that deletes rows."""
    for job in await shop.db.read(erasures.due, at, 10):
        assert await shop.db.write(forget, job, at)


async def test_after_an_erasure_nothing_personal_is_left_in_any_column(shop: KnownShop) -> None:
    await live(shop)
    assert {text for _, text in await found(shop)} == set(PLANTED)
    await shop.hears(redact(Person("planted-id"), J0 + DAY))
    await forgotten(shop)
    # The shop's own number of a cart joins orders to journeys in the figures, and says nothing about anybody.
    assert await found(shop) == {("journeys.cart_token", "planted-token")}


async def test_an_erasure_closes_the_journey_and_keeps_the_proof(shop: KnownShop) -> None:
    journey = await live(shop)
    told = await shop.hears(redact(Person("planted-id"), J0 + DAY))
    assert (await shop.row(JOURNEYS))["outcome"] == "erased"
    assert [row.call for row in told.outbox] == ["stopped"]
    assert await shop.rows(CUSTOMERS) == []
    assert await shop.db.read(audit) == []
    ruling = await shop.hand_over(journey, "social-proof", at=J0 + DAY)
    assert ruling is not None
    assert ruling.verdict == "stopped"
    known = await shop.db.read(load_situation, journey, "social-proof", J0 + DAY)
    assert known is not None
    assert (known.customer, known.locked, known.cart) == (None, (), None)
    assert await shop.db.read(audit) == []


async def test_the_shops_sales_figures_stay_without_a_name(shop: KnownShop) -> None:
    await live(shop)
    await shop.hears(redact(Person("planted-id"), J0 + DAY))
    await forgotten(shop)
    sold = await shop.row(ORDERS)
    assert (sold["value"], sold["customer_id"]) == (4500, None)


async def test_the_objection_of_somebody_erased_counts_when_they_come_back(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", withdrawn(NOON))))
    await shop.hears(redact(person("jeanne"), NOON + DAY))
    await shop.hears(checkout(person("jeanne"), at=NOON + 2 * DAY))
    come_back = await shop.db.read(load_situation, (await shop.journey())["id"], None, NOON + 3 * DAY)
    assert come_back is not None
    assert come_back.suppressed == {Channel.EMAIL: "objection"}


async def test_an_objection_from_before_anybody_had_the_address_is_hidden_too(shop: KnownShop) -> None:
    await shop.opt_out("planted@example.com", NOON - DAY)
    await shop.hears(identify(PERSON), redact(PERSON, NOON + MINUTE))
    await forgotten(shop)
    assert await found(shop) == set()
    await shop.hears(checkout(replace(PERSON, consents=()), at=NOON + DAY))
    come_back = await shop.db.read(load_situation, (await shop.journey())["id"], None, NOON + DAY)
    assert come_back is not None
    assert come_back.suppressed[Channel.EMAIL] == "objection"


async def test_a_consent_after_the_erasure_lifts_that_objection(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", withdrawn(NOON))))
    await shop.hears(redact(person("jeanne"), NOON + DAY))
    await shop.hears(checkout(person("jeanne", granted(NOON + 2 * DAY)), at=NOON + 2 * DAY))
    come_back = await shop.db.read(load_situation, (await shop.journey())["id"], None, NOON + 3 * DAY)
    assert come_back is not None
    assert come_back.suppressed == {}


async def test_erasing_somebody_unknown_leaves_nobody_and_no_job(shop: KnownShop) -> None:
    await shop.hears(redact(replace(PERSON, consents=())))
    assert await shop.rows(CUSTOMERS) == []
    assert await shop.rows(ERASURES) == []
    assert await shop.rows(SUPPRESSIONS) == []
    assert await found(shop) == set()


async def test_an_erasure_that_is_asked_twice_is_done_once(shop: KnownShop) -> None:
    await live(shop)
    for more in range(3):
        await shop.hears(redact(Person("planted-id"), J0 + DAY + more * MINUTE))
        await forgotten(shop)
    assert await shop.rows(CUSTOMERS) == []
    (job,) = await shop.rows(ERASURES)
    assert (job["state"], job["actor"]) == ("erased", "storefront")


async def test_what_the_erased_did_in_the_same_batch_goes_too(shop: KnownShop) -> None:
    await shop.hears(checkout(PERSON, "planted-token"), redact(PERSON, NOON + MINUTE))
    await forgotten(shop)
    assert await found(shop) == set()
    assert await shop.rows(JOURNEYS) == []


async def test_somebody_else_with_the_same_address_is_not_erased(shop: KnownShop) -> None:
    await shop.hears(checkout(PERSON, "T1"), checkout(replace(PERSON, external_id="second"), "T2"))
    await shop.hears(redact(Person("second"), J0))
    assert [one["external_id"] for one in await shop.rows(CUSTOMERS)] == ["planted-id"]


async def test_what_others_wrote_about_a_person_goes_whoever_wrote_it(shop: KnownShop) -> None:
    journey = await live(shop)
    delivery, who = await shop.row(DELIVERIES), (await shop.row(CUSTOMERS))["id"]
    notice = {"provider": "memory", "type": "bounced", "channel": "email", "at": J0, "received_at": J0}
    told = notice | {"key": "1", "delivery_id": delivery["id"], "reason": "planted-reason", "address": "a hash"}
    of_address = notice | {"key": "2", "reason": "planted-reason", "address": delivery["address"]}
    task = {"id": "t", "shop": "main", "journey_id": journey, "customer_id": who, "delivery_id": delivery["id"]}
    task |= {"created_at": J0, "note": "planted-reason"}
    proof = {"problem": "planted-reason", "releases": [{"attempt": 1, "at": "then", "proof": "planted-reason"}]}
    for statement in (
        NOTICES.insert().values(told),
        NOTICES.insert().values(of_address),
        TASKS.insert().values(task),
        DELIVERIES.update().values(proof | {"attempts": 2}),
    ):
        await shop.db.write(lambda connection, one=statement: connection.execute(one))  # type: ignore[misc]
    await shop.hears(redact(Person("planted-id"), J0 + DAY))
    await forgotten(shop)
    assert await found(shop) == {("journeys.cart_token", "planted-token")}
    assert {one["address"] for one in await shop.rows(NOTICES)} == {None}
    assert await shop.db.read(audit) == []


async def test_an_objection_of_the_next_owner_of_an_address_is_held_against_no_message_to_the_erased(
    shop: KnownShop,
) -> None:
    await shop.hears(checkout(person("jeanne", granted(NOON - DAY)), at=NOON))
    journey = (await shop.journey())["id"]
    await shop.assess(journey, NOON + 2 * HOUR)
    assert await shop.hand_over(journey, at=NOON + 2 * HOUR)
    assert len(await shop.rows(DELIVERIES)) == 1
    await shop.hears(redact(person("jeanne"), NOON + 3 * HOUR))
    twin = replace(person("jeanne", withdrawn(NOON + 4 * HOUR)), external_id="jeanne-2")
    await shop.hears(identify(twin, NOON + 4 * HOUR))
    assert await shop.db.read(audit) == []
