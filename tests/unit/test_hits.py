from datetime import timedelta

import pytest

from models.events import EventType
from models.hits import SCANNED, Hit, by_program
from tests.situations import DAY, HOUR, NOON

URL = "https://shop.example/cart/1"
PERSON = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"


@pytest.mark.parametrize(
    ("agent", "program"),
    [
        (PERSON, False),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", False),
        ("Mozilla/5.0 (Linux; Android 13; CUBOT KINGKONG) AppleWebKit/537.36 Chrome/120.0 Mobile", False),
        ("Mozilla/5.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328) AppleWebKit/537.36 Edg/140.0", False),
        ("", True),
        ("Mozilla/5.0", True),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", True),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", True),
        ("Mozilla/5.0 (compatible; BarracudaCentral/1.0)", True),
        ("proofpoint-urldefense", True),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", True),
        ("WhatsApp/2.23 A", True),
        ("python-requests/2.32", True),
        ("Go-http-client/2.0", True),
        ("Mozilla/5.0 (X11) HeadlessChrome/140.0", True),
    ],
)
def test_programs_are_known_by_their_names(agent: str, program: bool) -> None:
    assert by_program({"user-agent": agent}) is program


@pytest.mark.parametrize(("name", "value"), [("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch")])
def test_a_prefetch_is_no_persons_doing(name: str, value: str) -> None:
    assert by_program({"user-agent": PERSON, name: value})
    assert by_program({})


def event_key(hit: Hit, after: timedelta = HOUR) -> str:
    return hit.event("c1", NOON, NOON + after, NOON + after).key


def test_an_open_counts_once_a_day_and_a_click_once_for_each_address() -> None:
    opened, clicked = Hit("d1", machine=False), Hit("d1", machine=False, url=URL)
    assert event_key(opened) == event_key(opened, 2 * HOUR) != event_key(opened, DAY)
    assert event_key(clicked) == event_key(clicked, 9 * DAY) != event_key(Hit("d1", machine=False, url=URL + "2"))
    assert event_key(opened) != event_key(Hit("d2", machine=False))
    assert event_key(opened) != event_key(clicked)


def test_a_person_who_follows_a_program_still_counts() -> None:
    assert event_key(Hit("d1", machine=True)) != event_key(Hit("d1", machine=False))


@pytest.mark.parametrize(
    ("hit", "after", "human"),
    [
        (Hit("d1", machine=False, url=URL), SCANNED - timedelta(milliseconds=1), False),
        (Hit("d1", machine=False, url=URL), SCANNED, True),
        (Hit("d1", machine=True, url=URL), HOUR, False),
        (Hit("d1", machine=False), timedelta(seconds=1), True),
        (Hit("d1", machine=True), HOUR, False),
    ],
)
def test_nobody_clicks_in_the_moment_of_the_hand_over(hit: Hit, after: timedelta, human: bool) -> None:
    event = hit.event("c1", NOON, NOON - HOUR, NOON + after)
    assert event.properties == {"human": human, "delivery": "d1"}
    assert (event.customer_id, event.at) == ("c1", NOON - HOUR)
    assert event.type is (EventType.EMAIL_CLICKED if hit.url else EventType.EMAIL_OPENED)
