"""The shop's own staff as a channel: what was handed over is on their list, and nothing else is promised."""

from dataclasses import replace

from channels.base import Receipt
from channels.desk import Desk
from models.vocabulary import Channel
from tests.contract.channel_contract import letter

BRIEFING = replace(letter(), channel=Channel.CALL, raw=b"")


async def test_a_call_back_is_accepted_at_once_and_found_by_whoever_asks() -> None:
    desk = Desk()
    assert await desk.send(BRIEFING) == Receipt("desk")
    assert await desk.find(BRIEFING) == Receipt("desk")
    assert desk.channel is Channel.CALL
    await desk.aclose()
    await desk.aclose()


def test_a_second_hand_over_would_be_a_second_call() -> None:
    assert Desk().honours_key is None
