"""A bad stretch of a shop: webhooks lost, twice, late and out of order, wrong clocks, equal ids, a poll that fails."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from store.audit import audit
from store.schema import ORDERS
from tests.api_app import serving
from tests.lived import POLL_EVERY, Life, lives
from tests.month import LATE, MINUTE, OUTAGE, month

CARTS, BOUGHT, LENGTH = 120, 36, 3


@pytest.fixture(scope="module", params=[True, False], ids=["with the last look", "without it"])
async def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Life]:
    """Four days with every fault at once, lived to the end of the last journey."""
    home: Path = tmp_path_factory.mktemp("month")
    async with serving(home) as api:
        lived = lives(api, month(seed=20261122, carts=CARTS, orders=BOUGHT, days=LENGTH), looks=request.param)
        await lived.live()
        yield lived


async def test_the_stretch_is_as_bad_as_it_should_be(life: Life) -> None:
    made = life.made
    assert len(made.bought) == BOUGHT
    assert len(made.untold) > 1
    ids = [one.id for one in made.webhooks]
    assert len(set(ids)) < len(ids)
    arrivals = [one.at for one in made.webhooks]
    assert any(OUTAGE[0] < one.at < OUTAGE[1] for one in made.changes)
    assert max(arrivals) - min(arrivals) > LATE
    assert sum(map(len, life.handed.values())) > CARTS // 2


async def test_nobody_is_written_to_after_the_commit_of_their_order(life: Life) -> None:
    known = life.known
    assert known.keys() == life.made.bought.keys()
    late = {who: at for who, at in known.items() if any(sent > at for sent in life.handed.get(who, []))}
    assert not late


async def test_every_order_that_no_webhook_told_is_found_within_one_poll_interval(life: Life) -> None:
    known = life.known
    for who in life.made.untold:
        placed = life.made.bought[who]
        answers_from = OUTAGE[1] if OUTAGE[0] <= placed + POLL_EVERY and placed < OUTAGE[1] else placed
        assert known[who] - answers_from <= POLL_EVERY, who


async def test_whoever_has_bought_is_written_to_for_one_poll_interval_at_most_and_with_a_last_look_not_at_all(
    life: Life,
) -> None:
    for who, paid in life.made.paid.items():
        for sent in life.handed.get(who, []):
            blind = not life.looks and OUTAGE[0] <= sent <= OUTAGE[1] + POLL_EVERY
            assert blind or sent <= paid + (MINUTE if life.looks else POLL_EVERY), who


async def test_while_the_storefront_is_away_nothing_goes_out_on_a_last_look_and_it_does_when_it_is_back(
    life: Life,
) -> None:
    sent = [at for times in life.handed.values() for at in times]
    meanwhile = [at for at in sent if OUTAGE[0] <= at < OUTAGE[1]]
    back = [at for at in sent if OUTAGE[1] <= at <= OUTAGE[1] + 10 * MINUTE]
    assert (bool(meanwhile), bool(back)) == (not life.looks, life.looks)


async def test_nobody_is_written_to_after_they_objected(life: Life) -> None:
    for who, at in life.made.objected.items():
        assert not [sent for sent in life.handed.get(who, []) if sent > at], who


async def test_every_order_is_stored_once_with_its_last_state(life: Life) -> None:
    newest = {one.order: one for one in sorted(life.made.changes, key=lambda one: one.at)}
    rows = await life.api.installation.db.read(
        lambda connection: connection.execute(select(ORDERS.c.order_id, ORDERS.c.status)).all()
    )
    assert len(rows) == len(newest) == BOUGHT
    last = {str(json.loads(one.body)["id"]): json.loads(one.body)["financial_status"] for one in newest.values()}
    assert {order: str(status) for order, status in rows} == last


async def test_the_audit_finds_nothing(life: Life) -> None:
    assert await life.api.installation.db.read(audit) == []
