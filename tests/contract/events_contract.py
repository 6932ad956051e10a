"""The sentences that every provider's reader of events must keep, whatever it signs with."""

import base64
import json
import logging
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.base import BadSignature, EventReader, Knock
from models.events import Unreadable
from models.provider_events import ProviderEvent, ProviderEventType
from tests.contract.channel_contract import SECRETS

SECRET = "pa55-secret-of-the-door"
OLD_SECRET = "pa55-secret-before-it"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HAPPENED = datetime(2026, 3, 2, 11, 0, 0, 123456, tzinfo=UTC)
RECIPIENT = "camille.durand@example.org"
DELIVERY = "0199-0001"
URL = "https://shop.example/v1/webhooks/provider"


def basic(user: str, password: str) -> str:
    """Return the header of basic auth."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def as_json(told: object) -> bytes:
    """Return a body as providers send it."""
    return json.dumps(told).encode()


class EventsContract(ABC):
    """Derive from it, name it `Test...`, and say how the provider proves itself and what its events are.

    `samples` are bodies of one event each, written after the provider's documentation, with what they mean.
    `signs_body` says whether the signature covers the body, `batches` whether a body may hold several events.
    """

    reader: EventReader
    samples: tuple[tuple[Mapping[str, object], ProviderEvent], ...]
    unknown: Mapping[str, object]
    signs_body: bool
    batches = True

    @abstractmethod
    def signed(self, body: bytes, secret: str) -> Mapping[str, str]:
        """Return the headers, in lower case, with which the provider sends a body at `NOON`."""

    def write(self, told: object) -> bytes:
        """Return the body of an event, or of a list of them."""
        return as_json(told)

    def knock(self, body: bytes, headers: Mapping[str, str] | None = None, *, at: datetime = NOON) -> Knock:
        """Return a request with that body; with the good secret unless headers are given."""
        return Knock(body, self.signed(body, SECRET) if headers is None else headers, URL, at)

    def sample(self) -> bytes:
        """Return any good body."""
        return self.write(self.samples[0][0])

    def refusal(self, knock: Knock, *secrets: str) -> BadSignature:
        """Return why an event is refused."""
        with pytest.raises(BadSignature) as caught:
            self.reader.verify(knock, secrets)
        return caught.value

    def test_an_event_with_the_secret_is_good(self) -> None:
        self.reader.verify(self.knock(self.sample()), [SECRET])

    def test_while_a_secret_is_rotated_both_are_good(self) -> None:
        body = self.sample()
        for secret in (SECRET, OLD_SECRET):
            self.reader.verify(self.knock(body, self.signed(body, secret)), [SECRET, OLD_SECRET])

    def test_a_retired_secret_is_refused(self) -> None:
        body = self.sample()
        self.refusal(self.knock(body, self.signed(body, OLD_SECRET)), SECRET)

    def test_an_event_without_a_secret_is_refused(self) -> None:
        self.refusal(self.knock(self.sample(), {}), SECRET)

    def test_without_a_secret_of_ours_nothing_is_good(self) -> None:
        body = self.sample()
        self.refusal(self.knock(body))
        self.refusal(self.knock(body), "")
        for secret in ((), ("",), ("", SECRET)):
            self.refusal(self.knock(body, self.signed(body, "")), *secret)

    def test_a_changed_body_is_refused_where_it_is_signed(self) -> None:
        good = self.knock(self.sample())
        changed = Knock(good.body + b" ", good.headers, good.url, good.at)
        if self.signs_body:
            self.refusal(changed, SECRET)
        else:
            self.reader.verify(changed, [SECRET])

    @settings(max_examples=50, suppress_health_check=[HealthCheck.differing_executors])
    @given(st.text(max_size=60))
    def test_an_invented_signature_is_refused(self, invented: str) -> None:
        body = self.sample()
        self.refusal(self.knock(body, dict.fromkeys(self.signed(body, SECRET), invented)), SECRET)

    def test_each_kind_of_event_has_its_meaning(self) -> None:
        for told, event in self.samples:
            assert self.reader.read(self.knock(self.write(told))) == [event]

    def test_a_batch_is_read_in_its_order(self) -> None:
        if self.batches:
            batch = self.write([told for told, _ in self.samples])
            assert self.reader.read(self.knock(batch)) == [event for _, event in self.samples]
            assert self.reader.read(self.knock(self.write([]))) == []

    def test_an_unknown_event_is_unknown(self) -> None:
        (event,) = self.reader.read(self.knock(self.write(self.unknown)))
        assert event.type is ProviderEventType.UNKNOWN

    def test_every_event_is_in_the_contracts_vocabulary(self) -> None:
        for told, _ in self.samples:
            (event,) = self.reader.read(self.knock(self.write(told)))
            assert event.provider == self.reader.name
            assert event.at is None or event.at.utcoffset() == timedelta(0)
            assert event.permanent is None or event.type is ProviderEventType.BOUNCED
            assert event.human is None or event.type in {ProviderEventType.OPENED, ProviderEventType.CLICKED}

    def test_no_reason_repeats_what_a_provider_says(self) -> None:
        reasons = " ".join(event.reason or "" for _, event in self.samples)
        assert [secret for secret in SECRETS if secret in reasons.casefold()] == []

    @pytest.mark.parametrize("body", [b"", b"{", b"null", b'"text"', b"\xff\xfe", b"[" * 5000, b'{"a":"\\ud800"}'])
    def test_a_body_that_is_none_of_the_providers_is_unreadable(self, body: bytes) -> None:
        with pytest.raises(Unreadable):
            self.reader.read(self.knock(body, {}))

    @settings(max_examples=100, suppress_health_check=[HealthCheck.differing_executors])
    @given(st.binary(max_size=60))
    def test_bytes_of_any_kind_are_read_or_unreadable(self, body: bytes) -> None:
        try:
            self.reader.read(self.knock(body, {}))
        except Unreadable:
            return

    def test_errors_and_logs_tell_nothing_personal(self, caplog: pytest.LogCaptureFixture) -> None:
        body = self.sample()
        told: list[BaseException] = [self.refusal(self.knock(body, self.signed(body, OLD_SECRET)), SECRET)]
        with caplog.at_level(logging.DEBUG):
            for broken in (body[:-1], self.write({name: {RECIPIENT: [RECIPIENT]} for name in self.samples[0][0]})):
                with pytest.raises(Unreadable) as caught:
                    self.reader.read(self.knock(broken, {}))
                told.append(caught.value)
        said = caplog.text + "".join("".join(traceback.format_exception(error)) + repr(error) for error in told)
        assert [secret for secret in SECRETS if secret in said.casefold()] == []
