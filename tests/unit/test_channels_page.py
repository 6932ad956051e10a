"""The policies on the page about channels are policies that work, with the templates that we ship."""

import re
from pathlib import Path

import pytest

from models.policy_file import check
from models.step import ROAD_CLOSED
from models.vocabulary import Reason
from runtime.installation import known_templates

PAGE = (Path(__file__).parents[2] / "docs" / "channels-and-pressure.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_has_its_examples() -> None:
    assert len(EXAMPLES) == PAGE.count("```") // 2 == 6


@pytest.mark.parametrize("place", range(len(EXAMPLES)))
def test_every_policy_on_the_page_may_be_loaded(place: int) -> None:
    assert check(EXAMPLES[place], templates=known_templates()) == []


def test_the_page_tells_of_every_reason_that_gives_way_to_the_next_channel() -> None:
    words = {
        Reason.NO_LAWFUL_BASIS: "no consent",
        Reason.OPTED_OUT: "an objection to it",
        Reason.NO_ADDRESS: "no address",
        Reason.SUPPRESSED: "bounced",
        Reason.CHANNEL_MISSING: "no provider",
        Reason.TEMPLATE_MISSING: "no template",
        Reason.TEMPLATE_ERROR: "no template",
        Reason.PROVIDER_REFUSED: "the provider refused",
        Reason.QUIET_HOURS: "its hours",
        Reason.PRESSURE: "its cap",
    }
    assert set(words) == ROAD_CLOSED
    rows = "".join(row for row in PAGE.splitlines() if row.endswith("| the next channel |"))
    assert [word for word in words.values() if word not in rows] == []
