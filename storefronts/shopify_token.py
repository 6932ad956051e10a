"""What opens Shopify's Admin API: an app's lasting token, or its client id and secret, which give a token for a day.

Apps that were made in a shop's own admin, until the end of 2025, have a token that lasts. All others exchange their
credentials for one ("client credentials grant"): https://shopify.dev/docs/apps/build/authentication-authorization.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from storefronts.base import StorefrontGarbled, StorefrontRefused
from storefronts.http import Answer, ShopHttp

PATH: Final = "/admin/oauth/access_token"
_EARLY_S: Final = 300
"""How long before its end a token is no longer used."""


class Opener:
    """Asks with the token that is good now; `key` is a token, or `CLIENT_ID:CLIENT_SECRET`."""

    def __init__(self, http: ShopHttp, key: str) -> None:
        """Keep the key; nothing is asked yet."""
        self._http = http
        self._client, colon, self._secret = key.partition(":")
        self._lasts = not colon
        self._token = key if self._lasts else ""
        self._ends = 0.0
        self._turn = asyncio.Lock()

    async def post(self, path: str, body: object) -> Answer:
        """Ask a question; one that is refused with a token of the day is asked again with a new one, once."""
        token = await self._good()
        try:
            return await self._asked(path, body, token)
        except StorefrontRefused:
            if self._lasts:
                raise
        return await self._asked(path, body, await self._good(instead_of=token))

    async def _asked(self, path: str, body: object, token: str) -> Answer:
        return await self._http.post(path, body, {"X-Shopify-Access-Token": token})

    async def _good(self, instead_of: str | None = None) -> str:
        """Return a token that is good now, and is not one that was refused."""
        if self._lasts:
            return self._token
        async with self._turn:
            if not self._token or self._token == instead_of or time.monotonic() >= self._ends:
                await self._exchange()
            return self._token

    async def _exchange(self) -> None:
        credentials = {"grant_type": "client_credentials", "client_id": self._client, "client_secret": self._secret}
        try:
            told = (await self._http.post(PATH, credentials)).value
        except StorefrontRefused:
            told = None
        if told is None:
            raise StorefrontRefused(
                "shopify gives no token: check the client id and secret, and that the app is installed in this shop"
            )
        token, seconds = (told.get("access_token"), told.get("expires_in")) if isinstance(told, Mapping) else (0, 0)
        if not isinstance(token, str) or not isinstance(seconds, int):
            raise StorefrontGarbled("shopify answered without a token: check its URL")
        self._token, self._ends = token, time.monotonic() + seconds - _EARLY_S
