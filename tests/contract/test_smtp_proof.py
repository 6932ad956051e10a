"""The table of proof of `channels/smtp_replies.py`, row by row: what a reply at each stage lets us know."""

import pytest
from aiosmtplib import SMTPResponse

from channels.base import ChannelError, Misconfigured, Refused, TemporarilyUnavailable, Unproven
from channels.smtp_replies import Stage, problem_of, queue_id
from channels.smtp_url import Encryption, read_url

ADDRESS = "address"

REPLIES = [
    (Stage.CONNECT, "421 4.3.2 closing", TemporarilyUnavailable),
    (Stage.CONNECT, "554 5.7.1 your address is on a list", Misconfigured),
    (Stage.LOGIN, "535 5.7.8 bad credentials", Misconfigured),
    (Stage.LOGIN, "454 4.7.0 try later", TemporarilyUnavailable),
    (Stage.SENDER, "530 5.7.0 must issue STARTTLS first", Misconfigured),
    (Stage.SENDER, "530 Must issue a STARTTLS command first", Misconfigured),
    (Stage.SENDER, "550 5.1.1 unknown", Misconfigured),
    (Stage.SENDER, "550 5.7.1 not allowed to send as this", Misconfigured),
    (Stage.SENDER, "553 Sender address not owned by user", Misconfigured),
    (Stage.SENDER, "452 4.3.1 no space", TemporarilyUnavailable),
    (Stage.SENDER, "552 5.3.4 too large", Refused),
    (Stage.RECIPIENT, "450 4.2.0 greylisted, see you in 300 seconds", TemporarilyUnavailable),
    (Stage.RECIPIENT, "451 4.7.1 later", TemporarilyUnavailable),
    (Stage.RECIPIENT, "550 5.1.1 user unknown", ADDRESS),
    (Stage.RECIPIENT, "550 5.1.10 null MX", ADDRESS),
    (Stage.RECIPIENT, "553 5.1.3 bad syntax", ADDRESS),
    (Stage.RECIPIENT, "550 No such user here", ADDRESS),
    (Stage.RECIPIENT, "550 5.1.0 Sender address rejected: unknown", Misconfigured),
    (Stage.RECIPIENT, "550 5.1.8 Sender address rejected: Domain not found", Misconfigured),
    (Stage.RECIPIENT, "550 Sender address rejected: domain not found", Misconfigured),
    (Stage.RECIPIENT, "554 5.7.1 Relay access denied", Misconfigured),
    (Stage.RECIPIENT, "550 relaying denied", Misconfigured),
    (Stage.RECIPIENT, "550 5.7.1 Access denied", Misconfigured),
    (Stage.RECIPIENT, "554 5.7.1 Client host blocked using a list", Misconfigured),
    (Stage.RECIPIENT, "554 5.7.1 Recipient address rejected: Access denied", Refused),
    (Stage.RECIPIENT, "552 5.2.2 mailbox full", Refused),
    (Stage.RECIPIENT, "550 administrative prohibition", Refused),
    (Stage.RECIPIENT, "550 Requested action not taken: mailbox unavailable", Refused),
    (Stage.DATA, "554 5.5.1 no valid recipients", Refused),
    (Stage.DATA, "250 what?", TemporarilyUnavailable),
    (Stage.DOT, "451 4.3.0 queue trouble", TemporarilyUnavailable),
    (Stage.DOT, "421 4.3.2 shutting down", TemporarilyUnavailable),
    (Stage.DOT, "552 5.2.3 message too big", Refused),
    (Stage.DOT, "550 5.7.1 this looks like spam", Refused),
    (Stage.DOT, "554 message rejected for 5.7.1.9 reasons", Refused),
    (Stage.DOT, "550 5.7.515 Access denied, sending domain does not meet the required level", Misconfigured),
    (Stage.DOT, "550 5.7.26 this mail has not been authenticated", Misconfigured),
    (Stage.DOT, "550 5.7.1 rejected because of DMARC policy", Misconfigured),
    (Stage.DOT, "550 5.1.1 no such mailbox", ADDRESS),
    (Stage.DOT, "354 go on", Unproven),
]


def reply(line: str) -> SMTPResponse:
    return SMTPResponse(int(line[:3]), line[4:])


def kind(problem: ChannelError) -> object:
    return ADDRESS if isinstance(problem, Refused) and problem.address else type(problem)


@pytest.mark.parametrize(("stage", "line", "expected"), REPLIES)
def test_each_reply_proves_what_the_table_says(stage: Stage, line: str, expected: object) -> None:
    assert kind(problem_of(stage, reply(line), "")) == expected


def test_no_reply_makes_us_promise_a_time() -> None:
    problem = problem_of(Stage.RECIPIENT, reply("451 4.7.1 Greylisted, try again in 300 seconds"), "")
    assert isinstance(problem, TemporarilyUnavailable)
    assert problem.retry_after is None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("550 5.1.1 <zoe@example.org>: user unknown", "550 5.1.1 (… user unknown)"),
        ("550 5.1.1 Zoe@Example.org user unknown", "550 5.1.1 (… user unknown)"),
        ("550 no zoe here, nor zoé", "550 (no … here, nor …)"),
        ("554 5.7.1 subject 'Sandales' is spam, see https://x.example/zoe", "554 5.7.1 (subject … is spam, see …)"),
        ("550 one two three four five six seven eight nine ten", "550 (one two three four five six seven eight)"),
        ("550 first\nsecond zoe", "550 (first)"),
        ("550 ", "550"),
    ],
)
def test_a_reply_is_told_without_address_and_content(line: str, told: str) -> None:
    problem = problem_of(Stage.RECIPIENT, reply(line), "zoe@example.org Sandales")
    assert str(problem) == f"the SMTP server answered {told} to RCPT TO"


def test_of_a_refused_login_only_the_codes_are_told() -> None:
    problem = problem_of(Stage.LOGIN, reply("535 5.7.8 user zoe, password secret"), "zoe")
    assert str(problem) == "the SMTP server answered 535 5.7.8 to AUTH"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("250 2.0.0 Ok: queued as 4F2B31A0C6", "4F2B31A0C6"),
        ("250 OK: queued as <2026.1@relay.example>", "2026.1@relay.example"),
        ("250 OK id=1pABCd-0001Yx-Ab", "1pABCd-0001Yx-Ab"),
        ("250 2.0.0 OK  1700000000 x12-20si1234 - gsmtp", "x12-20si1234"),
        ("250 Ok 0102018c5f3a-7e1b-000000", "0102018c5f3a-7e1b-000000"),
        ("250 2.6.0 <a@b> [InternalId=123456, Hostname=x] Queued mail for delivery", "123456"),
        ("250 2.0.0 4AB1cD007 Message accepted for delivery", "4AB1cD007"),
        ("250 Great success", None),
    ],
)
def test_the_queue_id_is_found_in_the_wordings_of_well_known_servers(line: str, expected: str | None) -> None:
    assert queue_id(reply(line)) == expected


def test_a_full_url_is_read_with_its_percent_encoding() -> None:
    server = read_url(
        "smtp://shop%40example.org:p%2Fss%20w@mail.example.org:2525?starttls=required&timeout=7&ehlo=me.org"
    )
    assert (server.host, server.port, server.username, server.password) == (
        "mail.example.org", 2525, "shop@example.org", "p/ss w",
    )  # fmt: skip
    assert (server.encryption, server.timeout, server.ehlo) == (Encryption.REQUIRED, 7.0, "me.org")


@pytest.mark.parametrize(
    ("url", "port", "encryption"),
    [
        ("smtp://mail.example.org", 587, Encryption.AUTO),
        ("smtps://mail.example.org/", 465, Encryption.FROM_START),
        ("smtp://[::1]:25?starttls=never", 25, Encryption.NEVER),
    ],
)
def test_what_a_url_leaves_out_has_a_default(url: str, port: int, encryption: Encryption) -> None:
    server = read_url(url)
    assert (server.port, server.encryption, server.timeout, server.username) == (port, encryption, 30.0, None)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.org",
        "http://u:sesame@mail.example.org",
        "smtp://u:sesame@",
        "smtp://u:sesame/x@mail.example.org",
        "smtp://u:sesame#x@mail.example.org",
        "smtp://u:sesame?x@mail.example.org",
        "smtp://sesame:25#x@mail.example.org",
        "smtp://u:[sesame@mail.example.org",
        "smtp://u:sesame@mail.example.org:port",
        "smtp://u:sesame@mail.example.org:99999",
        "smtp://u:sesame@mail..example.org",
        "smtp://:sesame@mail.example.org",
        "smtp://sesame@mail.example.org",
        "smtp://u:sesame@mail.example.org?starttls=perhaps",
        "smtp://u:sesame@mail.example.org?timeout=soon",
        "smtp://u:sesame@mail.example.org?timeout=0",
        "smtp://u:sesame@mail.example.org?timeout=nan",
        "smtp://u:sesame@mail.example.org?ehlo=a%20b",
        "smtp://u:sesame@mail.example.org?verify=no",
        "smtps://u:sesame@mail.example.org?starttls=never",
    ],
)
def test_a_wrong_url_is_explained_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured, match="SMTP URL") as caught:
        read_url(url)
    assert "sesame" not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"


def test_a_server_never_shows_its_password() -> None:
    assert "sesame" not in repr(read_url("smtp://someone:sesame@mail.example.org"))
