"""The sentences that every storefront's API must keep, whatever it is asked in and however it counts its pages.

Derive `TestMyShopApi(ShopApiContract)` and give it:

- `double`: a class derived from `tests/shop_double.py::ShopDouble`. It says whether a request bears the key
  (`knows`) and answers it as the storefront documents (`fine`), from `orders` and `carts`, with the storefront's own
  filters, order and pages; `spoilt` things are written without their id.
- `open(url, key, timeout_s)`: the adapter before that double; the key is `KEY`.
- `page`: how many things the adapter asks for at once.
- `webhook(order)`: the event that the storefront's webhook makes of an order, where it has webhooks.
- `wrong`: JSON bodies of a shape that the storefront never answers with.
- what it cannot do: `finds_tokens`, `tells_tokens` (whether its orders name their cart's token).
"""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from storefronts.base import FIRST, OVERLAP, Buyer, StorefrontAway, StorefrontError, StorefrontGarbled
from tests.contract.channel_contract import everything_said
from tests.contract.shop_api_rig import (
    BAD,
    CAMILLE,
    HOUR,
    MINUTE,
    NOON,
    SECRETS,
    STATES,
    ShopApiRig,
    a_round,
    cart,
    facts,
    order,
)
from tests.shop_double import Mood, Status


@pytest.mark.asyncio
class ShopApiContract(ShopApiRig):
    """Derive from it, name it `Test...`, and give it what the head of this file lists."""

    async def test_an_empty_shop_says_nothing_and_the_first_order_is_found(self) -> None:
        async with self.facing() as (double, api):
            for stream in api.streams:
                assert (await a_round(api, stream=stream)).events == []
            first = await a_round(api)
            double.put(order(1, NOON + MINUTE))
            assert (await a_round(api, first.cursor, at=NOON + 5 * MINUTE)).ids == ["1"]

    async def test_a_first_round_sees_what_changed_in_the_first_days_and_no_more(self) -> None:
        things = (order(1, NOON - FIRST - HOUR), order(2, NOON - FIRST + HOUR), order(3))
        async with self.facing(*things) as (_, api):
            assert (await a_round(api)).ids == ["2", "3"]

    async def test_an_order_says_who_what_and_when(self) -> None:
        placed = replace(order(1), placed_at=NOON - 3 * HOUR)
        async with self.facing(placed) as (_, api):
            (event,) = (await a_round(api)).events
            assert event.order is not None
            assert (event.at, event.order.placed_at) == (NOON - HOUR, NOON - 3 * HOUR)
            assert (event.order.currency, event.order.value) == ("EUR", 7990)
            assert (event.person.external_id, event.person.email) == ("7", CAMILLE)
            if self.tells_tokens:
                assert "tok-1" in event.order.cart_tokens

    async def test_a_cart_says_who_what_and_when_and_proves_no_consent(self) -> None:
        async with self.facing(cart(1)) as (_, api):
            (event,) = (await a_round(api, stream="carts")).events
            assert event.at == NOON - HOUR
            assert event.cart is not None
            assert event.cart.replaces
            assert [(line.name, line.price, line.quantity) for line in event.cart.lines] == [("Sandales", 7990, 1)]
            assert (event.cart.currency, event.cart.value) == ("EUR", 7990)
            assert (event.person.email, event.person.consents) == (CAMILLE, ())

    @pytest.mark.parametrize("status", list(STATES))
    async def test_an_order_is_paid_or_not_cancelled_or_refunded(self, status: Status) -> None:
        async with self.facing(order(1, status=status)) as (_, api):
            (event,) = (await a_round(api)).events
            assert event.order is not None
            assert event.order.status in STATES[status]

    @pytest.mark.parametrize("status", list(STATES))
    async def test_an_order_of_the_poll_is_the_order_of_the_webhook(self, status: Status) -> None:
        one = order(1, status=status)
        async with self.facing(one) as (_, api):
            (polled,) = (await a_round(api)).events
            sent = self.webhook(one)
            assert sent is None or facts(polled) == facts(sent)

    async def test_pages_are_followed_and_nothing_is_lost_or_told_twice(self) -> None:
        many = [order(number, NOON - HOUR + timedelta(seconds=number)) for number in range(1, 2 * self.page + 4)]
        async with self.facing(*many) as (double, api):
            assert (await a_round(api)).ids == [str(one.number) for one in many]
            assert len(double.asked) > 2

    async def test_many_changes_of_one_second_may_cross_a_page(self) -> None:
        many = [order(number) for number in range(1, 2 * self.page + 4)]
        carts = [cart(number) for number in range(1, self.page + 4)]
        async with self.facing(*many, *carts) as (_, api):
            assert sorted((await a_round(api)).ids, key=int) == [str(one.number) for one in many]
            told = [event.cart.token for event in (await a_round(api, stream="carts")).events if event.cart]
            assert len(set(told)) == len(told) == len(carts)

    async def test_the_next_round_begins_a_little_before_the_newest_of_the_last(self) -> None:
        async with self.facing(order(1, NOON - 2 * HOUR), order(2, NOON - HOUR)) as (double, api):
            first = await a_round(api)
            double.put(order(3, NOON + MINUTE), order(1, NOON + 2 * MINUTE, "refunded"))
            assert sorted((await a_round(api, first.cursor, at=NOON + HOUR)).ids) == ["1", "2", "3"]
            double.put(order(1, NOON - 2 * HOUR))
            assert (await a_round(api, first.cursor, at=NOON + HOUR)).ids == ["2", "3"]

    async def test_what_is_committed_late_with_an_older_date_is_still_found(self) -> None:
        async with self.facing(order(1)) as (double, api):
            first = await a_round(api)
            double.put(order(2, NOON - HOUR - OVERLAP + MINUTE))
            assert sorted((await a_round(api, first.cursor)).ids) == ["1", "2"]

    async def test_a_date_in_the_future_takes_no_cursor_past_now(self) -> None:
        async with self.facing(order(1, NOON + timedelta(days=2))) as (double, api):
            first = await a_round(api)
            double.put(order(2, NOON + MINUTE))
            assert "2" in (await a_round(api, first.cursor, at=NOON + 5 * MINUTE)).ids

    async def test_a_repetition_has_the_same_key_and_a_change_another(self) -> None:
        async with self.facing(order(1), cart(1)) as (double, api):
            for stream in ("orders", "carts"):
                first, again = [await a_round(api, stream=stream, at=NOON + late * HOUR) for late in (0, 1)]
                assert [event.key for event in first.events] == [event.key for event in again.events]
            before = (await a_round(api)).events[0].key
            double.put(order(1, status="cancelled"))
            assert (await a_round(api)).events[0].key != before

    async def test_what_nobody_understands_is_counted_and_harms_no_neighbour(self) -> None:
        things = [order(1, NOON - 3 * HOUR), replace(order(2, NOON - 2 * HOUR), spoilt=True), order(3)]
        async with self.facing(*things, cart(4), replace(cart(5), spoilt=True)) as (_, api):
            told = await a_round(api)
            assert (told.ids, told.unreadable) == (["1", "3"], 1)
            carts = await a_round(api, stream="carts")
            assert (len(carts.events), carts.unreadable) == (1, 1)

    @pytest.mark.parametrize("mood", list(BAD))
    async def test_a_bad_mood_is_told_and_nothing_is_lost_when_it_is_over(self, mood: Mood) -> None:
        many = [order(number, NOON - HOUR + timedelta(seconds=number)) for number in range(1, self.page + 4)]
        async with self.facing(*many, timeout_s=0.3 if mood is Mood.HANGING else 5.0) as (double, api):
            page = await api.changes("orders", None, NOON)
            assert page.more
            double.mood = mood
            for stream, cursor in (("orders", page.cursor), ("orders", None), ("carts", None)):
                with pytest.raises(BAD[mood]):
                    await api.changes(stream, cursor, NOON)
            with pytest.raises(BAD[mood]):
                await api.orders_of(Buyer("7", CAMILLE), NOON - FIRST, NOON)
            double.mood = Mood.FINE
            rest = await a_round(api, page.cursor)
            told = [one.order.order_id for one in page.events if one.order] + rest.ids
            assert told == [str(one.number) for one in many]

    async def test_the_wish_for_a_pause_is_kept(self) -> None:
        error = await self.caught(Mood.BUSY)
        assert isinstance(error, StorefrontAway)
        assert error.retry_after == timedelta(minutes=2)

    async def test_json_of_another_shape_is_garbled(self) -> None:
        for wrong in self.wrong:
            assert isinstance(await self.caught(Mood.MISSHAPEN, wrong=wrong), StorefrontGarbled), wrong

    async def test_a_storefront_that_hangs_is_waited_for_no_longer_than_its_time(self) -> None:
        async with asyncio.timeout(4):
            await self.caught(Mood.HANGING)

    async def test_a_storefront_that_is_gone_is_away(self) -> None:
        async with self.facing() as (double, api):
            await double.down()
            with pytest.raises(StorefrontAway):
                await api.changes("orders", None, NOON)

    async def test_another_key_is_refused(self) -> None:
        async with self.facing(key="another-key") as (_, api):
            with pytest.raises(BAD[Mood.UNAUTHORIZED]):
                await api.changes("orders", None, NOON)

    async def test_a_cursor_that_is_none_of_ours_is_an_error_of_the_family_or_a_new_beginning(self) -> None:
        async with self.facing(order(1)) as (_, api):
            for cursor in ("", "{", "null", "2026", "x" * 5000):
                try:
                    assert (await a_round(api, cursor)).ids == ["1"]
                except StorefrontError:
                    continue

    async def test_the_orders_of_a_person_are_found_by_every_name(self) -> None:
        others = replace(order(2), email="eve@example.org", customer_id=8)
        names = [Buyer("7"), Buyer(email=CAMILLE), Buyer(email=CAMILLE.title()), Buyer("7", CAMILLE)]
        names += [Buyer(tokens=frozenset({"tok-1", "tok-9"}))] if self.finds_tokens else []
        async with self.facing(order(1), others) as (_, api):
            polled = (await a_round(api)).events[0]
            for buyer in names:
                (found,) = await api.orders_of(buyer, NOON - FIRST, NOON)
                assert facts(found) == facts(polled)

    async def test_a_guests_order_is_found_by_their_address(self) -> None:
        async with self.facing(replace(order(1), customer_id=None)) as (_, api):
            (found,) = await api.orders_of(Buyer("7", CAMILLE), NOON - FIRST, NOON)
            assert facts(found)[2] == "1"

    async def test_somebody_unknown_or_unnamed_has_no_orders(self) -> None:
        odd = ('" OR id:>0 OR email:"', "x@example.org OR *", "a\\", "%", "*", "'", "a&b=c", "nobody@example.org")
        async with self.facing(order(1)) as (_, api):
            assert await api.orders_of(Buyer(), NOON - FIRST, NOON) == []
            for name in odd:
                assert await api.orders_of(Buyer(name, name, tokens=frozenset({name})), NOON - FIRST, NOON) == []

    async def test_what_changed_before_the_question_is_no_answer_to_it(self) -> None:
        async with self.facing(order(1, NOON - 3 * HOUR), order(2)) as (_, api):
            found = await api.orders_of(Buyer("7", CAMILLE), NOON - 2 * HOUR, NOON)
            assert [facts(event)[2] for event in found] == ["2"]

    async def test_closing_twice_is_harmless(self) -> None:
        async with self.facing() as (_, api):
            await api.aclose()

    async def test_whoever_was_closed_is_away_and_asks_no_more(self) -> None:
        async with self.facing(order(1)) as (double, api):
            assert (await a_round(api)).ids == ["1"]
            asked = len(double.asked)
            await api.aclose()
            for stream in api.streams:
                with pytest.raises(StorefrontAway, match="not asked any more"):
                    await api.changes(stream, None, NOON)
            with pytest.raises(StorefrontAway, match="not asked any more"):
                await api.orders_of(Buyer("7", CAMILLE), NOON - FIRST, NOON)
            assert len(double.asked) == asked

    async def test_nothing_that_is_printed_holds_a_key_or_a_name(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        async with self.facing() as (_, api):
            said = repr(api)
        for mood in BAD:
            said += everything_said(await self.caught(mood))
        ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore", "asyncio"))]
        said += "".join(repr(vars(record)) for record in ours)
        assert [secret for secret in SECRETS if secret in said.casefold()] == []
