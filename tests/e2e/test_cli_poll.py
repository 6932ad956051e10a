"""`relaunch poll`, and what `doctor` says of storefronts: without Temporal, on a home of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime import clock
from storefronts import registry
from storefronts.base import StorefrontAway, StorefrontRefused
from tests import asked_shop
from tests.asked_shop import AskedShop
from tests.builders import MINUTE, checkout, order, person
from tests.cli import Shell, shell

URL = "https://atelier.example"
UNREAD = "relaunch up, or relaunch poll"


@pytest.fixture
def sh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    yield from shell(tmp_path, monkeypatch, capsys)


@pytest.fixture
def api(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> AskedShop:
    """A storefront at the shop's own address, and a home that has its keys."""
    sh("key", "list")
    api = AskedShop()
    monkeypatch.setitem(asked_shop.AT_HOME, URL, api)
    monkeypatch.setitem(registry.APIS, "woocommerce", "tests.asked_shop")
    monkeypatch.setenv("RELAUNCH_SHOP_URL", URL)
    monkeypatch.setenv("RELAUNCH_WOOCOMMERCE_KEY", "ck_1:cs_1")
    return api


def test_a_poll_says_what_it_found_and_a_second_one_finds_nothing_new(sh: Shell, api: AskedShop) -> None:
    now = clock.now()
    api.logs["orders"] = [order(person(f"b{n}"), f"O{n}", at=now - n * MINUTE) for n in range(3)]
    api.logs["carts"] = [checkout(person("jeanne"), at=now - MINUTE)]
    said = sh("poll")
    assert (said.code, said.err) == (0, "")
    lines = [line.split() for line in said.out.splitlines()]
    assert ["main", "woocommerce", "orders", "2", "3", "0", "0", "–"] in lines
    assert ["main", "woocommerce", "carts", "1", "1", "0", "0", "–"] in lines
    assert "4 new events: the relay starts what begins with them" in said.out
    assert [row["call"] for row in sh("outbox", "--json").json] == ["start"]
    again = sh("poll", "--shop", "main", "--json").json
    assert [(row["stream"], row["new"], row["known"]) for row in again] == [("orders", 0, 1), ("carts", 0, 1)]
    assert sh("poll").out.endswith("\nnothing new\n")
    anew = sh("poll", "--again", "--json").json
    assert [(row["stream"], row["new"], row["known"]) for row in anew] == [("orders", 0, 3), ("carts", 0, 1)]


def test_a_storefront_that_fails_is_told_in_one_line_and_the_other_stream_is_read(sh: Shell, api: AskedShop) -> None:
    api.problems["orders"] = StorefrontAway("woocommerce does not answer (ConnectError)")
    api.logs["carts"] = [checkout(person(), at=clock.now())]
    assert "1 new event: the relay starts" in sh("poll").out
    assert "nothing new" not in sh("poll").out
    api.logs["carts"].append(checkout(person("paul"), at=clock.now()))
    said = sh("poll", "--json")
    assert (said.code, said.err) == (1, "relaunch: main, orders: woocommerce does not answer (ConnectError)\n")
    assert [(row["stream"], row["new"], row["problem"]) for row in said.json] == [
        ("orders", 0, "woocommerce does not answer (ConnectError)"),
        ("carts", 1, None),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("poll",), "no storefront can be asked: set its key, like RELAUNCH_SHOPIFY_TOKEN"),
        (("poll", "--shop", "brest"), "there is no shop 'brest' in the settings"),
    ],
)
def test_nobody_to_ask_is_an_error_that_says_what_to_do(sh: Shell, words: tuple[str, ...], said: str) -> None:
    found = sh(*words)
    assert found.code == 1
    assert found.err.startswith(f"relaunch: {said}")


def findings(sh: Shell) -> list[tuple[str, str, str]]:
    found = sh("doctor", "--json").json
    return [(one["state"], one["text"], one["todo"]) for one in found if one["check"] == "storefront main"]


def test_doctor_asks_the_storefront_once_and_stores_nothing(sh: Shell, api: AskedShop) -> None:
    api.logs["orders"] = [order(person(), at=clock.now())]
    assert findings(sh)[0] == ("ok", "woocommerce gives us its orders and carts", "")
    assert api.asked == [("orders", None), ("carts", None)]
    assert sh("poll", "--json").json[0]["new"] == 1


def test_doctor_says_when_the_storefront_was_last_read(sh: Shell, api: AskedShop) -> None:
    assert findings(sh)[1] == ("warning", "never asked: does a worker run?", f"{UNREAD} for one round now")
    sh("poll")
    state, text, todo = findings(sh)[1]
    assert (state, text.startswith("last read "), todo) == ("ok", True, "")
    api.problems["orders"] = StorefrontAway("away")
    sh("poll")
    state, _, todo = findings(sh)[1]
    assert (state, todo) == ("warning", "a running worker asks again by itself; relaunch poll asks now")


def test_doctor_says_what_to_do_about_a_key_that_does_not_work(sh: Shell, api: AskedShop) -> None:
    api.problems["orders"] = StorefrontRefused("woocommerce does not let us in (401)")
    todo = "check RELAUNCH_WOOCOMMERCE_URL and RELAUNCH_WOOCOMMERCE_KEY, and what the key may read"
    assert findings(sh)[0] == ("error", "woocommerce does not let us in (401)", todo)
    assert sh("doctor").code == 1


def test_doctor_warns_of_a_storefront_that_is_away(sh: Shell, api: AskedShop) -> None:
    api.problems["carts"] = StorefrontAway("woocommerce does not answer (ConnectError)")
    assert findings(sh)[0][:2] == ("warning", "woocommerce does not answer (ConnectError)")
    assert sh("doctor").code == 0


def test_doctor_warns_of_webhooks_whose_losses_nobody_would_find(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAUNCH_SHOPIFY_SECRET", "s")
    text = "nobody asks shopify for the orders whose webhooks are lost"
    assert findings(sh) == [("warning", text, "set RELAUNCH_SHOPIFY_TOKEN")]
