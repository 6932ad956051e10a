"""Brevo's e-mail against the contract of channels, and what is its own: a key whose duplicate is refused."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from channels.base import Misconfigured, Refused, Sender, Unproven
from channels.brevo import Brevo
from models.message import Message
from tests.contract.channel_contract import ECHO
from tests.contract.http_contract import KEY, HttpProviderContract, caught, now
from tests.provider_double import Act, Arrived, Asked, Fault, ProviderDouble, Reply

FIRST_KEY = "62bea5ed-2b84-5039-89aa-f1573cbe0ed5"
"""The UUID that the first letter's key has had from the beginning: a retry by a newer version must find its own."""


def said(code: str, message: str = ECHO, status: int = 400) -> Reply:
    return Reply(status, json.dumps({"code": code, "message": message}).encode())


def shown(box: dict[str, str] | None) -> str | None:
    if not box:
        return None
    return f'"{box["name"]}" <{box["email"]}>' if "name" in box else box["email"]


class BrevoDouble(ProviderDouble):
    """Brevo's mail API as its documentation describes it: a key is taken once, its repetition refused."""

    honours_key = True

    def __init__(self) -> None:
        super().__init__()
        self.logged = True  # whether its log already knows of what it took
        self.log: list[object] | None = None  # what it says instead
        self.silent = False  # whether a look-up gets no answer

    def read(self, asked: Asked) -> Arrived:
        assert (asked.method, asked.path) == ("POST", "/v3/smtp/email")
        body = json.loads(asked.body)
        headers = body["headers"]
        key = str(UUID(headers.pop("idempotencyKey")))
        assert headers.pop("X-Mailin-custom") == headers["X-Relaunch-Delivery"]
        assert body["tags"] == [headers["X-Relaunch-Delivery"]]
        (to,) = body["to"]
        return Arrived(
            to=to["email"],
            sender=shown(body["sender"]) or "",
            reply_to=shown(body.get("replyTo")),
            subject=body["subject"],
            text=body["textContent"],
            html=body["htmlContent"],
            headers=frozenset(headers.items()),
            delivery=headers["X-Relaunch-Delivery"],
            key=key,
        )

    def welcome(self, arrived: Arrived, number: int) -> Reply:
        return Reply(201, json.dumps({"messageId": _id(number)}).encode())

    def _accept(self, arrived: Arrived) -> Reply:
        if arrived.key in self._replies:
            return said("duplicate_parameter", "Email for the idempotency key has already been processed")
        return super()._accept(arrived)

    def answer(self, asked: Asked) -> Reply | Act:
        return Act.HANG if self.silent and asked.method == "GET" else super().answer(asked)

    def refusal(self, fault: Fault) -> Reply:
        match fault:
            case Fault.KEY:
                return said("unauthorized", "Key not found", 401)
            case Fault.SENDER:
                return said("invalid_parameter", f"Sending has been rejected because the sender you used {ECHO}")
            case Fault.ADDRESS:
                return said("invalid_parameter", "email is not valid in to")
            case Fault.MESSAGE:
                return said("invalid_parameter")

    def knows(self, asked: Asked) -> bool:
        return asked.headers.get("api-key") == KEY

    def look_up(self, asked: Asked) -> Reply:
        assert asked.path == "/v3/smtp/statistics/events"
        events = [
            {"event": event, "messageId": _id(number), "email": one.to, "tag": one.delivery, "date": "2026-03-02"}
            for number, one in enumerate(self.arrived, 1)
            for event in ("delivered", "requests")
            if one.delivery == asked.query["tags"] and self.logged
        ]
        return Reply(200, json.dumps({"events": self.log or events}).encode())


def _id(number: int) -> str:
    return f"<20260302120{number:04}.9876@smtp-relay.mailin.fr>"


class TestBrevo(HttpProviderContract):
    """Sending e-mail through Brevo, which writes the Message-ID itself."""

    finds = True
    honours_key = True
    double = BrevoDouble

    def sender(self, url: str, *, key: str = KEY, timeout_s: float = 5.0) -> Sender:
        return Brevo(key, now=now, url=url, timeout_s=timeout_s)

    def key_of(self, message: Message) -> str | None:
        return str(uuid5(NAMESPACE_URL, f"relaunch:{message.key}"))

    def letter(self, number: int = 1, *, subject: str = "Sandales rouges") -> Message:
        return replace(super().letter(number, subject=subject), message_id="")

    def arrival(self, message: Message) -> object:
        arrived = super().arrival(message)
        assert isinstance(arrived, Arrived)
        return replace(arrived, headers=arrived.headers - {("Message-ID", message.message_id)})

    async def test_a_standard_header_of_ours_is_not_handed_over(self) -> None:
        async with self.facing() as (double, sender):
            await sender.send(replace(self.letter(), message_id="<journey-1.reminder.email@shop.example>"))
            assert b"journey-1.reminder.email" not in double.asked[0].body

    async def test_the_key_is_one_uuid_for_ever_and_another_for_another_delivery(self) -> None:
        async with self.facing() as (double, sender):
            for number in (1, 2):
                await sender.send(self.letter(number))
            first, second = (arrived.key for arrived in double.arrived)
            assert first == FIRST_KEY != second

    async def test_the_key_is_used_no_longer_than_the_shorter_time_that_brevo_names(self) -> None:
        async with self.facing() as (_, sender):
            assert sender.honours_key is not None
            assert sender.honours_key + timedelta(minutes=2) < timedelta(minutes=15)

    async def test_the_reader_is_asked_not_to_be_identified_by_pixel_and_links(self) -> None:
        async with self.facing() as (double, sender):
            await sender.send(self.letter())
            (to,) = json.loads(double.asked[0].body)["to"]
            assert to["contactPixelTrackingConsent"] is False

    async def test_a_duplicate_that_the_log_does_not_know_proves_nothing(self) -> None:
        async with self.facing(Act.DROP_AFTER) as (double, sender):
            assert isinstance(double, BrevoDouble)
            await caught(sender, self.letter())
            double.instead, double.logged = None, False
            error = await caught(sender, self.letter())
            assert isinstance(error, Unproven)
            assert "duplicate_parameter" in str(error)
            double.logged = True
            assert (await sender.send(self.letter())).provider_id == _id(1)
            assert len(double.arrived) == 1

    async def test_a_duplicate_of_a_message_that_was_refused_is_no_acceptance(self) -> None:
        async with self.facing(said("duplicate_parameter")) as (double, sender):
            assert isinstance(await caught(sender, self.letter()), Unproven)
            assert double.arrived == []

    async def test_a_send_that_is_cancelled_while_a_duplicate_is_looked_up_proves_nothing(self) -> None:
        async with self.facing() as (double, sender):
            await sender.send(self.letter())
            assert isinstance(double, BrevoDouble)
            double.silent = True
            sending = asyncio.create_task(sender.send(self.letter()))
            while len(double.asked) < 3:
                await asyncio.sleep(0)
            sending.cancel()
            with pytest.raises(Unproven):
                await sending

    @pytest.mark.parametrize("tag", ['["0199-0001"]', "0199-0001", ["0199-0001"]])
    async def test_a_look_up_reads_a_tag_however_it_is_written(self, tag: object) -> None:
        events: list[object] = [{"tag": "another", "messageId": _id(8)}, 7, {"tag": tag, "messageId": _id(9)}]
        async with self.facing() as (double, sender):
            assert isinstance(double, BrevoDouble)
            double.log = events
            found = await sender.find(self.letter())
            assert found is not None
            assert found.provider_id == _id(9)

    async def test_a_look_up_whose_filter_is_ignored_finds_nothing(self) -> None:
        events: list[object] = [
            {"tag": None, "messageId": _id(8)},
            {"messageId": _id(9)},
            {"tag": "0199-0002", "messageId": _id(1)},
        ]
        async with self.facing() as (double, sender):
            assert isinstance(double, BrevoDouble)
            double.log = events
            assert await sender.find(self.letter()) is None

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (said("not_enough_credits", status=402), Misconfigured),
            (Reply(402), Misconfigured),
            (said("account_under_validation"), Misconfigured),
            (said("permission_denied", "Your SMTP account is not yet activated.", 403), Misconfigured),
            (said("invalid_parameter", "valid sender email required"), Misconfigured),
            (said("invalid_parameter", "Sender is invalid / inactive"), Misconfigured),
            (said("missing_parameter", "email is missing in sender"), Misconfigured),
            (said("invalid_parameter", "email is not valid in replyTo"), Misconfigured),
            (said("invalid_parameter", "email is not valid in cc"), Refused),
            (said("missing_parameter", "htmlContent is missing"), Refused),
            (said("out_of_range"), Refused),
            (Reply(404, b"{}"), Misconfigured),
        ],
    )
    async def test_each_error_has_its_meaning(self, reply: Reply, kind: type[Exception]) -> None:
        error = await self.told(reply)
        assert type(error) is kind
        assert not isinstance(error, Refused) or not error.address

    @pytest.mark.parametrize(
        ("name", "shows"),
        [
            ("Maison Ébène", "Maison Ébène"),
            ("Maison, Fils & Cie", "Maison, Fils & Cie"),
            ("Ébène, Fils (Lyon)", "Ébène Fils Lyon"),
            ("É" * 90, "É" * 70),
        ],
    )
    async def test_a_name_that_brevo_would_lose_is_written_so_that_it_does_not(self, name: str, shows: str) -> None:
        async with self.facing() as (double, sender):
            box = f"{name} <bonjour@shop.example>"
            await sender.send(replace(self.letter(), sender=box, reply_to=box))
            sent = json.loads(double.asked[0].body)
            assert sent["sender"] == sent["replyTo"] == {"email": "bonjour@shop.example", "name": shows}
