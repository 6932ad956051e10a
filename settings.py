"""Every knob on one page: the environment and `.env`, prefix RELAUNCH_, read once and strictly."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, SecretStr, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict

from runtime.accounts import Accounts
from runtime.shop_settings import ShopOfEnvironment, ShopSettings, variable
from runtime.values import (
    DatabaseUrl,
    Interval,
    Key,
    Line,
    Place,
    Port,
    SmtpUrl,
    Switch,
    Url,
    own_url,
)

PREFIX: Final = "RELAUNCH_"
# The variables and fields whose values must not be repeated.
_SECRETS: Final = re.compile("key$|secret$|token$|smtp_url|database_url|webhook_url", re.IGNORECASE)


class SettingsError(Exception):
    """A setting makes no sense; the one line names it, its value (never a secret) and what is expected."""


class Settings(BaseSettings):
    """The whole installation; each field is the variable of its name in capitals, with the prefix."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Annotated[Path, AfterValidator(Path.absolute)] = Path(".relaunch")
    """The folder of this installation: databases, outbox, keys."""
    database_url: DatabaseUrl = Field(
        default_factory=lambda data: f"sqlite+aiosqlite:///{data['home']}/relaunch.db", repr=False
    )
    """The store: `sqlite+aiosqlite:///FILE` or `postgresql+asyncpg://…`; by default `relaunch.db` in the home."""

    database_pool: int = Field(10, ge=1, le=500)
    """How many connections to PostgreSQL a process keeps; in a rush it opens twice as many."""

    temporal_address: Place | None = None
    """HOST:PORT of a Temporal cluster; without it a server for this machine is run."""
    temporal_namespace: Line = "default"
    temporal_tls: Switch = False
    """Encrypt the way to the cluster."""
    temporal_tls_ca: Path | None = None
    """Certificate of the authority that vouches for the cluster, when the system does not know it (PEM)."""
    temporal_tls_cert: Path | None = None
    """Certificate that we show (PEM)."""
    temporal_tls_key: Path | None = None
    """Its private key (PEM)."""
    temporal_api_key: SecretStr | None = None

    host: Line = "127.0.0.1"
    """The address on which the API listens."""
    port: Port = 8080
    """The port on which the API listens."""
    health_port: Port | None = None
    """Where a worker or relay that runs by itself answers `/healthz`, `/readyz` and `/metrics`; nowhere without."""
    public_url: Url = Field(default_factory=lambda data: own_url(data["host"], data["port"]))
    """How customers' mail programs reach the API; links in messages begin with it."""

    secret_key: Key | None = None
    """Signs links; without it one is made and kept in the home, as for the next two."""
    api_key: Key | None = None
    """Opens everything (role admin)."""
    ingest_key: Key | None = None
    """Opens `/v1/events` and `/v1/products` only."""

    smtp_url: SmtpUrl | None = None
    """`smtp://user:password@host:587`; without it messages become files in the outbox."""
    policies: Annotated[Path, AfterValidator(Path.absolute)] = Path(__file__).parent / "policies"
    """The folder of policy files."""
    config: Annotated[Path, AfterValidator(Path.absolute)] | None = None
    """A YAML file with several shops: `shops:` and a list of the fields of `ShopSettings`."""
    shops: Annotated[tuple[ShopSettings, ...], NoDecode] = Field(
        default_factory=lambda data: _shops(data["config"]), min_length=1
    )
    """Not a variable: the shops of `config`, else the one of the environment."""
    accounts: Annotated[Accounts, NoDecode] = Field(
        default_factory=lambda: _accounts()  # noqa: PLW0108 - it is defined below
    )
    """Not a variable: the providers, see `runtime/accounts.py`."""

    poll_every: Interval = timedelta(minutes=5)
    """How often storefronts are asked for what their webhooks did not tell, like `5m`."""
    sweep_every: Literal["hourly", "daily", "weekly"] = "daily"
    """How often inactive subscribers are looked for."""
    retention: int = Field(1095, ge=1, le=36_500)
    message_retention: int = Field(1095, ge=1, le=36_500)
    """How many days people and behaviour, and the text of messages, are kept (`docs/rights.md`)."""
    log_format: Literal["auto", "json", "console"] = "auto"
    """`auto` writes for people on a terminal, JSON elsewhere."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def temporal_db(self) -> Path:
        """The database of the server for this machine."""
        return self.home / "temporal.db"

    @property
    def outbox_dir(self) -> Path:
        """Where messages lie as `.eml` when no SMTP server is named."""
        return self.home / "outbox"


def load_settings(**overrides: object) -> Settings:
    """Read the environment and `.env`; `overrides`, by field name, win over both. Raises SettingsError."""
    try:
        return Settings.model_validate(overrides)
    except ValidationError as error:
        raise SettingsError(_explained(error, PREFIX)) from None


def unknown_variables() -> list[str]:
    """Return the variables with our prefix that no setting reads: misspelt ones, most likely."""
    known = {_variable(PREFIX, field.validation_alias or name) for name, field in Settings.model_fields.items()}
    known |= {_variable(PREFIX, name) for name in Accounts.model_fields}
    known |= {variable(name) for name in ShopSettings.model_fields}
    given = {*os.environ, *(name.upper() for name in DotEnvSettingsSource(Settings).env_vars)}
    return sorted(name for name in given if name.startswith(PREFIX) and name not in known)


def _accounts() -> Accounts:
    try:
        return Accounts()
    except ValidationError as error:
        raise SettingsError(_explained(error, PREFIX)) from None


def _shops(config: Path | None) -> tuple[ShopSettings, ...]:
    """Return the shops of the file, else the one of the environment."""
    shops = (_shop_of_environment(),) if config is None else _read_shops(config)
    where = "" if config is None else f"{config.name}: "
    ids = [shop.id for shop in shops]
    if len(set(ids)) < len(ids):
        raise SettingsError(f"{where}two shops have the id {max(ids, key=ids.count)!r}; give each its own")
    for shop in shops:
        if problem := shop.problem():
            raise SettingsError(f"{where}shop {shop.id!r} {problem}")
    return shops


def _shop_of_environment() -> ShopSettings:
    try:
        return ShopOfEnvironment.model_validate({})
    except ValidationError as error:
        raise SettingsError(_explained(error, PREFIX)) from None


def _read_shops(config: Path) -> tuple[ShopSettings, ...]:
    import yaml  # noqa: PLC0415 - most installations have one shop and no such file

    try:
        content = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"RELAUNCH_CONFIG is {config}, which cannot be read: {_without_content(error)}") from None
    if not isinstance(content, dict) or set(content) != {"shops"} or not isinstance(content["shops"], list):
        raise SettingsError(f"{config.name} must hold `shops:` and a list of shops, and nothing else")
    if not content["shops"]:
        raise SettingsError(f"{config.name} describes no shop; expected at least one under `shops:`")
    try:
        return TypeAdapter(tuple[ShopSettings, ...]).validate_python(content["shops"])
    except ValidationError as error:
        raise SettingsError(_explained(error, f"{config.name}: shops")) from None


def _without_content(error: Exception) -> str:
    """Return what is wrong with a file without quoting any of it: it may hold secrets."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f"line {mark.line + 1} is not YAML"
    return getattr(error, "strerror", None) or "it is not text in UTF-8"


def _variable(prefix: str, name: object) -> str:
    """Return the variable that a field, or an alias of one, is read from."""
    return str(name) if str(name).startswith(PREFIX) else f"{prefix}{name}".upper()


def _explained(error: ValidationError, where: str) -> str:
    """Return what is wrong with the first wrong value; `where` is a prefix, or a list in a file."""
    first = error.errors(include_url=False)[0]
    names = [part for part in first["loc"] if isinstance(part, int) or part.replace("_", "").isalnum()]
    if where.startswith(PREFIX):
        name = _variable(where, names[0])
    else:
        name = f"{where}[{names[0]}]" + "".join(f".{part}" for part in names[1:2])
    if first["type"] == "extra_forbidden":
        return f"{name} is unknown; expected one of {', '.join(ShopSettings.model_fields)}"
    what = first.get("ctx", {}).get("expected") or first["msg"]
    what = what.removeprefix("Value error, ").removeprefix("Input should be ")
    if _SECRETS.search(name):
        return f"{name} is not usable (its value is not shown); expected {what}"
    return f"{name} is {first['input']!r}; expected {what}"
