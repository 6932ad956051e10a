"""What a setting may be: each kind of value, how it is checked, and how what is expected is said to people."""

import re
from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Annotated, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from models.currencies import DECIMALS
from models.durations import parse_duration

_LARGEST_PORT: Final = 65535
_SHORTEST_KEY: Final = 16
_SHORTEST_INTERVAL: Final = timedelta(seconds=10)
_SIGNING: Final = "whsec_ and 24 to 64 random bytes in base64"
_SHOP_ID: Final = re.compile("[a-z0-9][a-z0-9_-]{0,62}")
# ISO 3166-1 alpha-2, in the order of the alphabet.
_COUNTRIES: Final = re.findall(
    "..",
    "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZ"
    "DEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJP"
    "KEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOM"
    "PAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZ"
    "UAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW",
)


def _must(what: str, holds: Callable[[str], bool]) -> BeforeValidator:
    """Return a check of a text; `what` completes "expected …"."""

    def check(value: object) -> object:
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        try:
            good = value is None or holds(text)
        except ValueError:
            good = False
        if not good:
            raise ValueError(what)
        return value

    return BeforeValidator(check)


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in text


def _is_receiver(text: str) -> bool:
    parts = urlsplit(text)
    here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    return _is_url(text) and not parts.fragment and (parts.scheme == "https" or here)


def _is_signing(text: str) -> bool:
    key = b64decode(text.removeprefix("whsec_"), validate=True)  # binascii.Error is a ValueError
    return text.startswith("whsec_") and 24 <= len(key) <= 64


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name).key)
    except (OSError, KeyError):  # a folder of zones, an unknown name
        return False


def _length(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    try:
        return parse_duration(str(value))
    except ValueError:
        raise ValueError("a length of time like 15m or 3d") from None


def _interval(value: object) -> object:
    length = _length(value)
    if isinstance(length, timedelta) and length < _SHORTEST_INTERVAL:
        raise ValueError("10s or longer, like 5m")
    return length


def _is_mailbox(text: str) -> bool:
    local, _, domain = parseaddr(text)[1].rpartition("@")
    return bool(local and domain) and _is_line(text)


def _is_line(text: str) -> bool:
    return re.search(r"[\x00-\x1f\x7f]", text) is None


def _is_port(text: str) -> bool:
    return text.isdecimal() and 1 <= int(text) <= _LARGEST_PORT


def _is_place(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and "/" not in host and _is_port(port)


def _is_database(text: str) -> bool:
    return _database(text).startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://"))


def _database(text: str) -> str:
    return re.sub("^postgres(ql)?://", "postgresql+asyncpg://", text)


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _without_slash(text: str) -> str:
    return text.rstrip("/")


def local_sender(data: dict[str, str]) -> str:
    """Return the sender of a shop that has named none, from its `name`: it serves on this machine only."""
    return str(Address(data["name"], "relaunch", "localhost"))


def own_url(host: str, port: int) -> str:
    """Return how this machine reaches the API; an address that stands for all of its own is no destination."""
    name = "localhost" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


Url = Annotated[str, _must("a URL like https://shop.example", _is_url), AfterValidator(_without_slash)]
Receiver = Annotated[str, _must("a URL like https://crm.example/hook; http on this machine only", _is_receiver)]
SigningSecret = Annotated[SecretStr, _must(f"{_SIGNING}, see docs/outgoing-webhooks.md", _is_signing)]
Zone = Annotated[str, _must("an IANA time zone like Europe/Paris", _is_zone)]
Currency = Annotated[
    str, _must("an ISO 4217 currency like EUR", lambda code: code.upper() in DECIMALS), AfterValidator(str.upper)
]
Country = Annotated[
    str, _must("an ISO 3166 country like FR", lambda code: code.upper() in _COUNTRIES), AfterValidator(str.upper)
]
DatabaseUrl = Annotated[
    str,
    _must("sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/NAME", _is_database),
    AfterValidator(_database),
]
SmtpUrl = Annotated[
    SecretStr, _must("smtp://HOST or smtps://HOST", lambda text: text.startswith(("smtp://", "smtps://")))
]
Mailbox = Annotated[str, _must("an address like Shop <hello@shop.example>", _is_mailbox)]
Port = Annotated[int, _must(f"a port from 1 to {_LARGEST_PORT}", _is_port)]
Switch = Annotated[bool, _must("true or false", lambda text: text.lower() in {"true", "false", "1", "0", "yes", "no"})]
Place = Annotated[str, _must("a host and a port like temporal.example:7233", _is_place)]
Line = Annotated[str, _must("one line of text", _is_line)]
ShopId = Annotated[str, _must("letters a-z, digits, - and _", lambda text: bool(_SHOP_ID.fullmatch(text)))]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
SigningSecrets = Annotated[
    tuple[Annotated[SecretStr, _must(f"{_SIGNING}, see docs/events.md", _is_signing)], ...],
    NoDecode,
    BeforeValidator(_split),
]
Length = Annotated[timedelta, BeforeValidator(_length)]
Interval = Annotated[timedelta, BeforeValidator(_interval)]
Key = Annotated[SecretStr, _must(f"at least {_SHORTEST_KEY} characters", lambda text: len(text) >= _SHORTEST_KEY)]
