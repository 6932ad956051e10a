"""Who carries the messages: the providers' names, keys and rates, one page, read from the environment and `.env`."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from channels.accounts import Account
from models.vocabulary import Channel
from runtime.values import Length, Line, Secrets, Url

_SECRETS_OF_DOORS: Final = "_webhook_secret"


class Accounts(BaseSettings):
    """The shop's accounts with its providers; each field is the variable of its name in capitals, with the prefix."""

    model_config = SettingsConfigDict(
        env_prefix="RELAUNCH_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    email_provider: Literal["brevo", "mailgun", "mailjet", "postmark", "resend", "sendgrid", "ses"] | None = None
    """Who sends e-mail; without one it is RELAUNCH_SMTP_URL, else files in the outbox."""
    sms_provider: Literal["brevo", "twilio"] | None = None
    """Who sends text messages; without one these steps are skipped (in a rehearsal they are files in the outbox)."""
    email_rate: Annotated[float | None, Field(gt=0)] = None
    """Most e-mails a second, over all workers."""
    sms_rate: Annotated[float | None, Field(gt=0)] = None
    """Most text messages a second, over all workers."""
    spread: Length = timedelta(minutes=15)
    """Over how long messages are spread that one hour lets through at once, like `15m`."""
    dkim_key: Annotated[Path, AfterValidator(Path.absolute)] | None = None
    """A private key (RSA, PEM) that signs what leaves by SMTP, when the mail server does not sign itself."""
    dkim_selector: Line = "relaunch"
    """Where its public half is found: `{selector}._domainkey.{the sender's domain}`."""

    # Each provider's `_url` points elsewhere, as to a proxy; its `_webhook_secret` are what its events prove themselves
    # by, several, comma-separated, while they rotate. See `docs/providers/`.
    brevo_key: SecretStr | None = None
    brevo_url: Url | None = None
    brevo_webhook_secret: Secrets = ()

    mailgun_key: SecretStr | None = None
    mailgun_domain: Line | None = None
    mailgun_region: Literal["us", "eu"] | None = None
    mailgun_url: Url | None = None
    mailgun_webhook_secret: Secrets = ()
    """The HTTP webhook signing key."""

    mailjet_key: SecretStr | None = None
    mailjet_secret: SecretStr | None = None
    mailjet_url: Url | None = None
    mailjet_webhook_secret: Secrets = ()

    postmark_token: SecretStr | None = None
    postmark_stream: Line | None = None
    """The message stream, `broadcast` unless told."""
    postmark_url: Url | None = None
    postmark_webhook_secret: Secrets = ()

    resend_key: SecretStr | None = None
    resend_url: Url | None = None
    resend_webhook_secret: Secrets = ()
    """The signing secret, `whsec_…`."""

    sendgrid_key: SecretStr | None = None
    sendgrid_region: Literal["global", "eu"] | None = None
    sendgrid_url: Url | None = None
    sendgrid_webhook_secret: Secrets = ()
    """The verification key of the signed event webhook, which is a public one."""

    ses_region: Line | None = None
    ses_access_key: SecretStr | None = None
    ses_secret_key: SecretStr | None = None
    ses_session_token: SecretStr | None = None
    ses_configuration_set: Line | None = None
    ses_url: Url | None = None
    ses_webhook_secret: Secrets = ()
    """The ARNs of the SNS topics that may tell of events; Amazon's own signature proves them."""

    twilio_sid: Line | None = None
    twilio_token: SecretStr | None = None
    """The auth token; it signs the events too."""
    twilio_from: Line | None = None
    """A number or a name to send from, instead of the shop's own sender."""
    twilio_service: Line | None = None
    """A messaging service, which replaces every sender."""
    twilio_stop: Line | None = None
    """How a reader in France stops, at the end of each text; by default the link to leave."""
    twilio_url: Url | None = None
    twilio_webhook_secret: Secrets = ()
    """An older auth token, while it rotates."""

    def account(self, public_url: str) -> Account:
        """Return what adapters may ask for, by name; `public_url` is the installation's own."""
        values = {name: _plain(getattr(self, name)) for name in type(self).model_fields}
        return Account(values | {"public_url": public_url})

    @property
    def chosen(self) -> dict[Channel, str]:
        """Return the named provider of each channel that has one."""
        named = {Channel.EMAIL: self.email_provider, Channel.SMS: self.sms_provider}
        return {channel: name for channel, name in named.items() if name}

    @property
    def rates(self) -> dict[Channel, float | None]:
        """Return how many messages a second each channel may hand over, None where nothing is set."""
        return {Channel.EMAIL: self.email_rate, Channel.SMS: self.sms_rate}

    def webhook_secrets(self, source: str) -> list[str]:
        """Return the secrets of a source's events, none when nobody may knock there."""
        secrets: list[SecretStr] = list(getattr(self, f"{source}{_SECRETS_OF_DOORS}", ()))
        if source == "twilio" and self.twilio_token is not None:
            secrets.append(self.twilio_token)
        return [secret.get_secret_value() for secret in secrets]


def _plain(value: object) -> str | None:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return None if value is None or isinstance(value, tuple) else str(value)
