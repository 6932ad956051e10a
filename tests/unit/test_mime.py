"""A mail is valid whatever its fields hold, and the same message gives the same bytes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Misconfigured, Refused
from channels.mime import headers_for, message_id, to_bytes
from models.message import Message
from models.vocabulary import Channel

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
KEY = "0199-a/reminder/email"
URL = "https://relaunch.example/u/" + "t0ken." * 30
MESSAGE = Message(
    delivery="0199-d",
    key=KEY,
    channel=Channel.EMAIL,
    to="camille@shop.example",
    sender="Maison Ébène <bonjour@shop.example>",
    reply_to="equipe@shop.example",
    subject="Camille, votre panier vous attend",
    text="Bonjour Camille,\n\nVotre panier.\n",
    html="<p>Bonjour Camille,</p>\n",
    message_id=message_id(KEY, "shop.example"),
    headers=headers_for(URL, "relaunch.shop.example"),
)
anything = st.text(st.characters())


def read(raw: bytes) -> EmailMessage:
    """Parse a mail as a strict receiver would."""
    return message_from_bytes(raw, policy=policy.default)


def bodies(mail: EmailMessage) -> list[str]:
    """Return the text of each part with plain line ends."""
    return [bytes(part.get_payload(decode=True)).decode().replace("\r\n", "\n") for part in mail.iter_parts()]


def carried(text: str) -> str:
    """Return what a mail can carry of a text: one kind of line end, no half characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()


def header_part(raw: bytes) -> list[bytes]:
    """Return the lines before the first empty one."""
    return raw.partition(b"\r\n\r\n")[0].split(b"\r\n")


def test_a_mail_reads_back_as_it_was_written() -> None:
    mail = read(to_bytes(MESSAGE, AT))

    assert mail.defects == []
    assert mail["From"] == "Maison Ébène <bonjour@shop.example>"
    assert mail["To"] == "camille@shop.example"
    assert mail["Reply-To"] == "equipe@shop.example"
    assert mail["Subject"] == MESSAGE.subject
    assert mail["Date"].datetime == AT
    assert mail["Message-ID"] == "<0199-a.reminder.email@shop.example>"
    assert mail["X-Relaunch-Delivery"] == "0199-d"
    assert mail["MIME-Version"] == "1.0"
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content_charset() for part in mail.iter_parts()] == ["utf-8", "utf-8"]
    assert bodies(mail) == [MESSAGE.text, MESSAGE.html]


def test_the_same_message_gives_the_same_bytes() -> None:
    assert to_bytes(MESSAGE, AT) == to_bytes(replace(MESSAGE), AT)
    assert to_bytes(MESSAGE, AT) != to_bytes(replace(MESSAGE, key="0199-b/reminder/email"), AT)


def test_one_click_headers_stand_on_one_line() -> None:
    lines = to_bytes(MESSAGE, AT).split(b"\r\n")

    assert f"List-Unsubscribe: <{URL}>".encode() in lines
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines
    assert b"List-Id: <relaunch.shop.example>" in lines


@given(anything, anything)
def test_every_body_survives_the_journey(text: str, html: str) -> None:
    raw = to_bytes(replace(MESSAGE, text=text, html=html), AT)

    assert bodies(read(raw)) == [carried(text), carried(html)]
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.partition(b"\r\n\r\n")[2].split(b"\r\n")) <= 76
    assert raw.isascii()


@pytest.mark.parametrize(
    "body", ["a\r\nb\nc\rd\r\n", ".\n..\nFrom x\n", "end \n\t\n ", "é" * 300, "\x00\x1c\u2028", ""]
)
def test_every_line_end_becomes_the_one_that_mail_has(body: str) -> None:
    raw = to_bytes(replace(MESSAGE, text=body), AT)

    assert bodies(read(raw))[0] == carried(body)
    assert b"\r" not in raw.replace(b"\r\n", b"")


@given(anything)
def test_no_subject_adds_a_header(subject: str) -> None:
    harmless = header_part(to_bytes(replace(MESSAGE, subject="x"), AT))
    hostile = header_part(to_bytes(replace(MESSAGE, subject=subject), AT))

    assert [line for line in hostile if not line.startswith((b"Subject:", b" =?"))] == [
        line for line in harmless if not line.startswith(b"Subject:")
    ]
    assert all(len(line) <= 78 for line in hostile if line.startswith((b"Subject:", b" =?")))


@pytest.mark.parametrize(
    "subject",
    ["Camille 👩\u200d💻, ça vous dit ?", "سارة، سلتك في انتظارك", "=?utf-8?q?trick?=", "é" * 280, "plain " * 40, ""],
)
def test_subjects_of_every_script_read_back(subject: str) -> None:
    assert read(to_bytes(replace(MESSAGE, subject=subject), AT))["Subject"] == subject.strip()


def test_line_breaks_in_a_subject_become_spaces() -> None:
    mail = read(to_bytes(replace(MESSAGE, subject="Ada\r\nBcc: victim@shop.example\n\nbody"), AT))

    assert mail["Subject"] == "Ada Bcc: victim@shop.example body"
    assert mail["Bcc"] is None


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("bonjour@shop.example", ""),
        ("<bonjour@shop.example>", ""),
        ("Maison Lune <bonjour@shop.example>", "Maison Lune"),
        ('"Lune, Paris" <bonjour@shop.example>', "Lune, Paris"),
        ("Lune, Paris <bonjour@shop.example>", "Lune, Paris"),
        ("بيت 🌙 <bonjour@shop.example>", "بيت 🌙"),
        ("Lune\r\nBcc: x <bonjour@shop.example>", "Lune Bcc: x"),
        ("L" * 60 + " <bonjour@shop.example>", "L" * 60),
    ],
)
def test_a_sender_may_have_any_name(sender: str, name: str) -> None:
    mail = read(to_bytes(replace(MESSAGE, sender=sender), AT))
    (address,) = mail["From"].addresses

    assert (address.display_name, address.addr_spec) == (name, "bonjour@shop.example")
    assert mail["Bcc"] is None


@pytest.mark.parametrize(
    "address",
    ["", "camille", "a@b@c", "a@b.example, c@d.example", "a b@shop.example", "a@shop.example\r\nBcc: x@y.example"],
)
def test_what_is_no_address_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(Refused) as refused:
        to_bytes(replace(MESSAGE, to=address), AT)

    assert refused.value.address
    assert not address or address not in str(refused.value)


def test_an_address_in_a_foreign_domain_is_written_in_ascii() -> None:
    assert read(to_bytes(replace(MESSAGE, to="camille@exämple.fr"), AT))["To"] == "camille@xn--exmple-cua.fr"


@pytest.mark.parametrize("sender", ["", "Maison", "a@", "Lune <a@b.example>, Nox <c@d.example>"])
def test_a_sender_without_one_address_is_the_shops_fault(sender: str) -> None:
    with pytest.raises(Misconfigured):
        to_bytes(replace(MESSAGE, sender=sender), AT)


@pytest.mark.parametrize(
    "header",
    [
        ("List-Help", "x\r\nBcc: y"),
        ("List-Help", "x\n\nbody"),
        ("List\r\nBcc", "x"),
        ("Bcc", "x@y.example"),
        ("SUBJECT", "x"),
        ("List-Help", "é"),
        ("List-Help", "x" * 990),
        ("List-Help", ""),
    ],
)
def test_headers_that_break_the_mail_are_the_shops_fault(header: tuple[str, str]) -> None:
    with pytest.raises(Misconfigured):
        to_bytes(replace(MESSAGE, headers=(header,)), AT)


@pytest.mark.parametrize("field", ["message_id", "delivery"])
def test_ids_cannot_carry_a_header(field: str) -> None:
    with pytest.raises(Misconfigured):
        to_bytes(replace(MESSAGE, **{field: "<a@b>\r\nBcc: x@y.example"}), AT)  # type: ignore[arg-type]


def test_the_date_keeps_its_zone_and_needs_one() -> None:
    there = AT.astimezone(timezone(timedelta(hours=4)))

    assert b"Date: Sun, 22 Nov 2026 13:30:00 +0400\r\n" in to_bytes(MESSAGE, there)
    with pytest.raises(ValueError, match="time zone"):
        to_bytes(MESSAGE, AT.replace(tzinfo=None))


@pytest.mark.parametrize("url", ["http://localhost:8080/u/t", "http://127.0.0.1:8080/u/t", "http://shop.localhost/u/t"])
def test_one_click_may_be_plain_http_on_this_machine(url: str) -> None:
    assert headers_for(url, "relaunch.shop.example")[0] == ("List-Unsubscribe", f"<{url}>")


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/u/t",
        "http://127.0.0.1.evil.example/u/t",
        "mailto:x@shop.example",
        "https://shop.example/u/t>, <https://evil.example",
        "https://shop.example/u/t\r\nBcc: x",
        "https://shop.example/" + "t" * 980,
    ],
)
def test_one_click_needs_an_address_that_a_mailbox_provider_accepts(url: str) -> None:
    with pytest.raises(Misconfigured):
        headers_for(url, "relaunch.shop.example")


def test_a_list_id_is_a_name() -> None:
    with pytest.raises(Misconfigured):
        headers_for(URL, "Maison Lune <x>")


def test_a_key_has_one_message_id_for_ever() -> None:
    assert message_id(KEY, "shop.example") == message_id(KEY, "shop.example")
    assert message_id(KEY, "exämple.fr") == "<0199-a.reminder.email@xn--exmple-cua.fr>"
    assert message_id("a/b", "shop.example") != message_id("a.b", "shop.example")
    assert "é" not in message_id("é\r\n/b", "shop.example")
    with pytest.raises(Misconfigured):
        message_id(KEY, "shop.example\r\nBcc: x")


def test_a_domain_is_written_as_the_envelope_writes_it() -> None:
    raw = to_bytes(replace(MESSAGE, to="anna@straße.example"), AT)
    assert read(raw)["To"] == "anna@xn--strae-oqa.example"
