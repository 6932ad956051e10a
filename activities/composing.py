"""Writes one step's message out of its draft: offer, words, bytes; pure but for the templates it reads."""

from dataclasses import dataclass, replace
from datetime import datetime

from activities.measuring import measured
from channels.base import Misconfigured, Refused
from channels.mime import headers_for, message_id, sender_domain, to_bytes
from channels.rendering import Rendered, Renderer, TemplateError
from channels.signing import Signer
from models.calendar import zone_of
from models.content import Content, Earlier, Incentive, Item
from models.events import Line
from models.facts import Facts
from models.journey import delivery_key
from models.known import known, serial_abandoner
from models.message import Message
from models.offers import Refusal, choose
from models.stored import Json
from models.vocabulary import Channel, Reason
from runtime.links import Links
from store.drafts import Draft

LOCALES = ("fr", "en")
_EARLIER = 5


@dataclass(frozen=True, slots=True)
class Composed:
    """A message, or why there is none, and what the decision must remember of it."""

    message: Message | None
    broken: Reason | None
    coupon: str | None
    inputs: dict[str, Json]


class Composer:
    """Writes messages with one set of templates and one maker of links."""

    def __init__(
        self, renderer: Renderer, links: Links, *, rehearsal: bool = False, signer: Signer | None = None
    ) -> None:
        """Messages of a rehearsal say so; `signer` signs e-mail where nobody behind us does."""
        self.renderer, self.links, self.rehearsal, self.signer = renderer, links, rehearsal, signer

    def compose(self, draft: Draft, channel: Channel, delivery: str, at: datetime) -> Composed:
        """Return the message of a draft; `broken` says why it could not be written."""
        facts = known(draft.situation, draft.policy, at)
        offer = _offer(draft, facts, at)
        inputs: dict[str, Json] = {"segment": str(facts["segment"]), "template": draft.step.template}
        if isinstance(offer, Refusal):
            inputs["offer"] = str(offer)
        incentive = offer if isinstance(offer, Incentive) else None
        coupon = incentive.code if incentive else None
        customer = draft.situation.customer
        to = customer.address(channel) if customer else None
        if customer is None or not to:
            return Composed(None, None, None, inputs)
        content = self._content(draft, channel, facts, incentive)
        content = measured(content, draft.situation, channel, delivery, self.links)
        if not self.renderer.exists(channel, draft.step.template, content.locale):
            return Composed(None, Reason.TEMPLATE_MISSING, None, inputs)
        try:
            rendered = self.renderer.render(channel, draft.step.template, content)
            return Composed(self._message(draft, channel, delivery, to, content, rendered, at), None, coupon, inputs)
        except TemplateError as error:
            return Composed(None, Reason.TEMPLATE_ERROR, None, inputs | {"problem": str(error)})
        except Refused as error:
            return Composed(None, Reason.NO_ADDRESS, None, inputs | {"problem": str(error)})
        except Misconfigured as error:
            return Composed(None, Reason.PROVIDER_MISCONFIGURED, None, inputs | {"problem": str(error)})

    def _content(self, draft: Draft, channel: Channel, facts: Facts, incentive: Incentive | None) -> Content:
        customer, cart, shop = draft.situation.customer, draft.situation.cart, draft.shop
        assert customer is not None
        rated = next((one for one in draft.products.values() if one.rating is not None), None)
        depth = facts.get("customer.depth")
        # What is said on the telephone is read by the shop's staff before.
        theirs = () if channel is Channel.CALL else (draft.policy.locale, customer.locale)
        return Content(
            brand=shop.brand,
            locale=locale_of(*theirs, shop.locale),
            currency=(cart.currency if cart else None) or shop.currency,
            segment=str(facts["segment"]),
            depth=str(depth) if depth and cart is None else None,
            first_name=customer.first_name,
            items=tuple(_item(line, draft) for line in draft.lines),
            total=cart.value if cart else sum(line.price for line in draft.lines),
            action_url=(cart.checkout_url if cart else None) or shop.url,
            unsubscribe_url=self.links.unsubscribe(shop.id, customer.id, channel),
            preferences_url=self.links.preferences(shop.id, customer.id, channel),
            testimonials=draft.testimonials,
            buyers=draft.buyers,
            rating=rated.rating if rated else None,
            rating_count=rated.review_count if rated else None,
            incentive=incentive,
            rehearsal=self.rehearsal,
            earlier=_earlier(draft),
            speaks=customer.locale,
        )

    def _message(
        self,
        draft: Draft,
        channel: Channel,
        delivery: str,
        to: str,
        content: Content,
        rendered: Rendered,
        at: datetime,
    ) -> Message:
        shop = draft.shop
        key = delivery_key(draft.situation.journey.id, draft.step.name, channel)
        domain = sender_domain(shop.sender)
        message = Message(
            delivery=delivery,
            key=key,
            channel=channel,
            to=to,
            sender=shop.sms_sender if channel is Channel.SMS else shop.sender,
            reply_to=shop.reply_to,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            message_id=message_id(key, domain),
        )
        # A text message has no headers, but an adapter may have to say how one stops.
        message = replace(message, headers=headers_for(content.unsubscribe_url, f"relaunch.{domain}"))
        if channel is not Channel.EMAIL:
            return message
        raw = to_bytes(message, at)
        return replace(message, raw=self.signer.sign(raw, shop.sender) if self.signer else raw)


def locale_of(*wishes: str | None) -> str:
    """Return the first of these languages that messages are written in; French when there is none."""
    languages = (wish.replace("_", "-").partition("-")[0].lower() for wish in wishes if wish)
    return next((language for language in languages if language in LOCALES), LOCALES[0])


def _offer(draft: Draft, facts: Facts, at: datetime) -> Incentive | Refusal | None:
    offer, situation = draft.step.offer, draft.situation
    if offer is None:
        return None
    cart, customer = situation.cart, situation.customer
    foreign = cart is not None and cart.currency not in (None, draft.shop.currency)
    return choose(
        offer,
        segment=str(facts["segment"]),
        cart_value=None if cart is None or foreign else cart.value,
        cart_coupon=cart.coupon if cart else None,
        coupons_last=max((one.at for one in situation.handed if one.coupon), default=None),
        serial_abandoner=serial_abandoner(situation, at),
        at=at,
        zone=customer.timezone if customer else None,
        default_zone=draft.shop.timezone,
    )


def _earlier(draft: Draft) -> tuple[Earlier, ...]:
    """Return the last messages to this person, newest first, each on the day that the shop's calendar showed."""
    last = sorted(draft.situation.handed, key=lambda one: one.at, reverse=True)[:_EARLIER]
    zone = zone_of(draft.shop.timezone)
    return tuple(Earlier(one.step, one.channel, one.at.astimezone(zone).date()) for one in last)


def _item(line: Line, draft: Draft) -> Item:
    """Return a line with what the shop's catalogue knows better than the cart."""
    product = draft.products.get(line.product_id)
    return Item(
        product_id=line.product_id,
        name=line.name or (product.name if product else line.product_id),
        price=line.price,
        quantity=line.quantity,
        url=line.url or (product.url if product else None),
        image_url=line.image_url or (product.image_url if product else None),
        category=line.category or (product.category if product else None),
        stock=product.stock if product and product.stock is not None else line.stock,
    )
