"""A journey told to support: every word exists in both languages, and a verdict says no more than is known."""

from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import Any

import pytest

from api.language import amount, language_of
from api.texts import ENGLISH, FRENCH, Texts, moment_in
from api.timeline import shown, timeline
from models.policy_file import parse_policies
from models.vocabulary import Basis, Channel, Outcome, Reason, Verdict
from runtime.installation import known_templates
from settings import Settings
from store.acts import ActName
from store.journeys import CartRow, DecisionRow, DeliveryRow, JourneyRow, Story
from store.shops import ShopRecord

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
POLICY = parse_policies((Settings().policies / "cart.yaml").read_text("utf-8"), templates=known_templates())[0]
SHOP = ShopRecord("main", "Shop", "", "fr", "Europe/Paris", "EUR", "FR", "buyers_only", "", "", None, "", None, None)


def journey(**changes: Any) -> JourneyRow:
    known: dict[str, Any] = dict.fromkeys(JourneyRow.__slots__)
    known |= {"id": "j", "kind": "cart", "policy": "cart", "arm": "treatment", "status": "waiting", "segment": "new"}
    known |= {"since": NOON, "started_at": NOON, "paused_s": 0, "clock_s": 0}
    return JourneyRow(**(known | changes))


def decision(number: int, verdict: str, reason: str, **changes: Any) -> DecisionRow:
    known: dict[str, Any] = {"id": str(number), "at": NOON + timedelta(hours=number), "step": "reminder"}
    known |= {"channel": "email", "verdict": verdict, "reason": reason, "inputs": {}, "basis": None}
    return DecisionRow(**(known | changes))


def delivery(state: str) -> DeliveryRow:
    known: dict[str, Any] = dict.fromkeys(DeliveryRow.__slots__)
    known |= {"id": "d", "step": "reminder", "state": state, "provider": "smtp", "settled_at": NOON}
    return DeliveryRow(**known)


def story(*decisions: DecisionRow, deliveries: tuple[str, ...] = (), **changes: Any) -> Story:
    cart = CartRow("c1", 2, 12_550, "EUR")
    return Story(journey(**changes), SHOP, POLICY, cart, list(decisions), [delivery(one) for one in deliveries], [])


def verdicts(told: Story) -> list[str]:
    return [shown(one, told) for one in told.decisions]


@pytest.mark.parametrize("words", [FRENCH, ENGLISH])
def test_every_word_of_the_domain_has_a_text(words: Texts) -> None:
    assert set(words.reasons) == set(Reason)
    assert set(words.outcomes) == set(Outcome)
    assert set(words.verdicts) == set(Verdict)
    assert set(words.channels) == set(Channel)
    assert set(words.bases) == set(Basis)
    assert set(words.acts) == set(ActName)
    assert len(words.months.split()) == 12


def test_both_languages_fill_the_same_gaps() -> None:
    for one, other in ((FRENCH.phrases, ENGLISH.phrases), (FRENCH.verdicts, ENGLISH.verdicts)):
        for name in one:
            gaps = [{part[1] for part in Formatter().parse(texts[name])} for texts in (one, other)]
            assert gaps[0] == gaps[1], name


def test_sent_is_said_only_of_what_the_provider_has_accepted() -> None:
    first = decision(1, "sent", "sent", delivery_id="d")
    down = decision(2, "later", "provider_down", delivery_id=None)
    second = decision(3, "sent", "sent", delivery_id="d")
    assert verdicts(story(first, deliveries=("handed",))) == ["handed_over"]
    assert verdicts(story(first, deliveries=("sent",))) == ["sent"]
    assert verdicts(story(first, down, deliveries=("released",))) == ["handed_over", "later"]
    assert verdicts(story(first, down, second, deliveries=("sent",))) == ["handed_over", "later", "sent"]
    lost = decision(2, "unknown", "no_proof", delivery_id=None)
    assert verdicts(story(first, lost, deliveries=("unknown",))) == ["handed_over", "unknown"]


def test_an_open_journey_says_what_comes_next_and_when() -> None:
    told = story(status="waiting", j0=NOON, step="social-proof", next_action_at=NOON + timedelta(days=3))
    entries = timeline(told, NOON, "fr")
    assert [entry.type for entry in entries] == ["cart", "began", "next", "planned"]
    assert entries[0].text == "Panier repéré : 2 articles, 125,50 EUR ; on attend qu’il reste calme"
    assert entries[2].text == "Ensuite : « social-proof » par e-mail, le 5 nov. à 13:00"
    assert entries[3].at == NOON + timedelta(days=7)


def test_a_closed_journey_ends_with_its_outcome() -> None:
    closed: dict[str, Any] = {"status": "closed", "outcome": "purchased", "closed_at": NOON + timedelta(hours=9)}
    entries = timeline(story(decision(1, "skipped", "pressure", delivery_id=None), **closed), NOON, "en")
    assert [entry.text for entry in entries][1:] == [
        "“reminder” not sent: the customer has had enough messages lately",
        "End: the customer ordered",
    ]


def test_the_callers_language_comes_before_the_shops() -> None:
    assert language_of(None, "fr") == "fr"
    assert language_of("de, *;q=0.1", "en") == "en"
    assert language_of("fr;q=0.3, en-GB;q=0.9", "fr") == "en"
    assert language_of("en;q=nonsense,,;", "fr") == "fr"


def test_moments_and_amounts_are_said_as_people_say_them() -> None:
    assert moment_in(NOON, "Europe/Paris", ENGLISH) == "2 Nov at 13:00"
    assert amount(5, "EUR", "fr") == "0,05 EUR"
    assert amount(1250, "JPY", "en") == "1250 JPY"
    assert amount(100, None, "en") == "1.00"
