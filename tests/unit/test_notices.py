"""What one word of a provider, or a set of them, means; never the order in which they came."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.notice_words import ENGLISH, FRENCH, notice_text
from models.notices import address_key, closes, key_of, may_become, notice_key, reason_of, rests_until, soft
from models.provider_events import ProviderEvent, ProviderEventType
from models.situation import SuppressionReason
from models.vocabulary import Channel, DeliveryState
from store.notice_rows import NoticeRow

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PLAIN = ProviderEvent(ProviderEventType.DELIVERED, "brevo", Channel.EMAIL, "camille@example.org", at=NOON)


def of(kind: str, **changes: object) -> ProviderEvent:
    return replace(PLAIN, type=ProviderEventType(kind), **changes)  # type: ignore[arg-type] # whatever a test says


def key(event: ProviderEvent) -> str:
    return notice_key(event, lambda address: f"hidden {address}")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (of("complained"), SuppressionReason.COMPLAINT),
        (of("unsubscribed"), SuppressionReason.OBJECTION),
        (of("bounced", permanent=True), SuppressionReason.BOUNCE),
        (of("rejected", permanent=True, reason="invalid"), SuppressionReason.BOUNCE),
        (of("failed", permanent=True, reason="30005"), SuppressionReason.BOUNCE),
        (of("bounced", permanent=True, reason="5.1.1"), SuppressionReason.BOUNCE),
        (of("bounced", permanent=True, reason="5.7.515"), None),
        (of("bounced", permanent=False), None),
        (of("bounced", permanent=None), None),
        (of("rejected", reason="5.7.1"), None),
        (of("delivered", permanent=True), None),
        (of("subscribed"), None),
        (of("deferred", permanent=True), None),
    ],
)
def test_only_a_person_or_a_dead_address_closes_an_address(
    event: ProviderEvent, reason: SuppressionReason | None
) -> None:
    assert closes(event) is reason


def test_a_soft_bounce_is_one_that_says_so_and_no_policy_of_the_server() -> None:
    assert soft(of("bounced", permanent=False, reason="4.2.2"))
    assert not soft(of("bounced", permanent=None))
    assert not soft(of("failed", permanent=False))
    assert not soft(of("bounced", permanent=False, reason="soft 5.7.26"))
    assert soft(of("bounced", permanent=False, reason="15.7.26.1"))


@pytest.mark.parametrize(
    ("days", "until"), [([], None), ([0, 1], None), ([0, 7, 7], 14), ([0, 1, 8], None), ([0, 1, 7, 8], 15)]
)
def test_three_soft_bounces_in_seven_days_rest_an_address_for_seven_more(days: list[int], until: int | None) -> None:
    expected = None if until is None else NOON + until * DAY
    assert rests_until([NOON + one * DAY for one in days]) == expected


@given(st.lists(st.integers(0, 40), max_size=12), st.randoms(use_true_random=False))
def test_the_rest_is_that_of_the_bounces_in_whatever_order(hours: list[int], chance: object) -> None:
    times = [NOON + one * DAY / 2 for one in hours]
    other = times[:]
    chance.shuffle(other)  # type: ignore[attr-defined] # hypothesis gives a Random
    until = rests_until(times)
    assert rests_until(other) == until
    busy = [at for at in times if sum(at - 7 * DAY <= one <= at for one in times) >= 3]
    assert until == (max(busy) + 7 * DAY if busy else None)


def test_a_providers_own_id_is_the_key_on_its_day() -> None:
    assert key(of("delivered", provider_event_id="e-1")) == key(of("bounced", provider_event_id="e-1"))
    assert key(of("delivered", provider_event_id="e-1")) != key(of("delivered", provider_event_id="e-1", at=NOON + DAY))
    assert key(of("delivered", provider_event_id="e-1", at=None)) == "e-1"


@pytest.mark.parametrize("odd", ["", "x" * 201, "\0", "\ud800"])
def test_without_a_usable_id_the_key_is_made_of_what_is_said(odd: str) -> None:
    one = of("delivered", provider_event_id=odd, delivery="d-1")
    assert key(one) == key(replace(one))
    assert len(key(one)) == 32
    others = [
        replace(one, type=ProviderEventType.OPENED),
        replace(one, delivery="d-2"),
        replace(one, at=NOON + timedelta(milliseconds=1)),
        replace(one, reason="r"),
        replace(one, human=False),
        replace(one, permanent=True),
        replace(one, channel=Channel.SMS),
    ]
    assert len({key(event) for event in [one, *others]}) == 8


def test_a_recipient_is_told_apart_only_where_no_message_is_and_only_covered() -> None:
    other = "paul@example.org"
    assert key(of("complained")) != key(of("complained", recipient=other))
    assert key(of("complained", delivery="d-1")) == key(of("complained", delivery="d-1", recipient=other))
    seen: list[str] = []
    notice_key(of("complained"), lambda address: seen.append(address) or "")  # type: ignore[func-returns-value]
    assert seen == ["camille@example.org"]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("5.1.1", "5.1.1"),
        (" mailbox\r\nfull ", "mailbox full"),
        ("camille@example.org is full", None),
        ("", None),
        (None, None),
    ],
)
def test_a_reason_is_kept_short_and_without_an_address(told: str | None, kept: str | None) -> None:
    assert reason_of(of("bounced", reason=told)) == kept


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("<0199-a.reminder.email@shop.example>", "0199-a/reminder/email"),
        ("0199-a.last-call.sms@shop.example", "0199-a/last-call/sms"),
        ("<abc@smtp.brevo.example>", None),
        ("0199-a.reminder.fax@shop.example", None),
        ("<0199-a.reminder.email@a@b>", None),
    ],
)
def test_our_own_message_id_says_which_delivery_it_was(name: str, found: str | None) -> None:
    assert key_of(name) == found


@pytest.mark.parametrize(
    ("channel", "told", "found"),
    [
        (Channel.EMAIL, " Camille@Example.org", "camille@example.org"),
        (Channel.EMAIL, "nobody", None),
        (Channel.EMAIL, "\0@example.org", None),
        (Channel.SMS, "+33612345678", "+33612345678"),
        (Channel.SMS, "33 6 12 34 56 78", "+33612345678"),
        (Channel.SMS, "0612345678", None),
        (Channel.SMS, "", None),
        (Channel.PUSH, "device", None),
    ],
)
def test_an_address_matches_however_the_provider_spells_it(channel: Channel, told: str, found: str | None) -> None:
    assert address_key(channel, told) == found


@pytest.mark.parametrize(
    ("state", "problem", "may"),
    [
        (DeliveryState.HANDED, None, {"sent", "refused", "unknown", "released"}),
        (DeliveryState.UNKNOWN, "lost", {"sent", "refused", "unknown", "released"}),
        (DeliveryState.REFUSED, "reported: bounced", {"sent"}),
        (DeliveryState.REFUSED, "answered 422", set()),
        (DeliveryState.REFUSED, None, set()),
        (DeliveryState.SENT, None, set()),
        (DeliveryState.RELEASED, None, set()),
    ],
)
def test_what_was_proved_is_not_unlearnt(state: DeliveryState, problem: str | None, may: set[str]) -> None:
    new = (DeliveryState.SENT, DeliveryState.REFUSED, DeliveryState.UNKNOWN, DeliveryState.RELEASED)
    assert {str(one) for one in new if may_become(one, state, problem)} == may


def test_every_word_of_a_provider_is_told_in_both_languages() -> None:
    assert FRENCH.keys() == ENGLISH.keys()
    assert {kind for kind, _ in FRENCH} == set(ProviderEventType)
    assert all((kind, None) in FRENCH for kind in ProviderEventType)
    row = NoticeRow("d", "brevo", "bounced", False, None, "4.2.2", NOON, NOON)
    assert notice_text(row, "reminder", "en") == (
        "“reminder”: not delivered, the mailbox takes nothing at the moment (4.2.2)"
    )
    opened = replace(row, type="opened", permanent=None, reason=None)
    assert notice_text(replace(opened, human=True), "r", "fr") == "« r » : ouvert par le client"
    assert notice_text(replace(opened, human=False), "r", "fr") == "« r » : ouvert par un programme, pas par le client"
