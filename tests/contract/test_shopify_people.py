"""Which consents Shopify's webhooks prove, and which they do not."""

from datetime import UTC, datetime

import pytest

from models.vocabulary import Channel, ConsentState
from tests.shopify import CUSTOMER, DECIDED, LEA, fixture, read


def test_a_recorded_consent_counts_from_the_moment_of_the_decision() -> None:
    (entry,) = read("orders/create", fixture("orders_create")).person.consents
    assert (entry.channel, entry.purpose, entry.state) == (Channel.EMAIL, "marketing", ConsentState.GRANTED)
    assert (entry.source, entry.at) == ("shopify:orders/create", DECIDED)
    (withdrawn,) = read("customers/update", fixture("customers_update")).person.consents
    assert withdrawn.state is ConsentState.WITHDRAWN


@pytest.mark.parametrize("state", ["not_subscribed", "pending", "redacted", "invalid", "", None, "SUBSCRIBED!"])
def test_states_that_decide_nothing_leave_no_entry(state: str | None) -> None:
    record = {"state": state, "consent_updated_at": "2026-11-02T18:29:58+01:00"}
    event = read("customers/update", fixture("customers_update", email_marketing_consent=record))
    assert event.person.consents == ()


def test_the_consent_topics_name_their_channel_and_their_address() -> None:
    mail = read("customers_email_marketing_consent/update", fixture("customers_email_marketing_consent_update"))
    text = read("customers_marketing_consent/update", fixture("customers_marketing_consent_update"))
    assert (mail.person.external_id, mail.person.email) == (CUSTOMER, LEA)
    assert (text.person.external_id, text.person.phone) == (CUSTOMER, "+33612345678")
    assert [entry.channel for entry in mail.person.consents + text.person.consents] == [Channel.EMAIL, Channel.SMS]
    assert mail.at == mail.person.consents[0].at == datetime(2026, 11, 3, 7, 15, tzinfo=UTC)


def test_a_consent_for_one_address_is_none_for_another_but_its_withdrawal_stays() -> None:
    customer = fixture("orders_create")["customer"]
    given_to_another = read(
        "orders/create", fixture("orders_create", email="b@example.fr", buyer_accepts_marketing=False)
    )
    assert given_to_another.person.email == "b@example.fr"
    assert given_to_another.person.consents == ()
    customer["email_marketing_consent"]["state"] = "unsubscribed"
    withdrawn = read("orders/create", fixture("orders_create", email="b@example.fr", customer=customer))
    assert [entry.state for entry in withdrawn.person.consents] == [ConsentState.WITHDRAWN]


def test_a_ticked_box_is_a_consent_of_the_beginning_of_the_checkout_where_no_record_objects() -> None:
    ticked = fixture("checkouts_update", buyer_accepts_marketing=True)
    (entry,) = read("checkouts/update", ticked).person.consents
    assert (entry.state, entry.at) == (ConsentState.GRANTED, datetime(2026, 11, 2, 17, 20, tzinfo=UTC))
    for state in ("pending", "unsubscribed", "redacted"):
        ticked["customer"]["email_marketing_consent"] = {"state": state, "consent_updated_at": None}
        granted = [one for one in read("checkouts/update", ticked).person.consents if one.state is ConsentState.GRANTED]
        assert granted == []


def test_a_box_for_text_messages_is_for_the_number_typed_beside_it() -> None:
    body = fixture("checkouts_update", buyer_accepts_sms_marketing=True, sms_marketing_phone="06 98 76 54 32")
    event = read("checkouts/update", body)
    assert event.person.phone == "+33698765432"
    assert [entry.channel for entry in event.person.consents] == [Channel.SMS]


def test_an_undated_grant_counts_from_the_customers_beginning() -> None:
    record = {"state": "subscribed", "consent_updated_at": None}
    (entry,) = read("customers/update", fixture("customers_update", email_marketing_consent=record)).person.consents
    assert entry.at == datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(("said", "verified"), [(True, True), (False, False), (None, False), ("yes!", False)])
def test_an_address_is_verified_when_shopify_says_so(said: object, verified: bool) -> None:
    assert read("customers/update", fixture("customers_update", verified_email=said)).person.email_verified is verified


def test_an_address_typed_at_the_checkout_is_verified_only_where_it_is_the_customers_own() -> None:
    assert read("checkouts/update", fixture("checkouts_update", email=LEA.upper())).person.email_verified
    assert not read("checkouts/update", fixture("checkouts_update", email="b@example.fr")).person.email_verified
    assert not read("checkouts/update", fixture("checkouts_update", customer=None)).person.email_verified
