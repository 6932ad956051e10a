"""`relaunch webhook` without any installation: bodies read, signatures checked, and why one is bad."""

import base64
import hashlib
import hmac
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from api.bodies import parse_events
from channels.registry import EVENT_SOURCES
from cli.main import run
from storefronts.shopify import Shopify
from storefronts.shopify_topics import guessed_topic
from tests.cli import Said
from tests.shopify import FIXTURES, fixture

AT = "2026-11-02T12:00:00Z"
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two characters").decode()
BOUNCE = {
    "RecordType": "Bounce",
    "Type": "HardBounce",
    "ID": 42,
    "MessageID": "m-1",
    "Email": "camille@example.org",
    "BouncedAt": AT,
    "Metadata": {"relaunch-delivery": "0199-0001"},
}
Run = Callable[..., Said]


@pytest.fixture
def sh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """A terminal in a place where no installation is, and none may come to be."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RELAUNCH_HOME", str(tmp_path / "home"))

    def typed(*words: str, body: bytes = b"") -> Said:
        (tmp_path / "body").write_bytes(body)
        capsys.readouterr()
        code = run(["webhook", *words])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    yield typed
    assert {path.name for path in tmp_path.iterdir()} <= {"body"}


def lines(said: Said) -> list[dict[str, Any]]:
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


def as_bytes(told: object) -> bytes:
    return json.dumps(told).encode()


def test_a_providers_body_becomes_one_line_for_each_event(sh: Run) -> None:
    opened = {"RecordType": "Open", "MessageID": "m-2", "Recipient": "paul@example.org", "UserAgent": "Mozilla/5.0"}
    found = lines(sh("read", "postmark", "body", body=as_bytes([BOUNCE, opened])))
    assert found == [
        {
            "type": "bounced",
            "recipient": "camille@example.org",
            "provider": "postmark",
            "provider_event_id": "42",
            "provider_message_id": "m-1",
            "at": AT,
            "delivery": "0199-0001",
            "reason": "HardBounce",
            "permanent": True,
        },
        {
            "type": "opened",
            "recipient": "paul@example.org",
            "provider": "postmark",
            "provider_message_id": "m-2",
            "human": False,
        },
    ]


def test_only_a_bounce_says_whether_it_is_for_good(sh: Run) -> None:
    (odd,) = lines(sh("read", "postmark", "body", body=as_bytes(BOUNCE | {"Type": "Undocumented"})))
    assert odd["permanent"] is None
    (told,) = lines(sh("read", "postmark", "body", body=as_bytes({"RecordType": "SpamComplaint"})))
    assert told == {"type": "complained", "recipient": None, "provider": "postmark"}


def test_standard_input_is_read_where_no_file_is_named(sh: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(as_bytes(BOUNCE))))
    assert lines(sh("read", "postmark"))[0]["type"] == "bounced"


@pytest.mark.parametrize("file", sorted(FIXTURES.glob("*.json")), ids=lambda file: str(file.stem))
def test_a_storefronts_body_is_translated_with_and_without_its_topic(sh: Run, file: Path) -> None:
    body = file.read_bytes()
    topic = guessed_topic(body)
    assert topic is not None
    assert topic.partition("/")[0] == file.stem.rpartition("_")[0].replace("customers_data", "customers")
    named = sh("read", "shopify", "body", "--header", f"X-Shopify-Topic: {topic}", body=body)
    guessed = sh("read", "shopify", "body", body=body)
    assert (named.err, f"read as {topic}" in guessed.err) == ("", True)
    assert [one["event"] for one in lines(named)] == [one["event"] for one in lines(guessed)]


@pytest.mark.parametrize("name", ["orders_create", "checkouts_update", "customers_update"])
def test_a_translated_event_is_one_that_the_generic_door_takes(sh: Run, name: str) -> None:
    body = as_bytes(fixture(name))
    topic = guessed_topic(body) or ""
    said = sh("read", "shopify", "body", "--header", f"x-shopify-topic: {topic}", body=body)
    (told,) = Shopify().translate(body, {"x-shopify-topic": topic}, shop_country="FR", at=NOON)
    ((_, event),) = parse_events(said.out.encode(), shop_country="FR", at=datetime(2027, 1, 1, tzinfo=UTC)).events
    assert (event.person, event.at) == (told.person, told.at)
    if told.order is not None:
        assert event.order is not None
        assert (event.order.order_id, event.order.value, event.order.lines, event.order.status) == (
            told.order.order_id,
            told.order.value,
            told.order.lines,
            told.order.status,
        )


def test_standard_reads_what_the_generic_door_takes(sh: Run) -> None:
    event = {"event": "Cart Viewed", "timestamp": AT, "customer": {"id": "7"}, "properties": {"cart_id": "c1"}}
    said = sh("read", "standard", "body", body=as_bytes([event, {"event": "Cart Viewed"}]))
    (found,) = lines(said)
    assert (found["event"], found["customer"], found["timestamp"]) == ("Cart Viewed", {"id": "7"}, AT)
    assert "event 1 is not usable: properties.cart_id: is missing" in said.err
    assert sh("read", "standard", "body", body=as_bytes([{}])).code == 1


@pytest.mark.parametrize("source", ["postmark", "shopify", "standard", *EVENT_SOURCES])
def test_a_body_that_is_none_is_a_failure_in_one_line_without_its_values(sh: Run, source: str) -> None:
    said = sh("read", source, "body", body=b'{"RecordType": "camille@example.org')
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("relaunch: ")
    assert said.err.count("\n") == 1
    assert "camille" not in said.err


def test_a_file_that_is_not_there_is_a_failure_in_one_line(sh: Run) -> None:
    said = sh("read", "postmark", "nowhere.json")
    assert (said.code, said.err) == (1, "relaunch: cannot read nowhere.json: No such file or directory\n")


@pytest.mark.parametrize(
    "words",
    [
        ("read", "nobody"),
        ("check", "nobody", "--secret", "s"),
        ("check", "postmark"),
        ("check", "postmark", "--secret", "s", "--header", "no colon"),
        ("check", "postmark", "--secret", "s", "--at", "yesterday"),
        ("check", "postmark", "--secret", "s", "--at", "2026-11-02T12:00:00"),
        ("read",),
    ],
)
def test_a_command_that_cannot_be_understood_is_two(sh: Run, words: tuple[str, ...]) -> None:
    said = sh(*words)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    if "nobody" in words:
        assert all(name in said.err for name in ("shopify", "standard", *EVENT_SOURCES))


def hmac_of(body: bytes) -> str:
    return base64.b64encode(hmac.new(b"shpss_1", body, hashlib.sha256).digest()).decode()


def why(said: Said) -> str:
    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    return said.err.removeprefix("relaunch: the signature is not good: ").strip()


def test_a_storefronts_signature_is_checked_and_a_bad_one_explained(sh: Run) -> None:
    body, secret = b'{"id": 1}', ("--secret", "old", "--secret", "shpss_1")
    good = ("--header", f"X-Shopify-Hmac-SHA256: {hmac_of(body)}")
    said = sh("check", "shopify", *secret, *good, "body", body=body)
    assert (said.code, said.out, said.err) == (0, "the signature is good\n", "")
    assert "no X-Shopify-Hmac-SHA256" in why(sh("check", "shopify", *secret, "body", body=body))
    assert "none of the secrets" in why(sh("check", "shopify", *secret, *good, "body", body=body + b" "))
    assert "none of the secrets" in why(sh("check", "shopify", "--secret", "other", *good, "body", body=body))


def test_secrets_are_checked_as_they_stand_in_a_setting(sh: Run) -> None:
    body = b'{"id": 1}'
    good = ("--header", f"X-Shopify-Hmac-SHA256: {hmac_of(body)}")
    assert sh("check", "shopify", "--secret", "old, shpss_1", *good, "body", body=body).code == 0
    assert "no secret" in why(sh("check", "shopify", "--secret", ",", *good, "body", body=body))


@pytest.mark.parametrize("source", ["shopify", "woocommerce"])
@pytest.mark.parametrize("body", [b"", b"[1", b"{}"])
def test_a_storefronts_body_that_looks_like_nothing_is_said_to(sh: Run, source: str, body: bytes) -> None:
    said = sh("read", source, "body", body=body)
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert said.err.endswith("-Topic header, and it does not look like one of theirs: is it whole?\n")
    assert "is it whole" not in sh("read", "magento", "body", body=body).err


def test_a_providers_secret_is_checked(sh: Run) -> None:
    basic = "Basic " + base64.b64encode(b"user:s3cret").decode()
    header = ("--header", f"Authorization: {basic}")
    assert sh("check", "postmark", "--secret", "s3cret", *header, "body").code == 0
    assert "no secret in the Authorization header" in why(sh("check", "postmark", "--secret", "s3cret", "body"))
    assert "not one of ours" in why(sh("check", "postmark", "--secret", "another", *header, "body"))


def test_a_signature_over_the_url_is_checked_with_the_url(sh: Run) -> None:
    url = "https://shop.example/v1/providers/twilio/events?delivery=1"
    signature = base64.b64encode(hmac.new(b"token", f"{url}MessageSidSM1".encode(), hashlib.sha1).digest()).decode()
    words = ("check", "twilio", "--secret", "token", "--header", f"X-Twilio-Signature: {signature}", "body")
    assert sh(*words, "--url", url, body=b"MessageSid=SM1").code == 0
    assert "public URL" in why(sh(*words, body=b"MessageSid=SM1"))


def standard(body: str = '{"a":1}', at: datetime = NOON, key: str = SECRET) -> list[str]:
    told = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": f"v1a,AAAA {Webhook(key).sign('msg_1', at, body)}",
    }
    return [word for name, value in told.items() for word in ("--header", f"{name}: {value}")]


@pytest.mark.parametrize("at", [AT, "1793620800", "2026-11-02T13:04:00+01:00"])
def test_a_standard_webhook_is_good_at_its_time(sh: Run, at: str) -> None:
    said = sh("check", "standard", "--secret", SECRET, *standard(), "--at", at, "body", body=b'{"a":1}')
    assert (said.code, said.out) == (0, "the signature is good\n")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"body": b'{"a":2}'}, "another secret, or the id, the time or the body has changed"),
        ({"secret": SECRET[:-4] + "AAAA"}, "another secret"),
        ({"at": "2026-11-02T12:06:00Z"}, "too old"),
        ({"at": "2026-11-02T11:54:00Z"}, "from the future"),
        ({"headers": []}, "no header webhook-id and no webhook-timestamp and no webhook-signature"),
        ({"headers": standard()[:4]}, "no header webhook-signature"),
        ({"headers": [*standard()[:5], "webhook-signature: v1a,AAAA"]}, "no signature of version v1"),
        ({"headers": [*standard()[:2], "--header", "webhook-timestamp: soon", *standard()[4:]]}, "no time in seconds"),
        ({"secret": "whsec_!"}, "not one of Standard Webhooks"),
        ({"secret": ""}, "no secret"),
    ],
)
def test_why_a_standard_webhook_is_bad_is_said_in_one_line(sh: Run, change: dict[str, Any], reason: str) -> None:
    told: dict[str, Any] = {"body": b'{"a":1}', "secret": SECRET, "at": AT, "headers": standard()} | change
    words = ("check", "standard", "--secret", told["secret"], *told["headers"], "--at", told["at"], "body")
    assert reason in why(sh(*words, body=told["body"]))


def test_the_verdict_comes_as_json_too(sh: Run) -> None:
    said = sh("check", "standard", "--secret", SECRET, "--json", "body")
    assert (said.code, said.json["good"]) == (1, False)
    assert "webhook-id" in said.json["why"]
    good = sh("check", "standard", "--secret", SECRET, *standard(), "--at", AT, "--json", "body", body=b'{"a":1}')
    assert (good.code, good.json) == (0, {"good": True, "why": None})
