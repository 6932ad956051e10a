"""The preference page in a real Chromium without JavaScript: keyboard, phone, both languages, light and dark."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, async_playwright

from models.vocabulary import Channel
from tests.api_app import Api, checkout, serving
from tests.chromium import require
from tests.e2e.test_pages import DESKTOP, OFFLINE, PHONE, SITE, fits, opened

LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3 for text of normal size
LEAST_TARGET = 24  # 2.5.8, in CSS pixels
WIDTHS = pytest.mark.parametrize("width", [PHONE, DESKTOP])
LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])
LIGHTS = pytest.mark.parametrize("light", ["light", "dark"])

# The colour behind an element is that of the nearest ancestor that has one.
_CONTRASTS = """() => {
  const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const parsed = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [red, green, blue] = parsed(colour).map((one) => channel(one / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const solid = (colour) => colour !== "transparent" && (parsed(colour).length < 4 || parsed(colour)[3] === 1);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (solid(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const ratio = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((left, right) => left - right);
    return (high + 0.05) / (low + 0.05);
  };
  const own = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  return [...document.body.querySelectorAll("*")].filter(own).map((element) => ({
    text: element.textContent.trim().slice(0, 40),
    ratio: ratio(getComputedStyle(element).color, behind(element)),
  }));
}"""


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


async def at_home(browser: Browser, api: Api, width: int, language: str = "fr") -> Page:
    """Return the page of a customer with an address and a telephone."""
    event = checkout()
    event["customer"] |= {"phone": "+33612345678", "locale": language}
    await api.post("/v1/events", event, 202)
    customer = (await api.journey())["customer_id"]
    page = await opened(browser, api, width)
    token = api.installation.links.preferences("main", customer, Channel.EMAIL).partition("/u/")[2]
    await page.goto(f"{SITE}/u/{token}")
    return page


async def focused(page: Page) -> str:
    """Return what has the keyboard: a field's name and value, a button's words."""
    said = "(one) => `${one.name || ''} ${one.id || one.textContent.trim()}`"
    return str(await page.locator(":focus").evaluate(said))


async def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until something has the keyboard, and insist that its outline can be seen."""
    for _ in range(30):
        await page.keyboard.press("Tab")
        if wanted in await focused(page):
            outline = "() => getComputedStyle(document.activeElement).outlineStyle"
            width = "() => parseFloat(getComputedStyle(document.activeElement).outlineWidth)"
            assert await page.evaluate(outline) == "solid"
            assert await page.evaluate(width) >= 2
            return
    raise AssertionError(f"{wanted} cannot be reached by keyboard")


@WIDTHS
async def test_everything_can_be_chosen_and_saved_by_keyboard_alone(browser: Browser, api: Api, width: int) -> None:
    page = await at_home(browser, api, width)
    for box in ("email", "win_back", "click_tracking", "pause"):
        await tab_to(page, box)
        await page.keyboard.press("Space")
    await tab_to(page, "language fr")
    await page.keyboard.press("ArrowDown")
    await tab_to(page, "Enregistrer")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert (await api.journey())["outcome"] == "opted_out"
    assert await page.locator("html").get_attribute("lang") == "en"
    ticked = await page.locator("input:checked").evaluate_all("all => all.map((one) => one.id)")
    assert ticked == ["cart_reminders", "click_tracking", "pause", "en"]


@WIDTHS
@LANGUAGES
async def test_what_was_saved_is_told_first_and_to_who_cannot_see(
    browser: Browser, api: Api, language: str, width: int
) -> None:
    page = await at_home(browser, api, width, language)
    await page.get_by_label("SMS" if language == "fr" else "Text message").check()
    async with page.expect_navigation():
        await page.get_by_role("button", name="Enregistrer" if language == "fr" else "Save").click()
    result = page.get_by_role("status")
    assert {"fr": "SMS\u00a0: oui", "en": "Text message: yes"}[language] in await result.inner_text()
    assert await page.evaluate("() => document.activeElement.getAttribute('role')") == "status"
    assert (await page.title()).startswith("Vos préférences sont" if language == "fr" else "Your preferences are")
    box = await result.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 800  # seen without scrolling
    assert await fits(page, width)


@LANGUAGES
async def test_every_field_has_a_name_and_a_group_and_says_what_it_means(
    browser: Browser, api: Api, language: str
) -> None:
    page = await at_home(browser, api, DESKTOP, language)
    assert await page.get_by_role("heading", level=1).count() == 1
    groups = page.get_by_role("group")
    assert await groups.count() == 5
    for group in await groups.all():
        assert (await group.locator("legend").inner_text()).strip()
    boxes = await page.get_by_role("checkbox").all()
    assert len(boxes) == 7
    for box in boxes:
        described = (await box.get_attribute("aria-describedby") or "").split()
        assert described
        for one in described:
            assert (await page.locator(f"#{one}").inner_text()).strip()
        name = await page.locator(f"label[for={await box.get_attribute('id')}]").inner_text()
        assert await page.get_by_role("checkbox", name=name, exact=True).count() == 1


@WIDTHS
@LANGUAGES
async def test_the_page_fits_its_screen_and_its_targets_fit_a_thumb(
    browser: Browser, api: Api, language: str, width: int
) -> None:
    page = await at_home(browser, api, width, language)
    assert await fits(page, width)
    for control in await page.locator("input:visible, button").all():
        box = await control.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= LEAST_TARGET
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


@LIGHTS
@LANGUAGES
async def test_every_word_can_be_read_in_any_light(
    browser: Browser, api: Api, language: str, light: Literal["light", "dark"]
) -> None:
    page = await at_home(browser, api, PHONE, language)
    await page.emulate_media(color_scheme=light)
    async with page.expect_navigation():
        await page.get_by_role("button").first.click()
    found = await page.evaluate(_CONTRASTS)
    assert len(found) > 20
    assert [one for one in found if one["ratio"] < LEAST_CONTRAST] == []


async def test_a_tap_anywhere_on_a_row_ticks_its_box(browser: Browser, api: Api) -> None:
    page = await at_home(browser, api, PHONE)
    await page.locator("#pause-hint").click(position={"x": 5, "y": 5}, force=True)
    assert await page.locator("#pause").is_checked()


@WIDTHS
async def test_one_button_stops_everything_and_the_unsubscribe_page_leads_here(
    browser: Browser, api: Api, width: int
) -> None:
    page = await at_home(browser, api, width)
    address = page.url
    await page.goto(address.removesuffix("/preferences"))
    async with page.expect_navigation():
        await page.get_by_role("link", name="Choisir ce que je reçois").click()
    assert page.url == address
    async with page.expect_navigation():
        await page.get_by_role("button", name="Ne plus rien recevoir").click()
    assert page.url == address
    assert "Vous ne recevrez plus" in await page.get_by_role("status").inner_text()
    assert (await api.journey())["outcome"] == "opted_out"
