"""The one HTTP client under every storefront's API, and what an answer, or its absence, means.

| what happens                                            | raised                                          |
|---------------------------------------------------------|-------------------------------------------------|
| no connection, DNS, TLS, line lost, time-out, closed    | StorefrontAway                                  |
| 408, 425, 429 and every 5xx                             | StorefrontAway, with its Retry-After            |
| 3xx (never followed), 401, 403, 404 and any other 4xx   | StorefrontRefused: its URL, key or rights       |
| 2xx that is not JSON                                    | StorefrontGarbled                               |

Asking changes nothing, so there is nothing to prove, unlike in `channels/http.py`. URLs may hold what a storefront
calls somebody; they are never logged and stand in no error.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx

from storefronts.base import StorefrontAway, StorefrontGarbled, StorefrontRefused


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer: its JSON, and its headers by lower-case name."""

    value: object
    headers: Mapping[str, str]


class ShopHttp:
    """One storefront's client: a few connections, kept open, and one translation of all that can happen on them."""

    def __init__(
        self,
        storefront: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout_s: float = 20.0,
    ) -> None:
        """Remember where it is and what opens it; connects at the first question only."""
        self.storefront = storefront
        self._url = url.rstrip("/")
        self._client = httpx.AsyncClient(
            headers={"Accept": "application/json", "User-Agent": "relaunch", **(headers or {})},
            auth=None if auth is None else httpx.BasicAuth(*auth),
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 5.0)),
            limits=httpx.Limits(max_connections=4, max_keepalive_connections=4, keepalive_expiry=15.0),
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        """Name the storefront, never its key."""
        return f"{type(self).__name__}({self.storefront!r})"

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """Ask for JSON."""
        return await self._ask("GET", path, query, None)

    async def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for JSON with a JSON question; `headers` are for this question alone."""
        return await self._ask("POST", path, None, body, headers)

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: object,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        problem: str
        if self._client.is_closed:
            raise StorefrontAway(f"{self.storefront} is not asked any more: its connections are closed")
        try:
            answer = await self._client.request(
                method, self._url + path, params=query, json=body if method == "POST" else None, headers=headers
            )
        except httpx.TimeoutException:
            problem = f"{self.storefront} did not answer in time"
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            problem = f"{self.storefront} cannot be reached: check its URL and that it runs"
        else:
            return self._understood(answer)
        raise StorefrontAway(problem)

    def _understood(self, answer: httpx.Response) -> Answer:
        status, text = answer.status_code, f"{self.storefront} answered {answer.status_code}"
        if status in {408, 425, 429} or status >= 500:
            raise StorefrontAway(text, _retry_after(answer.headers))
        if status in {401, 403}:
            raise StorefrontRefused(f"{text}: check its key and what the key may read")
        if not answer.is_success:
            raise StorefrontRefused(f"{text}: check its URL and version")
        try:
            value = json.loads(answer.content)
        except (ValueError, RecursionError):
            value = None
        if value is None:
            raise StorefrontGarbled(f"{self.storefront} answered no JSON: check its URL")
        return Answer(value, {name.lower(): told for name, told in answer.headers.items()})

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    told = headers.get("retry-after", "").strip().split(".")[0]
    return timedelta(seconds=min(int(told), 86_400)) if told.isascii() and told.isdecimal() else None
