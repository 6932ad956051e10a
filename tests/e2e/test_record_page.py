from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from cli.record import render
from cli.record_words import Language
from settings import load_settings
from tests.chromium import require
from tests.e2e.test_pages import OFFLINE, PHONE, fits

SHEET = 700


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=require(), args=OFFLINE)
        yield chromium
        await chromium.close()


@pytest.mark.parametrize("width", [PHONE, SHEET])
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_record_of_processing_fits_its_screen_and_prints_alone(
    browser: Browser, tmp_path: Path, language: Language, width: int
) -> None:
    page = await browser.new_page(viewport={"width": width, "height": 900}, java_script_enabled=False)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.set_content(render(load_settings(home=tmp_path), language, date(2026, 3, 2)))
    assert await fits(page, width)
    assert await page.locator("html").get_attribute("lang") == language
    assert await page.get_by_role("heading", level=2).count() == 7
    assert asked == []
    assert (await page.pdf(format="A4")).startswith(b"%PDF")
    await page.close()
