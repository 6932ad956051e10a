"""The one HTTP client under every provider's adapter, and what an answer, or its absence, proves of a message.

| what is known                                              | proof of         | raised                             |
|------------------------------------------------------------|------------------|------------------------------------|
| no connection, no free one in time, DNS, TLS, line lost    | non-acceptance   | TemporarilyUnavailable             |
| before a byte of the body was sent                         |                  |                                    |
| 408, 425, 429, 503                                         | non-acceptance   | TemporarilyUnavailable, with the   |
|                                                            |                  | provider's Retry-After             |
| 3xx (never followed), 401, 403, 407                        | non-acceptance,  | Misconfigured                      |
|                                                            | our fault        |                                    |
| any other 4xx                                              | non-acceptance   | what the provider's verdict says,  |
|                                                            |                  | else Misconfigured for 404, 405    |
|                                                            |                  | and 410, Refused for the rest      |
| 2xx with the id that the provider promises                 | acceptance       | nothing: a Receipt                 |
| line lost, time-out, cancellation once a byte of the body  | nothing          | Unproven                           |
| was sent; 500, 502, 504 and any other 5xx; an answer that  |                  |                                    |
| cannot be read                                             |                  |                                    |

Nobody can act on a request whose announced body has not begun to come, so the moment of decision is the first byte of
the body. A kept connection that the provider has closed is noticed and replaced before anything is written. One that
it closes at the very moment of writing has taken bytes that may have arrived: Unproven, and never replaced.
"""

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from channels.base import ChannelError, Misconfigured, Receipt, Refused, TemporarilyUnavailable, Unproven

_NO_HEADERS: Mapping[str, str] = {}
_PRINTABLE = re.compile(r"[\x21-\x7e][\x20-\x7e]*")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,60}")
_SECONDS = re.compile(r"\d{1,6}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered; names of headers in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def fields(self) -> Mapping[str, object]:
        """Return the JSON object of the body, without fields when it is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


Verdict = Callable[[Answer, str], ChannelError | None]
"""What one provider means by a 4xx answer; gets a text to put into the error, returns None to leave it to the table."""


class HttpClient:
    """One provider's client: a few connections, kept open, and one translation of all that can happen on them."""

    def __init__(
        self,
        provider: str,
        url: str,
        headers: Mapping[str, str],
        *,
        now: Callable[[], datetime],
        verdict: Verdict = lambda _answer, _text: None,
        connections: int = 16,
        timeout_s: float = 30.0,
    ) -> None:
        """Remember where the provider is and the headers with its key; connects at the first message only.

        At most `connections` lines are open at once; one unused for 15 s is closed. `timeout_s` is for the answer.
        `now` is the wall clock, for a Retry-After that names a date. Raises `Misconfigured` for a URL or a key that
        makes no sense.
        """
        self._provider, self._url = provider, _base(provider, url)
        self._now, self._verdict = now, verdict
        for value in headers.values():
            checked_key(provider, value)
        self._client = httpx.AsyncClient(
            headers={"Accept": "application/json", "User-Agent": "relaunch", **headers},
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 5.0)),
            limits=httpx.Limits(
                max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=15.0
            ),
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        """Name the provider and its URL, never the key."""
        return f"{type(self).__name__}({self._provider!r}, {self._url!r})"

    async def post(self, path: str, body: bytes, headers: Mapping[str, str] = _NO_HEADERS) -> Answer:
        """Hand a body over, JSON unless `headers` say otherwise, and return the 2xx answer.

        Raises a `ChannelError` for everything else, as the table says; a cancellation passes only while not a byte
        of the body was sent.
        """
        stream = _Body(body)
        problem: ChannelError
        try:
            request = self._client.build_request(
                "POST", self._url + path, content=body, headers={"Content-Type": "application/json", **headers}
            )
            request.stream = stream
            response = await self._client.send(request)
        except asyncio.CancelledError:
            if not stream.begun:
                raise
            problem = Unproven(f"the send was cancelled before {self._provider} answered")
        except Exception as error:  # noqa: BLE001 - whatever it was: only what was sent by then counts
            problem = self._broken(error, begun=stream.begun)
        else:
            return self._accepted(Answer(response.status_code, response.headers, response.content))
        raise problem

    async def look_up(self, path: str, query: Mapping[str, str]) -> Mapping[str, object]:
        """Ask for JSON, with nothing personal in the query; without fields when there is no such answer."""
        try:
            response = await self._client.get(self._url + path, params=query)
        except httpx.HTTPError:
            return {}
        return Answer(response.status_code, response.headers, response.content).fields() if response.is_success else {}

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def _accepted(self, answer: Answer) -> Answer:
        if 200 <= answer.status < 300:
            return answer
        text = f"{self._provider} answered {answer.status}"
        match answer.status:
            case 408 | 425 | 429 | 503:
                raise TemporarilyUnavailable(text, _retry_after(answer.headers, self._now))
            case 401 | 403 | 407:
                raise Misconfigured(f"{text}: check its key and rights")
            case status if 400 <= status < 500:
                raise self._verdict(answer, text) or _default_verdict(status, text)
            case status if 300 <= status < 400:
                raise Misconfigured(f"{text}: it sends us elsewhere, check its URL")
            case _:
                raise Unproven(f"{text}: it may have accepted the message")

    def _broken(self, error: Exception, *, begun: bool) -> ChannelError:
        match error:
            case httpx.PoolTimeout():
                what = f"all connections to {self._provider} are busy"
            case httpx.ConnectError() | httpx.ConnectTimeout():
                what = f"{self._provider} cannot be reached"
            case httpx.TimeoutException():
                what = f"{self._provider} did not answer in time"
            case httpx.DecodingError() | httpx.RemoteProtocolError():
                what = f"the answer of {self._provider} broke off or cannot be read"
            case _:
                what = f"the line to {self._provider} was lost"
        return Unproven(f"{what}: it may have accepted the message") if begun else TemporarilyUnavailable(what)


def checked_key(provider: str, key: str) -> str:
    """Return a key that may be one, as a header's value; raises `Misconfigured` when it cannot."""
    if not _PRINTABLE.fullmatch(key):
        raise Misconfigured(f"the key of {provider} is empty or holds what no key holds")
    return key


def basic_auth(provider: str, user: str, password: str) -> dict[str, str]:
    """Return the header of basic auth (RFC 7617); raises `Misconfigured` when one of the two cannot be a key."""
    pair = f"{checked_key(provider, user)}:{checked_key(provider, password)}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def to_json(value: object) -> bytes:
    """Write a body once, as the bytes that are sent."""
    return _encode(value).encode("utf-8", "replace")


def receipt(provider: str, provider_id: object) -> Receipt:
    """Return the proof of acceptance; raises `Unproven` when a 2xx answer lacks the id that the provider promises."""
    if isinstance(provider_id, int) and not isinstance(provider_id, bool):
        provider_id = str(provider_id)
    if not isinstance(provider_id, str) or not provider_id:
        raise Unproven(f"{provider} answered without an id: it may have accepted the message")
    return Receipt(provider, provider_id)


def code(value: object) -> str | None:
    """Return a provider's code as it may be repeated: a number or one word; None for prose, which echoes addresses."""
    text = str(value) if isinstance(value, str | int) else ""
    return text if _CODE.fullmatch(text) else None


class _Body(httpx.AsyncByteStream):
    """A request's body that remembers whether its sending began."""

    def __init__(self, content: bytes) -> None:
        self.begun = False
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.begun = True
        yield self._content


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _base(provider: str, url: str) -> str:
    """Return a URL without its last slash; plain http is for proxies and doubles of the same network."""
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.username:
        raise Misconfigured(f"the URL of {provider} must be like https://api.example.org")
    return url.rstrip("/")


def _default_verdict(status: int, text: str) -> ChannelError:
    if status in {404, 405, 410}:
        return Misconfigured(f"{text}: check its URL and region")
    return Refused(text)


def _retry_after(headers: Mapping[str, str], now: Callable[[], datetime]) -> timedelta | None:
    """Return for how long the provider wants to be left alone (RFC 9110, 10.2.3: seconds or a date)."""
    told = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(told):
        return timedelta(seconds=int(told))
    try:
        date = parsedate_to_datetime(told)
    except ValueError:
        return None
    return max(date.replace(tzinfo=date.tzinfo or UTC) - now(), timedelta(0))
