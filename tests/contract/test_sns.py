"""Who may speak for Amazon SNS, what is fetched for it, and when a topic is confirmed."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from channels.base import BadSignature, Knock, TemporarilyUnavailable
from channels.sns import Sns, fetch
from tests.contract.events_contract import NOON, SECRET
from tests.sns_topic import CERTIFICATE_URL, Web, arn, certified, notification, signed


def knock(told: Mapping[str, Any], at: datetime = NOON, *, raw: bool = False) -> Knock:
    headers = {"x-amz-sns-rawdelivery": "true"} if raw else {}
    return Knock(json.dumps(told).encode(), headers, "https://shop.example/v1/providers/ses/events", at)


def why_refused(sns: Sns, one: Knock, *topics: str) -> str:
    with pytest.raises(BadSignature) as caught:
        sns.check(one, topics or [arn(SECRET)])
    return str(caught.value)


@pytest.fixture
def web() -> Web:
    return Web({CERTIFICATE_URL: certified()})


GOOD = notification('{"eventType": "Send"}')


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_the_signature_are_good(web: Web, version: str) -> None:
    Sns(web).check(knock(signed({**GOOD, "SignatureVersion": version})), [arn("another"), arn(SECRET)])


def test_a_notification_without_subject_is_good(web: Web) -> None:
    Sns(web).check(knock(signed({name: value for name, value in GOOD.items() if name != "Subject"})), [arn(SECRET)])


@pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "Timestamp", "Type"])
def test_every_field_is_signed(web: Web, name: str) -> None:
    changed = "2026-03-02T12:00:01.000Z" if name == "Timestamp" else "changed"
    assert "not made with the key" in why_refused(Sns(web), knock({**signed(GOOD), name: changed}))


@pytest.mark.parametrize(
    "changes", [{"Signature": "bm8="}, {"Signature": "%"}, {"Signature": ""}, {"SignatureVersion": "3"}]
)
def test_a_signature_that_is_none_is_refused(web: Web, changes: Mapping[str, str]) -> None:
    assert "not made with the key" in why_refused(Sns(web), knock({**signed(GOOD), **changes}))


def test_a_signature_by_another_key_is_refused(web: Web) -> None:
    other = generate_private_key(65537, 2048)
    assert "not made with the key" in why_refused(Sns(web), knock(signed(GOOD, other)))


def test_a_topic_that_is_not_set_up_is_refused_and_nothing_is_fetched(web: Web) -> None:
    assert "topic" in why_refused(Sns(web), knock(signed({**GOOD, "TopicArn": arn("somebody-elses")})))
    assert "no secret" in why_refused(Sns(web), knock(signed(GOOD)), "")
    assert web.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-3.amazonaws.com/SimpleNotificationService-01.pem",
        "https://sns.eu-west-3.amazonaws.com.example.org/SimpleNotificationService-01.pem",
        "https://sns.eu-west-3.amazonaws.com@example.org/SimpleNotificationService-01.pem",
        "https://example.org/sns.eu-west-3.amazonaws.com/SimpleNotificationService-01.pem",
        "https://sns.eu-west-3.amazonaws.com:8443/SimpleNotificationService-01.pem",
        "https://sns.eu-west-3.amazonaws.com/bucket/SimpleNotificationService-01.pem",
        "https://sns.eu-west-3.amazonaws.com/SimpleNotificationService-01.pem?x=y",
        "https://sns.eu-west-3.amazonaws.com/SimpleNotificationService-01.pem\n",
        "https://s3.eu-west-3.amazonaws.com/SimpleNotificationService-01.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-01.pem",
        "",
    ],
)
def test_a_certificate_from_anywhere_else_is_never_fetched(web: Web, url: str) -> None:
    assert "certificate" in why_refused(Sns(web), knock(signed({**GOOD, "SigningCertURL": url})))
    assert web.asked == []


def test_the_chinese_partition_has_its_own_name() -> None:
    url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-01.pem"
    topic = "arn:aws-cn:sns:cn-north-1:123456789012:relaunch"
    Sns(Web({url: certified()})).check(knock(signed({**GOOD, "TopicArn": topic, "SigningCertURL": url})), [topic])


def test_a_certificate_is_fetched_once(web: Web) -> None:
    sns = Sns(web)
    for _ in range(3):
        sns.check(knock(signed(GOOD)), [arn(SECRET)])
    assert web.asked == [CERTIFICATE_URL]


def test_few_certificates_are_kept() -> None:
    urls = [CERTIFICATE_URL.replace("0123", f"{number:04}") for number in range(12)]
    web = Web(dict.fromkeys(urls, certified()))
    sns = Sns(web)
    for url in (*urls, urls[0], urls[-1]):
        sns.check(knock(signed({**GOOD, "SigningCertURL": url})), [arn(SECRET)])
    assert web.asked == [*urls, urls[0]]


@pytest.mark.parametrize("days", [-31, 1])
def test_a_certificate_that_is_not_valid_now_is_refused(days: int) -> None:
    web = Web({CERTIFICATE_URL: certified(since=NOON + timedelta(days=days))})
    assert "not made with the key" in why_refused(Sns(web), knock(signed(GOOD)))


def test_a_certificate_that_is_none_is_refused() -> None:
    assert "is none" in why_refused(Sns(Web({CERTIFICATE_URL: b"<html>"})), knock(signed(GOOD)))


def test_a_certificate_that_cannot_be_fetched_says_come_back(web: Web) -> None:
    with pytest.raises(TemporarilyUnavailable):
        Sns(Web({})).check(knock(signed(GOOD)), [arn(SECRET)])


@pytest.mark.parametrize(("minutes", "why"), [(66, "too old"), (-66, "future")])
def test_an_old_notification_is_refused_before_anything_is_fetched(web: Web, minutes: int, why: str) -> None:
    assert why in why_refused(Sns(web), knock(signed(GOOD), NOON + timedelta(minutes=minutes)))
    assert web.asked == []


def test_a_notification_of_the_last_try_is_good(web: Web) -> None:
    Sns(web).check(knock(signed(GOOD), NOON + timedelta(hours=1)), [arn(SECRET)])


@pytest.mark.parametrize("time", ["", "soon", "2026-03-02T12:00:00"])
def test_a_time_that_is_none_is_refused(web: Web, time: str) -> None:
    assert "no time" in why_refused(Sns(web), knock(signed({**GOOD, "Timestamp": time})))


def test_raw_delivery_is_named() -> None:
    told = {"eventType": "Send", "mail": {}}
    assert "raw message delivery" in why_refused(Sns(Web({})), knock(told, raw=True))
    assert "no signed notification" in why_refused(Sns(Web({})), knock(told))


ASKS = notification(
    "You have chosen to subscribe to the topic. To confirm, visit the SubscribeURL included in this message.",
    Type="SubscriptionConfirmation",
    Token="2336412f37fb687f5d51e6e2425e&x=y",
    SubscribeURL="https://elsewhere.example/?Action=ConfirmSubscription",
)
CONFIRMED = (
    "https://sns.eu-west-3.amazonaws.com/?Action=ConfirmSubscription"
    f"&TopicArn=arn%3Aaws%3Asns%3Aeu-west-3%3A123456789012%3A{SECRET}&Token=2336412f37fb687f5d51e6e2425e%26x%3Dy"
)


def test_a_topic_of_ours_is_confirmed_at_sns_and_never_where_the_body_says() -> None:
    web = Web({CERTIFICATE_URL: certified(), CONFIRMED: b"<ConfirmSubscriptionResponse/>"})
    Sns(web).check(knock(signed(ASKS)), [arn(SECRET)])
    assert web.asked == [CERTIFICATE_URL, CONFIRMED]


def test_nobody_else_gets_a_topic_confirmed(web: Web) -> None:
    why_refused(Sns(web), knock(signed(ASKS)), arn("another"))
    why_refused(Sns(web), knock({**signed(ASKS), "Token": "other"}))
    why_refused(Sns(web), knock(signed({**ASKS, "Type": "SubscriptionConfirmation"}), NOON + timedelta(hours=2)))
    assert CONFIRMED not in web.asked


def test_a_confirmation_that_fails_says_come_back(web: Web) -> None:
    with pytest.raises(TemporarilyUnavailable):
        Sns(web).check(knock(signed(ASKS)), [arn(SECRET)])


class Page(BaseHTTPRequestHandler):
    """Answers with the status that stands in the path; a redirect leads to where all is well."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.send_header("Location", "/200")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"page")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Keep quiet."""


def test_only_a_good_answer_is_what_lies_at_a_url_and_redirects_are_not_followed() -> None:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert fetch(f"{url}/200") == b"page"
        for status in (302, 404, 500):
            with pytest.raises(TemporarilyUnavailable):
                fetch(f"{url}/{status}")
        server.shutdown()
    with pytest.raises(TemporarilyUnavailable) as caught:
        fetch(f"{url}/200")
    assert caught.value.__context__ is None
