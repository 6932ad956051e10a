"""One installation, opened: settings, secrets, store, policies and shops, ready for whichever part runs on it."""

import unicodedata
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from channels.base import EventReader, Sender
from channels.registry import event_reader, provider, senders
from channels.rendering import TEMPLATES
from channels.signing import Signer
from models.policy import Policy
from models.policy_file import PolicyError, parse_policies
from models.vocabulary import Channel, Role
from runtime import clock
from runtime.home import Secret, load_secret
from runtime.links import Links
from runtime.shop_settings import ShopSettings
from settings import Settings, SettingsError
from store import chores, db, keys, migrate, policies, shops

_SMS_SENDER = 11


@dataclass(frozen=True, slots=True)
class Door:
    """One provider's events: who reads them, and the secrets that are valid now."""

    reader: EventReader
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything that the parts share; `new` are the secrets that were made just now, to be shown once."""

    settings: Settings
    db: db.Database
    links: Links
    secret: str
    api_key: str
    new: tuple[Secret, ...]
    rehearsal: bool

    def shop(self, shop: str | None = None) -> ShopSettings:
        """Return a shop's settings, the first one's without a name."""
        return next((one for one in self.settings.shops if shop in (None, one.id)), self.settings.shops[0])

    def senders(self) -> dict[Channel, Sender]:
        """Return a sender for each channel that is configured."""
        return senders_of(self.settings, rehearsal=self.rehearsal)

    def signer(self) -> Signer | None:
        """Return who signs what leaves by SMTP, None where the mail server or the provider does."""
        return signer_of(self.settings)

    def door(self, source: str) -> Door | None:
        """Return who reads a provider's events and what they prove themselves by, None for who is not set up."""
        secrets = self.settings.accounts.webhook_secrets(source)
        reader = event_reader(source) if secrets else None
        return None if reader is None else Door(reader, tuple(secrets))


def signer_of(settings: Settings) -> Signer | None:
    """Return who signs what leaves by SMTP, None where nobody is named; raises SettingsError for an unreadable key."""
    accounts = settings.accounts
    if accounts.dkim_key is None or Channel.EMAIL in accounts.chosen:
        return None
    try:
        return Signer(accounts.dkim_selector, accounts.dkim_key.read_bytes())
    except OSError as error:
        raise SettingsError(f"RELAUNCH_DKIM_KEY {accounts.dkim_key} cannot be read: {error.strerror}") from None


def sender_name(shop: ShopSettings) -> str:
    """Return who a shop's text messages come from: what it says, else eleven letters and digits of its name."""
    return shop.sms_sender or _letters(shop.name)


def senders_of(settings: Settings, *, rehearsal: bool) -> dict[Channel, Sender]:
    """Return a sender for each channel that is configured: the named provider, else SMTP, else files in the outbox.

    Raises `channels.base.Misconfigured` when what is set makes no sense.
    """
    url, accounts = settings.smtp_url, settings.accounts
    found = senders(smtp_url=url.get_secret_value() if url else None, outbox=settings.outbox_dir, rehearsal=rehearsal)
    for channel, name in accounts.chosen.items():
        found[channel] = provider(channel, name, accounts.account(settings.public_url), clock.now)
    return found


@asynccontextmanager
async def opened(settings: Settings, *, rehearsal: bool = False) -> AsyncIterator[Installation]:
    """Bring the store up to date and open it; shops, policies and the first keys are written from the settings."""
    kept = {name: _secret(settings, name) for name in ("secret_key", "api_key", "ingest_key")}
    await migrate.upgrade(settings.database_url)
    database = db.connect(settings.database_url, kept["secret_key"].value, settings.database_pool)
    try:
        now = clock.now()
        await database.write(chores.key_hashes, now)
        await database.write(shops.save_shops, [_record(shop, rehearsal=rehearsal) for shop in settings.shops])
        await database.write(policies.activate, load_policies(settings.policies), now)
        await database.write(keys.put_key, "admin", Role.ADMIN, kept["api_key"].value, now)
        await database.write(keys.put_key, "ingest", Role.INGEST, kept["ingest_key"].value, now)
        yield Installation(
            settings,
            database,
            Links(settings.public_url, kept["secret_key"].value),
            kept["secret_key"].value,
            kept["api_key"].value,
            tuple(secret for secret in kept.values() if secret.new),
            rehearsal,
        )
    finally:
        await database.aclose()


def load_policies(folder: Path) -> list[Policy]:
    """Return the policies of a folder's YAML files, in the order of the files' names."""
    templates = known_templates()
    loaded: list[Policy] = []
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        try:
            loaded += parse_policies(path.read_text(encoding="utf-8"), templates=templates)
        except PolicyError as error:
            first = error.problems[0]
            raise SettingsError(
                f"{path.name}, line {first.line}, {first.field}: {first.message}; `relaunch policy check` shows all"
            ) from None
    names = [policy.name for policy in loaded]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise SettingsError(f"RELAUNCH_POLICIES {folder} has two policies named {min(twice)!r}; rename one")
    return loaded


def known_templates(folders: Sequence[Path] = (TEMPLATES,)) -> set[str]:
    """Return the names of all templates, like `email/cart/reminder`."""
    return {
        f"{path.parent.relative_to(folder)}/{path.name.split('.')[0]}"
        for folder in folders
        for path in folder.glob("*/*/*.j2")
    }


def _secret(settings: Settings, name: str) -> Secret:
    given = getattr(settings, name)
    return load_secret(settings.home, name, given.get_secret_value() if given else None)


def _letters(name: str) -> str:
    """Return what a text message can bear of a shop's name: eleven letters and digits (GSM 03.40, alphanumeric)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(sign for sign in plain if sign.isalnum())[:_SMS_SENDER]


def _record(shop: ShopSettings, *, rehearsal: bool) -> shops.ShopRecord:
    return shops.ShopRecord(
        id=shop.id,
        name=shop.name,
        url=shop.url,
        locale=shop.locale,
        timezone=shop.timezone,
        currency=shop.currency,
        country=shop.country,
        soft_opt_in=shop.soft_opt_in_scope,
        sms_sender=sender_name(shop),
        sender=shop.sender,
        reply_to=shop.reply_to,
        postal_address=shop.postal_address,
        privacy_url=shop.privacy_url,
        logo_url=shop.logo_url,
        announces=shop.webhook_url is not None and not rehearsal,  # nor is it told after the rehearsal
    )
