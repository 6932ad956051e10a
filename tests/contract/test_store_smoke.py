from tests.builders import *
from tests.known_shop import KnownShop
from models.gate import Verdict

async def test_a_checkout_becomes_a_message(shop: KnownShop) -> None:
    got = await shop.hears(checkout(person("jeanne", granted(NOON - DAY))))
    print(got)
    j = await shop.journey()
    print(await shop.assess(j["id"], NOON + 2*HOUR))
    r = await shop.hand_over(j["id"], at=NOON + 2*HOUR)
    assert r is not None and r.verdict == "sent", r
