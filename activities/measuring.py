"""Makes a message tell what its reader does with it: only for who agreed to that, and never a way out of the list."""

from dataclasses import replace

from channels.wording import safe_url
from models.consent import allows
from models.content import Content
from models.situation import Situation
from models.vocabulary import Channel, Purpose
from runtime.links import Links


def measured(content: Content, situation: Situation, channel: Channel, delivery: str, links: Links) -> Content:
    """Return what an e-mail says, with the picture and the ways round by which we learn of opens and clicks.

    Each needs its own consent (CNIL 2026-042), and without any a message goes out as it is. The links that lead to
    the cart and to its items go round; those to unsubscribe, to the preferences and to the shop's own pages never do.
    """
    if channel is not Channel.EMAIL:
        return content
    if allows(situation, channel, Purpose.OPEN_TRACKING):
        content = replace(content, pixel_url=links.opening(delivery))
    if allows(situation, channel, Purpose.CLICK_TRACKING):
        items = tuple(replace(item, url=_round(item.url, delivery, links)) for item in content.items)
        action = _round(content.action_url, delivery, links) or content.action_url
        content = replace(content, items=items, action_url=action)
    return content


def _round(url: str | None, delivery: str, links: Links) -> str | None:
    """Return the way round to an address; the address itself where that would be too long for mail programs."""
    plain = safe_url(url)
    return None if plain is None else safe_url(links.clicking(delivery, plain)) or plain
