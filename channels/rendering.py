"""Turns a template and the facts of one message into its texts, however hostile the facts are."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from traceback import extract_tb
from typing import assert_never

from css_inline import CSSInliner, InlineError
from jinja2 import FileSystemLoader, StrictUndefined, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from channels.plaintext import from_html
from channels.wording import clean, decimal, given_name, gsm7, long_date, money, safe_url
from models.content import Brand, Content, Incentive, Item, Testimonial
from models.vocabulary import Channel

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
FALLBACKS = ("en", "fr")
SUBJECT_LIMIT = 150
TEXT_LIMIT = 1500  # of an SMS or push text: about ten SMS

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9_-]*")
_LOCALE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]+)*")


class TemplateError(Exception):
    """A template cannot be rendered; says where and how, never for whom or with which words."""

    def __init__(self, template: str, line: int | None, problem: str) -> None:
        """Name the template's file, its line when one is known, and what is wrong there."""
        super().__init__(f"{template}{f', line {line}' if line else ''}: {problem}")
        self.template, self.line, self.problem = template, line, problem


@dataclass(frozen=True, slots=True)
class Rendered:
    """The texts of one message: `subject` is one line; `subject` and `html` are empty for an SMS."""

    subject: str
    html: str
    text: str


class Renderer:
    """Renders templates named like `cart/reminder` out of `<channel>/<policy>/<step>.<locale>.<part>.j2` files.

    A shop's own folder goes before ours, file by file. A changed file is seen at the next message.
    """

    def __init__(self, shop: Path | None = None) -> None:
        """Read templates from the `shop` folder, where it has them, and from those we ship."""
        self._folders = [folder for folder in (shop, TEMPLATES) if folder is not None]
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(self._folders),
            undefined=StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html.j2"),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(money=money, decimal=decimal, date=long_date)
        self._inliner = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

    def exists(self, channel: Channel, template: str, locale: str) -> bool:
        """Say whether `render` finds every part of a template, in this locale or in one that stands in for it."""
        return self._locale(channel, template, locale) is not None

    def render(self, channel: Channel, template: str, content: Content) -> Rendered:
        """Return the texts of one message in the customer's locale, else its language, else English, else French.

        Raises `TemplateError` for a missing or broken template and for a message without its links.
        """
        locale = self._locale(channel, template, content.locale)
        if locale is None:
            raise TemplateError(f"{channel}/{template}", None, "no template in the customer's language, en or fr")
        facts = _facts(content, channel, template, locale)
        parts = {part: self._part(f"{channel}/{template}.{locale}.{part}.j2", facts) for part in _parts(channel)}
        subject = clean(parts.get("subject", ""), SUBJECT_LIMIT)
        if "subject" in parts and not subject:
            raise TemplateError(f"{channel}/{template}.{locale}.subject.j2", None, "the subject is empty")
        if "html" in parts:
            html = self._inlined(f"{channel}/{template}.{locale}.html.j2", parts["html"])
            return Rendered(subject, html, from_html(html))
        if channel is Channel.CALL:  # staff read it on a screen, line by line
            return Rendered("", "", "\n".join(clean(line) for line in parts["text"].strip().splitlines()))
        text = clean(parts["text"], TEXT_LIMIT)
        return Rendered(subject, "", gsm7(text) if channel is Channel.SMS else text)

    def _locale(self, channel: Channel, template: str, wanted: str) -> str | None:
        if not _NAME.fullmatch(template):
            return None
        wanted = wanted.lower().replace("_", "-")
        choices = [wanted, wanted.partition("-")[0]] if _LOCALE.fullmatch(wanted) else []
        for locale in (*choices, *FALLBACKS):
            if all(self._has(f"{channel}/{template}.{locale}.{part}.j2") for part in _parts(channel)):
                return locale
        return None

    def _has(self, name: str) -> bool:
        return any((folder / name).is_file() for folder in self._folders)

    def _part(self, name: str, facts: dict[str, object]) -> str:
        try:
            return self._environment.get_template(name).render(facts)
        except Exception as error:  # noqa: BLE001 - a template may fail in any way, and must fail alone
            failure = _failure(name, error)
        raise failure  # outside the handler, so that the cause and the words in it stay behind

    def _inlined(self, name: str, html: str) -> str:
        try:
            return self._inliner.inline(html)
        except (InlineError, ValueError):
            failure = TemplateError(name, None, "its style sheet cannot be inlined")
        raise failure


def _parts(channel: Channel) -> tuple[str, ...]:
    match channel:
        case Channel.EMAIL:
            return ("subject", "html")
        case Channel.SMS | Channel.CALL:
            return ("text",)
        case Channel.PUSH:
            return ("subject", "text")
        case _:
            assert_never(channel)


def _failure(name: str, error: Exception) -> TemplateError:
    """Describe a failure by its place and its kind; an exception's own words may hold a customer's."""
    if isinstance(error, TemplateSyntaxError):
        return TemplateError(error.name or name, error.lineno, error.message or "syntax error")
    kind = type(error).__name__
    for frame in reversed(extract_tb(error.__traceback__)):
        if frame.filename.endswith(".j2"):
            return TemplateError(Path(frame.filename).name, frame.lineno, f"{kind} at `{(frame.line or '').strip()}`")
    return TemplateError(name, None, kind)


def _facts(content: Content, channel: Channel, template: str, locale: str) -> dict[str, object]:
    """Return what a template may say, by name: the content's own fields made safe, and four more.

    `policy` is the first half of the template's name, `lang` the locale of its file, `proof` says whether there is
    any social proof at all.
    """
    action = safe_url(content.action_url) or safe_url(content.brand.url)
    unsubscribe = safe_url(content.unsubscribe_url)
    if action is None or unsubscribe is None:
        missing = "action_url" if action is None else "unsubscribe_url"
        raise TemplateError(f"{channel}/{template}", None, f"{missing} is no http or https address")
    name = given_name(content.first_name)
    return {
        "policy": template.partition("/")[0],
        "lang": locale,
        "brand": _brand(content.brand),
        "currency": clean(content.currency, 8).upper(),
        "segment": content.segment,
        "depth": content.depth,
        "first_name": gsm7(name) or None if name and channel is Channel.SMS else name,
        "items": tuple(_item(item) for item in content.items),
        "total": content.total,
        "action_url": action,
        "unsubscribe_url": unsubscribe,
        "preferences_url": safe_url(content.preferences_url),
        "pixel_url": safe_url(content.pixel_url),
        "testimonials": tuple(_testimonial(review) for review in content.testimonials),
        "buyers": content.buyers,
        "rating": content.rating,
        "rating_count": content.rating_count,
        "proof": bool(content.testimonials) or content.rating is not None or (content.buyers or 0) > 1,
        "incentive": _incentive(content.incentive) if content.incentive else None,
        "rehearsal": content.rehearsal,
        "earlier": content.earlier,
        "speaks": clean(content.speaks, 40) if content.speaks else None,
    }


def _brand(brand: Brand) -> Brand:
    return replace(
        brand,
        name=clean(brand.name, 80),
        url=safe_url(brand.url) or "",
        sender=clean(brand.sender, 200),
        reply_to=clean(brand.reply_to, 200) if brand.reply_to else None,
        postal_address=clean(", ".join(brand.postal_address.splitlines()), 300),
        privacy_url=safe_url(brand.privacy_url),
        logo_url=safe_url(brand.logo_url),
    )


def _item(item: Item) -> Item:
    return replace(item, name=clean(item.name, 120), url=safe_url(item.url), image_url=safe_url(item.image_url))


def _testimonial(review: Testimonial) -> Testimonial:
    author = clean(review.author, 60) if review.author else None
    return replace(review, product=clean(review.product, 120), text=clean(review.text), author=author)


def _incentive(incentive: Incentive) -> Incentive:
    exclusions = clean(incentive.exclusions, 200) if incentive.exclusions else None
    return replace(incentive, code=clean(incentive.code, 40), exclusions=exclusions)
