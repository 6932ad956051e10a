"""One way for every command to reach the installation: its API where one answers, else the same API in process."""

import asyncio
import fcntl
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import typer

from cli.failures import CommandError, debugging

if TYPE_CHECKING:
    import httpx

    from runtime.installation import Installation
    from settings import Settings

T = TypeVar("T")
Json = dict[str, Any]

_PROBE_S = 0.3
_PATIENCE_S = 60.0
_NUDGES_S = 5.0
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Api:
    """The API of this installation; `live` when a running `up` or `api` answers."""

    http: "httpx.AsyncClient"
    live: bool

    async def get(self, path: str, **parameters: str | int | None) -> Json:
        """Return what a GET answers; parameters that are None are left out."""
        given = {name: value for name, value in parameters.items() if value is not None}
        return await self._answer("GET", path, params=given)

    async def post(self, path: str, body: Json | None = None) -> Json:
        """Return what a POST answers."""
        return await self._answer("POST", path, json=body or {})

    async def delete(self, path: str) -> Json:
        """Return what a DELETE answers."""
        return await self._answer("DELETE", path)

    async def items(self, path: str, most: int, **parameters: str | int | None) -> Json:
        """Return up to `most` items of a list over its pages, as one answer of the API."""
        parameters["limit"] = min(most, _PAGE)
        answer = await self.get(path, **parameters)
        items = list(answer["items"])
        while len(items) < most and answer.get("next_cursor"):
            answer = await self.get(path, **parameters, cursor=answer["next_cursor"])
            items += answer["items"]
        cut = len(items) > most
        return {"items": items[:most], "next_cursor": items[most - 1]["id"] if cut else answer.get("next_cursor")}

    async def _answer(self, method: str, path: str, **request: Any) -> Json:  # noqa: ANN401 - httpx's own arguments
        import httpx  # noqa: PLC0415 - `relaunch --help` must not wait for it

        try:
            answer = await self.http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise CommandError(f"the API at {self.http.base_url} does not answer ({type(error).__name__})") from error
        if answer.is_error:
            raise CommandError(_problem(answer))
        found: Json = answer.json()
        return found


def place(*parts: str) -> str:
    """Return a path of the API, with ids that may hold anything."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def load() -> "Settings":
    """Return the settings of the environment. Raises SettingsError."""
    from settings import load_settings  # noqa: PLC0415 - slow to load

    return load_settings()


@dataclass(frozen=True, slots=True)
class Local:
    """How each shop tells the time and speaks; the first one's ways hold for a shop that the settings do not know."""

    zones: dict[str, str]
    locales: dict[str, str]

    def zone(self, shop: str | None = None) -> str:
        """Return a shop's IANA zone."""
        return self.zones.get(shop or "") or next(iter(self.zones.values()))

    def locale(self, shop: str | None = None) -> str:
        """Return a shop's language, `fr` or `en`."""
        return self.locales.get(shop or "") or next(iter(self.locales.values()))


def local() -> Local:
    """Return the ways of the shops of the settings."""
    shops = load().shops
    return Local({shop.id: shop.timezone for shop in shops}, {shop.id: shop.locale for shop in shops})


def talk(work: Callable[[Api], Awaitable[T]], *, changes: bool = False) -> T:
    """Run `work` with the API; after `changes` without a running `up` it says when Temporal will hear of them."""

    async def inner() -> T:
        async with _reached(load()) as api:
            result = await work(api)
        if changes and not api.live:
            typer.echo(
                "done in the store, which is what counts; Temporal hears of it with the next `relaunch up`", err=True
            )
        return result

    return asyncio.run(inner())


def on_store(work: Callable[["Installation"], Coroutine[None, None, T]]) -> T:
    """Run `work` with the store itself, brought up to date."""

    async def inner() -> T:
        async with _installation(load()) as installation:
            return await work(installation)

    return asyncio.run(inner())


@asynccontextmanager
async def _reached(settings: "Settings") -> AsyncIterator[Api]:
    import httpx  # noqa: PLC0415 - slow to load

    from runtime.values import own_url  # noqa: PLC0415

    url = own_url(settings.host, settings.port)
    key = _key(settings)
    async with AsyncExitStack() as stack:
        if key is not None:
            client = httpx.AsyncClient(base_url=url, headers=_with(key), timeout=_PATIENCE_S, trust_env=False)
            http = await stack.enter_async_context(client)
            if await _ours(http, named=settings.api_key is not None):
                yield Api(http, live=True)
                return
        installation = await stack.enter_async_context(_installation(settings))
        yield Api(await stack.enter_async_context(_in_process(installation)), live=False)


def _key(settings: "Settings") -> str | None:
    """Return the key of the environment, else the one that the home keeps; None in a home that has none yet."""
    from runtime.home import load_secret  # noqa: PLC0415 - slow to load

    if settings.api_key is not None:
        return settings.api_key.get_secret_value()
    return load_secret(settings.home, "api_key").value if (settings.home / "api_key").exists() else None


def _with(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def _ours(http: "httpx.AsyncClient", *, named: bool) -> bool:
    """Say whether a running API answers and takes our key.

    One that does not take the key of a home belongs to another home; a key that somebody wrote down is a mistake.
    """
    import httpx  # noqa: PLC0415 - slow to load

    try:
        if not (await http.get("/healthz", timeout=_PROBE_S)).is_success:
            return False
        status = (await http.get(place("journeys", "-"))).status_code
    except httpx.HTTPError:
        return False
    if status in {401, 403} and named:
        raise CommandError(f"the API at {http.base_url} does not take RELAUNCH_API_KEY as a key of staff")
    if status in {401, 403}:
        typer.echo(f"the API at {http.base_url} is another installation's: working on this one's store", err=True)
    return status == httpx.codes.NOT_FOUND


@asynccontextmanager
async def _installation(settings: "Settings") -> AsyncIterator["Installation"]:
    from runtime import logs  # noqa: PLC0415 - slow to load
    from runtime.installation import opened  # noqa: PLC0415

    # The command says itself what matters, on a line of its own.
    logs.configure(settings.log_format, "debug" if debugging() else "critical")
    async with opened(settings) as installation:
        for secret in installation.new:
            if secret.name != "secret_key":
                words = f"made {secret.name.replace('_', ' ')} {secret.value}"
                typer.echo(f"{words} (kept in {settings.home}, shown this once)", err=True)
        yield installation


@asynccontextmanager
async def _in_process(installation: "Installation") -> AsyncIterator["httpx.AsyncClient"]:
    import httpx  # noqa: PLC0415 - slow to load

    from api.app import create_app  # noqa: PLC0415
    from relay import Relay  # noqa: PLC0415
    from runtime import clock, temporal  # noqa: PLC0415

    connection = temporal.Connection(installation.settings, temporal_of(installation.settings))
    app = create_app(installation, Relay(installation.db, connection.client, clock.now), connection.client)
    transport = httpx.ASGITransport(app)
    headers = _with(installation.api_key)
    before = asyncio.all_tasks()
    async with httpx.AsyncClient(transport=transport, base_url="http://in-process", headers=headers) as http:
        yield http
    telling = asyncio.all_tasks() - before - {asyncio.current_task()}
    if telling:
        _, late = await asyncio.wait(telling, timeout=_NUDGES_S)
        for task in late:  # the relay goes on from the outbox
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def temporal_of(settings: "Settings") -> str | None:
    """Return where Temporal is: the cluster of the settings, else this home's own server while it runs."""
    if settings.temporal_address is not None:
        return settings.temporal_address
    try:
        with (settings.home / "temporal.pid").open("rb+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:  # it holds the lock as long as it lives
                return f"127.0.0.1:{int(json.load(file)['port'])}"
    except (OSError, ValueError, KeyError):
        pass
    return None


def _problem(answer: "httpx.Response") -> str:
    """Return what an answer of the API says is wrong."""
    try:
        body = answer.json()
    except ValueError:
        body = {}
    words = (body.get("detail") or body.get("title")) if isinstance(body, dict) else None
    return str(words or f"the API answered {answer.status_code} {answer.reason_phrase}")
