"""What the doors of several providers share."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel

from channels.base import BadSignature, Knock
from channels.webhooks import (
    bounced,
    by_a_person,
    check_age,
    check_secret,
    good_keys,
    mail_status,
    read_bodies,
    reason,
    utc,
)
from models.events import Unreadable
from models.provider_events import ProviderEventType
from tests.contract.events_contract import NOON, URL, basic


def knock(**headers: str) -> Knock:
    return Knock(b"{}", {name.replace("_", "-"): value for name, value in headers.items()}, URL, NOON)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": basic("anybody", "secret")},
        {"authorization": basic("", "secret")},
        {"authorization": "Bearer secret"},
        {"authorization": "bearer  secret"},
        {"x_own": "secret"},
        {"x_own": "secret", "authorization": "Bearer another"},
    ],
)
def test_the_secret_may_come_in_each_of_three_ways(headers: Mapping[str, str]) -> None:
    check_secret(knock(**headers), ["older", "secret"], header="x-own")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "secret"},
        {"authorization": "Digest secret"},
        {"authorization": "Basic secret"},
        {"authorization": basic("secret", "")},
        {"authorization": basic("secret", "another")},
        {"authorization": "Bearer secre"},
        {"authorization": "Bearer clé"},
        {"x_other": "secret"},
    ],
)
def test_anything_else_is_refused(headers: Mapping[str, str]) -> None:
    with pytest.raises(BadSignature):
        check_secret(knock(**headers), ["secret"], header="x-own")


def test_a_password_may_hold_a_colon() -> None:
    check_secret(knock(authorization=basic("anybody", "a:b")), ["a:b"])


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_an_empty_secret_is_no_secret(secrets: list[str]) -> None:
    with pytest.raises(BadSignature, match="no secret"):
        good_keys(secrets)


def test_empty_secrets_are_left_out() -> None:
    assert good_keys(["", "secret"]) == [b"secret"]


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_signature_of_these_minutes_is_fresh(seconds: int) -> None:
    check_age(str(int(NOON.timestamp()) + seconds), NOON)


@pytest.mark.parametrize("told", ["", "soon", "-1", "1.5", "9" * 20, "0"])
def test_a_signature_without_a_time_of_today_is_refused(told: str) -> None:
    with pytest.raises(BadSignature):
        check_age(told, NOON)


@pytest.mark.parametrize(("seconds", "why"), [(-301, "too old"), (301, "future")])
def test_an_old_or_future_signature_is_refused_and_says_why(seconds: int, why: str) -> None:
    with pytest.raises(BadSignature, match=why):
        check_age(str(int(NOON.timestamp()) + seconds), NOON)


class Shape(BaseModel):
    number: int


def test_one_body_and_many_are_read_alike() -> None:
    assert read_bodies(b' {"number": 1}', Shape) == [Shape(number=1)]
    assert read_bodies(b' [{"number": 1}, {"number": 2}]', Shape) == [Shape(number=1), Shape(number=2)]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b'{"number": "camille"}', "number is missing or not what it should be"),
        (b"{}", "number is missing or not what it should be"),
        (b'[{"number": 1}, {"number": []}]', "1.number is missing or not what it should be"),
        (b"camille", "the body is not JSON"),
        (b"7", "the body is not an object"),
    ],
)
def test_a_fault_names_the_field_and_never_its_value(body: bytes, fault: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_bodies(body, Shape)
    assert str(caught.value) == fault


def test_a_moment_without_zone_is_no_moment() -> None:
    assert utc(datetime(2026, 3, 2, 12)) is None  # noqa: DTZ001 - that is the case
    local = datetime.fromisoformat("2026-03-02T07:00:00-05:00")
    told = utc(local)
    assert told == NOON
    assert told is not None
    assert told.utcoffset() == timedelta(0)
    assert told.tzinfo is UTC


@pytest.mark.parametrize(
    ("agent", "human"),
    [
        (None, None),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", False),
        ("YahooMailProxy; https://help.yahoo.com", False),
        ("Mozilla/5.0", False),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)", None),
    ],
)
def test_proxies_of_mail_services_are_no_people(agent: str | None, human: bool | None) -> None:
    assert by_a_person(agent) is human


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ("5.1.1", "5.1.1"),
        ("smtp; 550 5.1.1 <camille@example.org>: no such user", "5.1.1"),
        ("550-5.7.515 Access denied, sending domain shop.example", "5.7.515"),
        ("too many connections (4.7.652).", "4.7.652"),
        ("the answer is 5.1.1.", "5.1.1"),
        ("550 no such user", None),
        ("from 5.1.1.7 or 192.5.1.1", None),
        ("5.1", None),
        ("3.1.1", None),
        ("", None),
        (None, None),
    ],
)
def test_of_a_mail_servers_reply_only_the_status_is_repeated(reply: str | None, status: str | None) -> None:
    assert mail_status(reply) == status


@pytest.mark.parametrize("permanent", [True, False, None])
def test_a_refusal_by_policy_is_no_bounce(permanent: bool | None) -> None:
    for policy in ("5.7.1", "4.7.652", "5.7.515"):
        assert bounced(permanent, policy) == (ProviderEventType.REJECTED, None)
    for other in ("5.1.1", "5.1.7", "4.2.2", None):
        assert bounced(permanent, other) == (ProviderEventType.BOUNCED, permanent)


def test_a_reason_is_what_is_known_of_it() -> None:
    assert reason("General", None, "5.1.1") == "General 5.1.1"
    assert reason(None, "") is None
