import pytest
from itsdangerous import URLSafeSerializer

from models.vocabulary import Channel
from runtime.links import LONGEST, Links

LINKS = Links("https://relaunch.example/shop/", "secret")
URL = "https://shop.example/cart?token=1&key=ü"


def token(link: str, path: str) -> str:
    start = f"https://relaunch.example/shop/{path}/"
    assert link.startswith(start)
    return link.removeprefix(start)


def test_a_link_says_what_it_was_made_of() -> None:
    leaving = token(LINKS.unsubscribe("main", "c1", Channel.EMAIL), "u")
    assert "/" not in leaving
    assert LINKS.read(leaving) == ("main", "c1", Channel.EMAIL)
    assert token(LINKS.preferences("main", "c1", Channel.EMAIL), "u") == f"{leaving}/preferences"
    assert LINKS.read_opening(token(LINKS.opening("d1"), "o")) == "d1"
    assert LINKS.read_clicking(token(LINKS.clicking("d1", URL), "c")) == ("d1", URL)


def test_a_token_of_one_kind_is_none_of_another() -> None:
    leaving = token(LINKS.unsubscribe("main", "c1", Channel.EMAIL), "u")
    opening, clicking = token(LINKS.opening("d1"), "o"), token(LINKS.clicking("d1", URL), "c")
    assert LINKS.read(opening) is LINKS.read(clicking) is None
    assert LINKS.read_opening(leaving) is LINKS.read_opening(clicking) is None
    assert LINKS.read_clicking(leaving) is LINKS.read_clicking(opening) is None


@pytest.mark.parametrize("forged", ["", "x", "a.b", "\0", "🐚", "x" * (LONGEST + 1)])
def test_a_forged_token_says_nothing(forged: str) -> None:
    assert [LINKS.read(forged), LINKS.read_opening(forged), LINKS.read_clicking(forged)] == [None, None, None]


def test_another_installations_token_says_nothing() -> None:
    theirs = Links("https://relaunch.example/shop", "other")
    assert LINKS.read(token(theirs.unsubscribe("main", "c1", Channel.EMAIL), "u")) is None
    assert LINKS.read_opening(token(theirs.opening("d1"), "o")) is None
    assert LINKS.read_clicking(token(theirs.clicking("d1", URL), "c")) is None


@pytest.mark.parametrize(
    "said",
    ["d1", {"d1": URL}, ["d1"], ["d1", URL, 3], ["d1", "javascript:alert(1)"], ["d1", "//shop.example"], ["d1", 7]],
)
def test_not_even_our_own_signature_leads_anywhere_but_to_the_web(said: object) -> None:
    assert LINKS.read_clicking(URLSafeSerializer("secret", salt="click").dumps(said)) is None
