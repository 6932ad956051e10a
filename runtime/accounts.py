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

    postmark_token: SecretStr | None = None
    """The server's API token."""
    postmark_stream: Line | None = None
    """The message stream, `broadcast` unless told."""
    postmark_url: Url | None = None
    postmark_webhook_secret: Secrets = ()

    @property
    def account(self) -> Account:
        """Return what adapters may ask for, by name."""
        return Account({name: _plain(getattr(self, name)) for name in type(self).model_fields})

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
        return [secret.get_secret_value() for secret in getattr(self, f"{source}{_SECRETS_OF_DOORS}", ())]


def _plain(value: object) -> str | None:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return None if value is None or isinstance(value, tuple) else str(value)
