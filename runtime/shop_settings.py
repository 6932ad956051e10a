"""What an operator says of one shop: how its customers know it, and how its storefront is reached."""

from typing import Final, Literal

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.vocabulary import SoftOptIn
from runtime.values import (
    Country,
    Currency,
    Line,
    Mailbox,
    Receiver,
    Secrets,
    ShopId,
    SigningSecret,
    SigningSecrets,
    Url,
    Zone,
    local_sender,
)

STOREFRONTS: Final = ("shopify", "woocommerce", "magento", "prestashop")
"""The storefronts; the settings of each begin with its name."""
_SHORT: Final = ("id", "sender", "reply_to")
"""What belongs to the shop, and stands in the environment without the word."""


class Described(BaseModel):
    """How its customers know a shop; in the environment with the prefix RELAUNCH_SHOP_."""

    id: ShopId = "main"
    """Its name in tables, on the command line and in URLs (RELAUNCH_SHOP)."""
    name: Line = Field("Shop", min_length=1, max_length=100)
    """As its customers know it."""
    url: Url = "http://localhost"
    """Its front page."""
    locale: Literal["fr", "en"] = "fr"
    """The language of its messages where the customer's own is not known."""
    timezone: Zone = "Europe/Paris"
    """Where its day begins and ends, and its customers' where theirs is not known."""
    currency: Currency = "EUR"
    """The currency of amounts that come without one."""
    country: Country = "FR"
    """The country of telephone numbers that come without one, and whose calendar counts where none is known."""
    soft_opt_in_scope: SoftOptIn = SoftOptIn.BUYERS_ONLY
    """Whom the shop may write to without consent: `none`, `buyers_only` or `buyers_and_accounts`."""
    sms_sender: Line = ""
    """Who its text messages come from: 3 to 11 letters and digits, or a short number; by default its name."""
    postal_address: Line = ""
    """One line under every message, as the law asks."""
    privacy_url: Url | None = None
    """Its privacy notice, linked in every message."""
    logo_url: Url | None = None
    """Its logo, at the head of every message."""
    sender: Mailbox = Field(default_factory=local_sender)
    """The From of its messages (RELAUNCH_SENDER)."""
    reply_to: Mailbox | None = None
    """Where answers go when not to the sender (RELAUNCH_REPLY_TO)."""


class ShopSettings(Described):
    """One shop as its operator describes it: in the environment, or in the file that RELAUNCH_CONFIG names.

    Everything below is in the environment with the prefix RELAUNCH_. Secrets are several, comma-separated, while they
    rotate. A shop has one storefront; a second storefront is a shop of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shopify_secret: Secrets = ()
    """The secrets of its Shopify webhooks."""
    shopify_url: Url | None = None
    """Where Shopify keeps it: https://NAME.myshopify.com."""
    shopify_token: SecretStr | None = None
    """What opens its Admin API: an app's CLIENT_ID:CLIENT_SECRET, or the lasting token of an older app."""

    woocommerce_secret: Secrets = ()
    """The secrets of its WooCommerce webhooks."""
    woocommerce_url: Url | None = None
    """Where WordPress answers."""
    woocommerce_key: SecretStr | None = None
    """A REST API key that may read, as `ck_…:cs_…`."""

    magento_url: Url | None = None
    """Where Magento or Adobe Commerce answers."""
    magento_token: SecretStr | None = None
    """The access token of an integration."""

    prestashop_url: Url | None = None
    """Where PrestaShop answers."""
    prestashop_key: SecretStr | None = None
    """A webservice key that may read carts, orders, order_states, customers, products, combinations, currencies."""

    events_secret: SigningSecrets = ()
    """The secrets of signed calls to /v1/events (Standard Webhooks, `whsec_…`)."""
    webhook_url: Receiver | None = Field(None, repr=False)
    """Who is told of opt-outs, consents and the ends of journeys: the shop, or its CRM (docs/outgoing-webhooks.md)."""
    webhook_secret: SigningSecret | None = None
    """What signs these calls (Standard Webhooks, `whsec_…`)."""

    def secrets(self, storefront: str) -> list[str]:
        """Return the secrets of a storefront's webhooks, none when it may not knock."""
        return [one.get_secret_value() for one in getattr(self, f"{storefront}_secret", ())]

    def storefronts(self) -> list[str]:
        """Return the storefronts that it is set up for: at most one, when all is well."""
        return [name for name in STOREFRONTS if any(getattr(self, one) for one in self._of(name))]

    def problem(self) -> str | None:
        """Return what does not go together in these settings, None when everything does."""
        if len(names := self.storefronts()) > 1:
            both = " and ".join(names)
            return f"is set up for {both}: a shop has one storefront; give the other one a shop of its own"
        if self.shopify_token and not self.shopify_url:
            return "has a shopify_token, but no shopify_url: where is it to be asked?"
        if self.webhook_url and not self.webhook_secret:
            return "has a webhook_url, but no webhook_secret: what is to sign the calls?"
        return None

    @staticmethod
    def _of(storefront: str) -> list[str]:
        return [name for name in ShopSettings.model_fields if name.startswith(f"{storefront}_")]


def variable(name: str) -> str:
    """Return the environment variable of a field."""
    if name in _SHORT:
        return "RELAUNCH_SHOP" if name == "id" else f"RELAUNCH_{name.upper()}"
    return f"RELAUNCH_SHOP_{name.upper()}" if name in Described.model_fields else f"RELAUNCH_{name.upper()}"


class ShopOfEnvironment(BaseSettings, ShopSettings):
    """The one shop that the environment describes."""

    model_config = SettingsConfigDict(
        alias_generator=AliasGenerator(validation_alias=variable),
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )
