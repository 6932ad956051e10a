from dataclasses import replace

import pytest

import worker
from channels.base import Refused, TemporarilyUnavailable, Unproven
from channels.rendering import Rendered, Renderer
from models.content import Content
from models.events import CartFacts, EventType
from models.vocabulary import Channel
from store.acts import ActName
from tests.trial import DAY, HOUR, VASE, Trial
from tests.workflow.conftest import Install

NAME, LOCAL, PRODUCT, COUPON, REASON, PHONE = (
    "Zéphyrine",
    "zephyrine.quatremaille",
    "Mappemonde velours",
    "ORIFLAMME77",
    "belle-mère hospitalisée",
    "+33698765432",
)


async def everything_that_can_happen(trial: Trial) -> str:
    """Live through journeys that send, fail, are paused, cancelled, refused; return an id that must be found."""
    journey = await trial.abandon(first_name=NAME, email=f"{LOCAL}@example.org", phone=PHONE)
    cart = CartFacts(journey.cart, lines=(replace(VASE, name=PRODUCT),), replaces=True, coupon=COUPON)
    await journey.hears(EventType.CART_UPDATED, cart=cart)
    trial.problem = lambda _: TemporarilyUnavailable("421 try later")
    await journey.passes(2 * HOUR)
    trial.problem = lambda message: Refused("550 no such mailbox") if message.to else None
    await journey.passes(2 * DAY)
    await journey.staff(ActName.PAUSE, REASON)
    await journey.staff(ActName.RESUME, REASON)
    trial.problem = lambda message: Unproven(f"{message.to} {message.text}")
    await journey.passes(2 * DAY)
    await journey.staff(ActName.CANCEL, REASON)
    await journey.ends()
    found = [("reminder", "refused"), ("social-proof", "unknown")]
    assert await journey.delivered() == found
    return journey.id


class Indiscreet(Renderer):
    """Breaks in a way that nobody thought of, with the message in its words."""

    def render(self, channel: Channel, template: str, content: Content) -> Rendered:
        raise ZeroDivisionError(f"{content.first_name} {content.items}")


async def test_an_error_that_nobody_thought_of_says_nothing_personal_either(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "Renderer", Indiscreet)
    trial = await install()
    async with trial.working():
        journey = await trial.abandon(first_name=NAME)
        await journey.passes(2 * HOUR)
        pending = (await journey.handle.describe()).raw_description.pending_activities[0]
        assert pending.last_failure.message == "ZeroDivisionError in render"
        assert NAME not in str(pending)
        await journey.staff(ActName.CANCEL)
        await journey.ends()


async def test_temporals_own_database_holds_nothing_personal(trial: Trial) -> None:
    journey = await everything_that_can_happen(trial)
    files = sorted(trial.temporal.database.parent.glob("temporal.db*"))
    content = b"".join(path.read_bytes() for path in files).lower()
    assert journey.encode() in content
    planted = (NAME, LOCAL, PRODUCT, COUPON, REASON, PHONE, PHONE[1:])
    spellings = {form for word in planted for form in (word, word.split(" ", maxsplit=1)[0], ascii(word)[1:-1])}
    assert not [word for word in spellings if word.lower().encode() in content]
