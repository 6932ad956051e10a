"""What customers see, in a real Chromium: every message and the unsubscribe page, at phone and desktop width."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Route, async_playwright

from channels.rendering import Renderer
from models.sample import sample
from models.vocabulary import Channel, Kind
from tests.api_app import Api, checkout, serving
from tests.chromium import require

PHONE, DESKTOP = 360, 1000
SITE = "http://relaunch.test"
OFFLINE = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=require(), args=OFFLINE)
        yield chromium
        await chromium.close()


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with serving(tmp_path) as one:
        yield one


async def opened(browser: Browser, api: Api, width: int) -> Page:
    """Return a page without JavaScript whose requests the real API answers."""
    context = await browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=False)
    page = await context.new_page()

    async def answer(route: Route) -> None:
        request = route.request
        reply = await api.http.request(
            request.method, request.url, content=request.post_data_buffer, headers={"authorization": ""}
        )
        await route.fulfill(status=reply.status_code, headers=dict(reply.headers), body=reply.content)

    await page.route("**/*", answer)
    return page


async def fits(page: Page, width: int) -> bool:
    """Say whether nothing sticks out to the right."""
    box = await page.locator("body").evaluate(
        "body => Math.max(body.scrollWidth, document.documentElement.scrollWidth)"
    )
    return bool(box <= width)


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
async def test_a_customer_leaves_with_one_click_and_no_javascript(browser: Browser, api: Api, width: int) -> None:
    await api.post("/v1/events", checkout(), 202)
    customer = (await api.journey())["customer_id"]
    token = api.installation.links.unsubscribe("main", customer, Channel.EMAIL).rpartition("/")[2]
    page = await opened(browser, api, width)
    await page.goto(f"{SITE}/u/{token}")
    assert (await api.journey())["status"] == "waiting"
    await page.get_by_role("button").press("Enter")
    await page.wait_for_load_state()
    assert (await api.journey())["outcome"] == "opted_out"
    assert await page.get_by_role("button").count() == 0
    assert await page.locator("html").get_attribute("lang") == "fr"


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("kind", list(Kind))
async def test_every_message_fits_its_screen(browser: Browser, kind: Kind, locale: str, width: int) -> None:
    page = await browser.new_page(viewport={"width": width, "height": 800})
    await page.route("**/*", lambda route: route.abort())  # most mail programs show no pictures
    depth = "middling" if kind is Kind.INACTIVE else None
    for step in ("reminder", "social-proof", "incentive"):
        content = sample(kind, step, locale, "high-value", depth)
        await page.set_content(Renderer().render(Channel.EMAIL, f"{kind}/{step}", content).html)
        assert await fits(page, width), step
        assert await page.locator("html").get_attribute("lang") == locale
        assert await page.locator("a", has_text="désinscri" if locale == "fr" else "nsubscribe").count() >= 1
    await page.close()
