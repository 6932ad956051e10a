"""The preference page's arithmetic: what is ticked, and what a form that comes back says."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.events import ConsentEntry, OrderStatus
from models.preferences import CHANNELS, TOPICS, Choice, Closure, Form, Holdings, entries
from models.situation import ConsentRecord, OrderRecord, SuppressionReason
from models.vocabulary import Channel, ConsentState, Purpose, SoftOptIn
from tests.situations import CUSTOMER, DAY, HOUR, NOON

YES, NO = ConsentState.GRANTED, ConsentState.WITHDRAWN
EMAIL, SMS = Channel.EMAIL, Channel.SMS
BUYER = OrderRecord(frozenset(), OrderStatus.PAID, value=0, coupon=False, placed_at=NOON - DAY, own=True)
OBJECTION, COMPLAINT, BOUNCE = SuppressionReason.OBJECTION, SuppressionReason.COMPLAINT, SuppressionReason.BOUNCE


def word(
    state: ConsentState, channel: Channel = EMAIL, purpose: str = "marketing", at: datetime = NOON
) -> ConsentRecord:
    return ConsentRecord(channel, purpose, state, "form", at - HOUR)


def held(
    *consents: ConsentRecord, orders: tuple[OrderRecord, ...] = (), closures: tuple[Closure, ...] = ()
) -> Holdings:
    return Holdings(CUSTOMER, consents, orders, closures, SoftOptIn.BUYERS_ONLY, NOON)


def told(holdings: Holdings, form: Form) -> list[tuple[str, str, str]]:
    return [(one.channel, one.purpose, one.state) for one in entries(holdings, form.wishes(holdings), form.wordings)]


def form(before: Holdings, *, tick: set[Choice] | None = None, untick: set[Choice] | None = None) -> Form:
    """Return the page's own form after some boxes were changed."""
    return Form((before.on | (tick or set())) - (untick or set()), shown=before.on)


def test_only_channels_with_an_address_are_offered_and_measuring_only_with_e_mail() -> None:
    assert set(held().offered) == set(Choice)
    no_phone = replace(held(), customer=replace(CUSTOMER, phone=None))
    assert Choice.SMS not in no_phone.offered
    no_email = replace(held(), customer=replace(CUSTOMER, email=None))
    assert set(no_email.offered) == {Choice.SMS, *TOPICS, Choice.PAUSE}


@pytest.mark.parametrize(
    ("holdings", "ticked"),
    [
        (held(), set()),
        (held(word(YES)), {EMAIL}),
        (held(word(NO), orders=(BUYER,)), {SMS}),
        (held(orders=(BUYER,)), {EMAIL, SMS}),
        (held(word(YES, purpose=Purpose.WIN_BACK)), {EMAIL}),
        (held(word(YES), closures=(Closure(EMAIL, OBJECTION, own=True),)), set()),
        (held(word(YES), closures=(Closure(EMAIL, COMPLAINT, own=False),)), set()),
        (held(word(YES), closures=(Closure(EMAIL, BOUNCE, own=False),)), {EMAIL}),
    ],
)
def test_a_channel_is_ticked_when_messages_may_come_by_it(holdings: Holdings, ticked: set[str]) -> None:
    assert holdings.on & CHANNELS.keys() == ticked


def test_measuring_is_unticked_until_somebody_agrees() -> None:
    assert Choice.OPEN_TRACKING not in held(word(YES)).on
    assert Choice.OPEN_TRACKING in held(word(YES, purpose=Purpose.OPEN_TRACKING)).on


def test_a_pause_that_is_over_is_none() -> None:
    paused = replace(held(), customer=replace(CUSTOMER, snoozed_until=NOON + DAY))
    over = replace(held(), customer=replace(CUSTOMER, snoozed_until=NOON))
    assert (Choice.PAUSE in paused.on, Choice.PAUSE in over.on) == (True, False)


def test_what_weighs_most_is_told_of_a_closed_address_and_an_own_objection_is_not() -> None:
    closures = tuple(Closure(EMAIL, reason, own=False) for reason in (OBJECTION, BOUNCE, COMPLAINT))
    assert held(closures=closures).closed == {Choice.EMAIL: COMPLAINT}
    assert held(closures=(Closure(EMAIL, OBJECTION, own=True),)).closed == {}


def test_a_form_that_comes_back_as_it_was_says_nothing() -> None:
    before = held(word(YES), word(NO, purpose=Purpose.WIN_BACK))
    assert form(before).wishes(before) == {}
    assert told(before, form(before)) == []


def test_a_form_from_an_old_page_undoes_nothing_that_it_did_not_show() -> None:
    shown = held(word(YES))
    left_since = held(word(YES, at=NOON - DAY), word(NO))
    assert form(shown, tick={Choice.PAUSE}).wishes(left_since) == {Choice.PAUSE: True}


def test_a_form_without_what_was_shown_is_held_against_what_stands() -> None:
    before = held(word(YES))
    assert Form(frozenset({Choice.SMS, *TOPICS})).wishes(before) == {Choice.EMAIL: False, Choice.SMS: True}


def test_a_ticked_channel_is_a_consent_with_its_wording() -> None:
    before = held()
    ticked = replace(form(before, tick={Choice.SMS}), wordings={Choice.SMS: "Yes, by SMS"})
    assert entries(before, ticked.wishes(before), ticked.wordings) == [
        ConsentEntry(SMS, "marketing", YES, "preferences", NOON, "Yes, by SMS")
    ]


def test_a_declined_topic_is_declined_on_every_channel_also_on_one_that_is_still_to_come() -> None:
    before = held(word(YES))
    assert told(before, form(before, untick={Choice.WIN_BACK})) == [
        (channel, "win_back", "withdrawn") for channel in Channel
    ]


def test_a_topic_comes_back_where_messages_are_welcome_and_allows_no_channel_by_itself() -> None:
    declined = [word(NO, channel, Purpose.WIN_BACK) for channel in Channel]
    before = held(word(YES), word(NO, Channel.PUSH), *declined)
    assert told(before, form(before, tick={Choice.WIN_BACK})) == [
        ("email", "win_back", "granted"),
        ("push", "win_back", "granted"),  # where the channel itself stays forbidden
    ]


def test_a_channel_that_opens_takes_over_the_topics_as_they_are_ticked() -> None:
    declined = [word(NO, channel, Purpose.CART_REMINDERS) for channel in Channel]
    before = held(word(YES), *declined, word(NO, SMS, Purpose.WIN_BACK))
    assert Choice.WIN_BACK in before.on
    assert told(before, form(before, tick={Choice.SMS})) == [
        ("sms", "marketing", "granted"),
        ("sms", "win_back", "granted"),
    ]


def test_who_leaves_also_stops_being_measured() -> None:
    before = held(word(YES), word(YES, purpose=Purpose.CLICK_TRACKING))
    leaving = Form(before.on, shown=before.on, leave=True)
    assert leaving.wishes(before) == {Choice.EMAIL: False, Choice.CLICK_TRACKING: False}
    assert told(before, leaving) == [("email", "click_tracking", "withdrawn")]


WORDS = st.builds(
    word,
    st.sampled_from(ConsentState),
    st.sampled_from(Channel),
    st.sampled_from(Purpose),
    st.sampled_from([NOON - hours * HOUR for hours in range(1, 4)]),
)


@given(st.lists(WORDS, max_size=12), st.booleans(), st.sets(st.sampled_from(Choice)))
def test_whatever_is_changed_stands_as_it_was_ticked_and_a_second_form_changes_nothing(
    words: list[ConsentRecord], buyer: bool, changed: set[Choice]
) -> None:
    before = held(*words, orders=(BUYER,) if buyer else ())
    submitted = Form(before.on ^ frozenset(changed), shown=before.on)
    wishes = submitted.wishes(before)
    said = [
        *(
            ConsentEntry(CHANNELS[one], Purpose.MARKETING, NO, "preferences", NOON)
            for one in CHANNELS
            if wishes.get(one) is False
        ),
        *entries(before, wishes, {}),
    ]
    records = [ConsentRecord(one.channel, one.purpose, one.state, one.source, one.at) for one in said]
    after = replace(before, consents=(*before.consents, *records))
    settled = {one for one in wishes if one is not Choice.PAUSE and one not in TOPICS}
    assert all((one in after.on) is wishes[one] for one in settled)
    unticked = [TOPICS[one] for one in TOPICS if wishes.get(one) is False]
    assert all(after.withdrawn(channel, topic) for topic in unticked for channel in Channel)
    untouched = {channel for choice, channel in CHANNELS.items() if choice not in wishes}
    assert all(before.receives(one) for one in untouched if after.receives(one))
    assert [one for one in submitted.wishes(after) if one in settled] == []
