"""The client under every HTTP adapter: its table of proof row by row, and what is the registry's."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from channels.accounts import Account
from channels.base import ChannelError, Misconfigured, Refused, Sender, TemporarilyUnavailable, Unproven
from channels.http import Answer, HttpClient, basic_auth, checked_key, code, receipt
from channels.registry import EVENT_SOURCES, PROVIDERS, event_reader, provider
from models.vocabulary import Channel
from tests.contract.test_postmark import PostmarkDouble
from tests.provider_double import Act, Reply

TOKEN = {"X-Postmark-Server-Token": "pa55-key-of-the-shop"}
LETTER = b'{"MessageStream":"broadcast","Headers":[{"Name":"X-PM-KeepID","Value":"true"}],"To":"a@example.org",' + (
    b'"From":"b@example.org","Subject":"","TextBody":"","HtmlBody":"","Metadata":{"relaunch-delivery":"1"}}'
)

SETTINGS = {
    "brevo_key": "pa55-key-of-the-shop",
    "mailgun_key": "pa55-key-of-the-shop",
    "mailgun_domain": "mg.shop.example",
    "resend_key": "pa55-key-of-the-shop",
    "sendgrid_key": "pa55-key-of-the-shop",
    "ses_access_key": "AKIDEXAMPLE",
    "ses_secret_key": "pa55-key-of-the-shop",
    "ses_region": "eu-west-3",
    "mailjet_key": "pa55-key-of-the-shop",
    "mailjet_secret": "pa55-key-of-the-shop",
    "twilio_sid": "AC0123456789abcdef0123456789abcdef",
    "twilio_token": "pa55-key-of-the-shop",
    "postmark_token": "pa55-key-of-the-shop",
}
"""What each provider needs."""

STATUSES: list[tuple[int, type[ChannelError]]] = [
    *((status, Misconfigured) for status in (300, 301, 304, 308, 401, 403, 404, 405, 407, 410)),
    *((status, TemporarilyUnavailable) for status in (408, 425, 429, 503)),
    *((status, Refused) for status in (400, 402, 409, 413, 415, 422, 451)),
    *((status, Unproven) for status in (500, 501, 502, 504, 505, 520, 599)),
]


def now() -> datetime:
    return datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.asyncio
@pytest.mark.parametrize(("status", "kind"), STATUSES)
async def test_each_status_proves_what_the_table_says(status: int, kind: type[ChannelError]) -> None:
    async with PostmarkDouble() as double:
        double.instead = Reply(status)
        client = HttpClient("somebody", double.url, TOKEN, now=now)
        with pytest.raises(ChannelError) as caught:
            await client.post("/email", LETTER)
        assert type(caught.value) is kind
        assert str(status) in str(caught.value)
        await client.aclose()


@pytest.mark.asyncio
async def test_a_verdict_speaks_for_4xx_only() -> None:
    def verdict(_answer: Answer, text: str) -> ChannelError:
        return Refused(text, consent=True)

    async with PostmarkDouble() as double:
        client = HttpClient("somebody", double.url, TOKEN, now=now, verdict=verdict)
        for status, kind in ((422, Refused), (404, Refused), (401, Misconfigured), (500, Unproven)):
            double.instead = Reply(status)
            with pytest.raises(kind):
                await client.post("/email", LETTER)
        await client.aclose()


@pytest.mark.asyncio
async def test_whoever_waits_for_a_connection_has_sent_nothing() -> None:
    async with PostmarkDouble() as double:
        double.instead = Act.HANG
        client = HttpClient("somebody", double.url, TOKEN, now=now, connections=1)
        client._client.timeout = httpx.Timeout(30, pool=0.1)  # else the first gives up, and its place, just as soon
        first = asyncio.create_task(client.post("/email", LETTER))
        while not double.asked:
            await asyncio.sleep(0)
        cancelled, waiting = (asyncio.create_task(client.post("/email", LETTER)) for _ in range(2))
        await asyncio.sleep(0)
        cancelled.cancel()
        late = await asyncio.gather(cancelled, waiting, return_exceptions=True)
        first.cancel()
        results = [*await asyncio.gather(first, return_exceptions=True), *late]
        assert [type(result) for result in results] == [Unproven, asyncio.CancelledError, TemporarilyUnavailable]
        assert len(double.asked) == 1
        await client.aclose()


@pytest.mark.asyncio
async def test_a_look_up_that_cannot_be_made_finds_nothing() -> None:
    async with PostmarkDouble() as double:
        client = HttpClient("somebody", double.url, {"X-Postmark-Server-Token": "wrong"}, now=now)
        assert await client.look_up("/messages/outbound", {}) == {}
        await double.down()
        assert await client.look_up("/messages/outbound", {}) == {}
        await client.aclose()


def test_the_key_shows_in_no_repr() -> None:
    client = HttpClient("somebody", "https://api.example.org/", TOKEN, now=now)
    assert repr(client) == "HttpClient('somebody', 'https://api.example.org')"


def test_basic_auth_is_what_the_standard_says() -> None:
    assert basic_auth("somebody", "Aladdin", "open sesame") == {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}


@pytest.mark.parametrize("key", ["", " pa55", "two\r\nlines", "clé"])
def test_a_key_that_cannot_be_one_is_refused_and_not_repeated(key: str) -> None:
    for attempt in (lambda: checked_key("somebody", key), lambda: basic_auth("somebody", "api", key)):
        with pytest.raises(Misconfigured) as caught:
            attempt()
        assert not key or key not in str(caught.value)


@pytest.mark.parametrize("told", [None, "", [], {}, True, 1.5])
def test_an_id_that_is_none_proves_nothing(told: object) -> None:
    with pytest.raises(Unproven):
        receipt("somebody", told)


@pytest.mark.parametrize(("told", "kept"), [(406, "406"), ("validation_error", "validation_error"), (None, None)])
def test_codes_may_be_repeated(told: object, kept: str | None) -> None:
    assert code(told) == kept


@pytest.mark.parametrize("told", ["camille@example.org", "camille.durand", "two words", "", "x" * 61, ["406"]])
def test_prose_may_not_be_repeated(told: object) -> None:
    assert code(told) is None


def test_every_provider_can_be_opened_by_its_name_and_names_itself_so() -> None:
    account = Account(SETTINGS)
    for channel, known in PROVIDERS.items():
        for name in known:
            sender: Sender = provider(channel, name, account, now)
            assert (sender.name, sender.channel) == (name, channel)
    for source in EVENT_SOURCES:
        reader = event_reader(source)
        assert reader is not None
        assert reader.name == source
    assert event_reader("nobody") is None


def test_an_unknown_provider_and_a_missing_key_are_named() -> None:
    with pytest.raises(Misconfigured, match="postmark"):
        provider(Channel.EMAIL, "pigeon", Account({}), now)
    with pytest.raises(Misconfigured, match="RELAUNCH_POSTMARK_TOKEN is not set"):
        provider(Channel.EMAIL, "postmark", Account({"postmark_token": ""}), now)


def test_an_account_shows_what_is_set_and_not_to_what() -> None:
    assert repr(Account({"b": "pa55", "a": "pa55", "c": None})) == "Account(a, b)"
