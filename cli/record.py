"""`relaunch record-of-processing`: the page that article 30 of the GDPR asks for, made from the settings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from cli.client import load
from cli.record_words import (
    PEOPLE,
    PURPOSES,
    RECIPIENTS,
    SCOPES,
    TERMS,
    WORDS,
    YOURS,
    Language,
    Words,
)
from cli.show import safe, say
from models.vocabulary import Channel

if TYPE_CHECKING:
    from datetime import date

    from runtime.shop_settings import ShopSettings
    from settings import Settings

_TEMPLATES = Path(__file__).parent.parent / "templates" / "pages"


def record_of_processing(
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to; standard output without.")] = None,
    locale: Annotated[Language | None, typer.Option(help="Its language; the first shop's by default.")] = None,
) -> None:
    """Write the record of processing (GDPR, art. 30) as a page to print: what the settings say, and what is yours.

    Fields that Relaunch cannot know stay empty, to be filled in.
    """
    from runtime import clock  # noqa: PLC0415 - slow to load

    settings = load()
    page = render(settings, locale or settings.shops[0].locale, clock.now().date())
    if output is None:
        typer.echo(page)
        return
    output.write_text(page, encoding="utf-8")
    say(f"[green]written[/]: {safe(output)}; fill in what is empty, and keep it")


def render(settings: "Settings", language: Language, today: "date") -> str:
    """Return the page: one file without scripts, that needs nothing from anywhere."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - slow to load

    from cli.record_measures import measures  # noqa: PLC0415 - slow to load

    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    words = WORDS[language]
    kept = {
        "people": words["days"].format(days=settings.retention),
        "messages": words["days"].format(days=settings.message_retention),
    }
    return environment.get_template("record.html.j2").render(
        lang=language,
        words=words,
        made=words["made"].format(date=_date(today, language)),
        shops=[_shop(shop, language) for shop in settings.shops],
        people=PEOPLE[language],
        recipients=_recipients(settings, RECIPIENTS[language]),
        terms=[(what, term.format(**kept)) for what, term in TERMS[language]],
        measures=measures(settings, language),
        yours=YOURS[language],
    )


def _date(today: "date", language: Language) -> str:
    return today.strftime("%d/%m/%Y") if language == "fr" else today.isoformat()


def _shop(shop: "ShopSettings", language: Language) -> dict[str, Any]:
    scope = SCOPES[language][shop.soft_opt_in_scope]
    return {
        "name": shop.name,
        "address": shop.postal_address,
        "site": shop.url,
        "contact": shop.reply_to or shop.sender,
        "privacy": shop.privacy_url,
        "purposes": [(purpose, basis.format(scope=scope)) for purpose, basis in PURPOSES[language]],
    }


def _recipients(settings: "Settings", words: Words) -> list[tuple[str, str]]:
    """Return who gets personal data, and which; nothing of an account but its name, nothing of a URL but its host."""
    chosen, smtp = settings.accounts.chosen, settings.smtp_url
    found = [(words["staff"], words["gets_asked"])]
    mail = chosen.get(Channel.EMAIL) or (urlsplit(smtp.get_secret_value()).hostname if smtp else None)
    if mail is not None:
        found.append((words["email"].format(name=_proper(mail)), words["gets_message"]))
    else:
        found.append((words["files"], words["gets_nothing"]))
    if Channel.SMS in chosen:
        found.append((words["sms"].format(name=_proper(chosen[Channel.SMS])), words["gets_message"]))
    told = {urlsplit(shop.webhook_url).hostname for shop in settings.shops if shop.webhook_url}
    found += [(words["crm"].format(name=host), words["gets_told"]) for host in sorted(filter(None, told))]
    database = urlsplit(settings.database_url)
    engine = "PostgreSQL" if database.scheme.startswith("postgresql") else "SQLite"
    store = f"{engine}, {database.hostname or words['here']}"
    cluster = settings.temporal_address or words["here"]
    found.append((words["store"].format(name=store), words["gets_all"]))
    found.append((words["temporal"].format(name=cluster), words["gets_ids"]))
    return found


def _proper(name: str) -> str:
    return {"ses": "Amazon SES", "sendgrid": "SendGrid"}.get(name, name.capitalize() if name.isalpha() else name)
