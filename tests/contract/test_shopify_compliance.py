"""Shopify's compliance topics at the real door, as its review tries them."""

import json
from pathlib import Path

import pytest

from tests.api_app import SECRET, serving, signed
from tests.shopify import fixture

PATH = "/v1/webhooks/shopify"


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact", "shop/redact"])
async def test_a_bad_signature_is_401_and_a_good_one_counts_once(tmp_path: Path, database_url: str, topic: str) -> None:
    body = json.dumps(fixture(topic.replace("/", "_"))).encode()
    good = signed(body, topic)
    bare = {name.removeprefix("X-"): value for name, value in good.items()}
    told = []
    async with serving(tmp_path, database_url) as api:
        for headers in ({}, {"X-Shopify-Topic": topic}, signed(body, topic, "other"), signed(body + b" ", topic)):
            assert (await api.http.post(PATH, content=body, headers=headers)).status_code == 401
        for headers in (good, good, bare):
            answer = await api.http.post(PATH, content=body, headers=headers)
            assert answer.status_code == 200, answer.text
            told.append(answer.json())
    assert SECRET not in json.dumps(told)
    assert told == [{"accepted": 1, "duplicates": 0}, *[{"accepted": 0, "duplicates": 1}] * 2]


async def test_an_order_to_forget_is_refused_when_its_header_names_another_shop_than_its_body(
    tmp_path: Path, database_url: str
) -> None:
    told = fixture("shop_redact")
    body = json.dumps(told).encode()
    async with serving(tmp_path, database_url) as api:
        for host, status in (("another.myshopify.com", 401), (told["shop_domain"].upper(), 200)):
            headers = signed(body, "shop/redact") | {"X-Shopify-Shop-Domain": host}
            assert (await api.http.post(PATH, content=body, headers=headers)).status_code == status
