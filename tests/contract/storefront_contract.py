"""The sentences that every storefront must keep, whatever it signs with and however it writes its carts."""

import logging
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.events import Event, Unreadable
from storefronts.base import BadSignature, Storefront

SECRET = "a-secret-of-the-shop"
OLD_SECRET = "the-secret-before-it"
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
ARRIVAL = NOON + timedelta(days=1)
EMAIL = "camille.durand@example.org"
NAME = "Camille"
PERSONAL = (EMAIL, "durand", NAME, "Sandales")
"""What no error and no log line may hold."""
# Each storefront's class asks the same question of its own storefront.
EACH = settings(max_examples=100, suppress_health_check=[HealthCheck.differing_executors])


class StorefrontContract(ABC):
    """Derive from it, name it `Test...`, and say how the storefront signs and what it sends."""

    storefront: Storefront

    @abstractmethod
    def checkout(self, *, at: datetime = NOON, name: str = NAME, product: str = "Sandales") -> bytes:
        """Return the body of a checkout of `EMAIL` with one product, last touched `at`."""

    @abstractmethod
    def headers(self, body: bytes, *, secret: str = SECRET, topic: str | None = None) -> dict[str, str]:
        """Return the headers that the storefront sends with it; without `topic`, the one of `checkout`."""

    @abstractmethod
    def unsigned(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers without their signature."""

    def read(self, body: bytes, headers: Mapping[str, str] | None = None) -> list[Event]:
        """Translate a body of a checkout, as it came a day later."""
        told = self.headers(body) if headers is None else headers
        return self.storefront.translate(body, told, shop_country="FR", at=ARRIVAL)

    def refusal(self, body: bytes, headers: Mapping[str, str], *secrets: str) -> BadSignature:
        """Return why a webhook is refused."""
        with pytest.raises(BadSignature) as caught:
            self.storefront.verify(body, headers, secrets)
        return caught.value

    def test_a_webhook_signed_with_the_secret_is_good(self) -> None:
        body = self.checkout()
        self.storefront.verify(body, self.headers(body), [SECRET])

    def test_the_case_of_header_names_does_not_matter(self) -> None:
        body = self.checkout()
        for spell in (str.lower, str.upper):
            headers = {spell(name): value for name, value in self.headers(body).items()}
            self.storefront.verify(body, headers, [SECRET])
            assert self.read(body, headers) == self.read(body)

    def test_while_a_secret_is_rotated_both_are_good(self) -> None:
        body = self.checkout()
        for secret in (SECRET, OLD_SECRET):
            self.storefront.verify(body, self.headers(body, secret=secret), [SECRET, OLD_SECRET])

    def test_a_retired_secret_is_refused(self) -> None:
        body = self.checkout()
        self.refusal(body, self.headers(body, secret=OLD_SECRET), SECRET)

    def test_a_changed_body_is_refused(self) -> None:
        body = self.checkout()
        self.refusal(body + b" ", self.headers(body), SECRET)
        self.refusal(self.checkout(name="Camila"), self.headers(body), SECRET)

    def test_a_webhook_without_signature_is_refused(self) -> None:
        body = self.checkout()
        self.refusal(body, self.unsigned(self.headers(body)), SECRET)
        self.refusal(body, {}, SECRET)

    def test_without_a_secret_nothing_is_good_not_even_what_was_signed_with_an_empty_one(self) -> None:
        body = self.checkout()
        self.refusal(body, self.headers(body))
        self.refusal(body, self.headers(body, secret=""), "")
        self.refusal(body, self.headers(body, secret=""), "", SECRET)

    @EACH
    @given(st.text(max_size=60))
    def test_an_invented_signature_is_refused(self, invented: str) -> None:
        body = self.checkout()
        good = self.headers(body)
        signing = good.keys() - self.unsigned(good).keys()
        self.refusal(body, good | dict.fromkeys(signing, invented), SECRET)

    def test_a_checkout_says_who_what_and_when(self) -> None:
        (event,) = self.read(self.checkout())
        assert event.at == NOON
        assert event.person.email == EMAIL
        assert event.person.first_name == NAME
        assert event.cart is not None
        assert event.cart.replaces
        assert [line.name for line in event.cart.lines] == ["Sandales"]

    def test_an_address_typed_in_a_checkout_is_no_consent(self) -> None:
        (event,) = self.read(self.checkout())
        assert event.person.consents == ()

    def test_a_retry_has_the_same_key_whenever_it_comes(self) -> None:
        body = self.checkout()
        (first,) = self.read(body)
        (again,) = self.storefront.translate(
            body, self.headers(body), shop_country="FR", at=ARRIVAL + timedelta(hours=4)
        )
        assert again.key == first.key

    def test_another_body_has_another_key(self) -> None:
        bodies = (self.checkout(), self.checkout(product="Sac"), self.checkout(at=NOON + timedelta(seconds=1)))
        assert len({self.read(body)[0].key for body in bodies}) == 3

    def test_an_older_update_that_comes_later_keeps_its_own_time(self) -> None:
        newer, older = self.checkout(at=NOON), self.checkout(at=NOON - timedelta(minutes=5))
        times = [self.read(body)[0].at for body in (newer, older)]
        assert times == [NOON, NOON - timedelta(minutes=5)]

    def test_an_unknown_topic_means_nothing(self) -> None:
        body = b'{"id": 1}'
        assert self.read(body, self.headers(body, topic="themes/publish")) == []

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 5000, b'{"a":"\\ud800"}']
    )
    def test_a_body_that_is_no_object_is_unreadable(self, body: bytes) -> None:
        with pytest.raises(Unreadable):
            self.read(body)

    @EACH
    @given(st.binary(max_size=60))
    def test_bytes_of_any_kind_are_read_or_unreadable(self, body: bytes) -> None:
        try:
            self.read(body)
        except Unreadable:
            return

    def test_names_in_any_script_come_through(self) -> None:
        for name in ("Zoë", "نور", "李小龍", "Ana 🌻"):
            (event,) = self.read(self.checkout(name=name, product=name))
            assert event.person.first_name == name
            assert event.cart is not None
            assert event.cart.lines[0].name == name

    def test_line_breaks_in_names_are_gone(self) -> None:
        (event,) = self.read(self.checkout(name="Bob\r\nBcc: eve", product="Sac\x00\nà main"))
        assert event.person.first_name == "Bob Bcc: eve"
        assert event.cart is not None
        assert event.cart.lines[0].name == "Sac à main"

    def test_errors_and_logs_tell_nothing_personal(self, caplog: pytest.LogCaptureFixture) -> None:
        body = self.checkout()
        told: list[BaseException] = [self.refusal(body, self.headers(body, secret=OLD_SECRET), SECRET)]
        with caplog.at_level(logging.DEBUG), pytest.raises(Unreadable) as caught:
            self.read(body[:-1])
        told.append(caught.value)
        text = caplog.text + "".join("".join(traceback.format_exception(error)) + repr(error) for error in told)
        assert not [word for word in (*PERSONAL, SECRET, OLD_SECRET) if word in text]
