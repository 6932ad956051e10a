import base64

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from channels.base import Misconfigured
from channels.mime import headers_for
from channels.signing import Signer
from tests.contract.channel_contract import everything_said, letter

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
RECORD = b"v=DKIM1; k=rsa; p=" + base64.b64encode(PUBLIC)
BROKEN = b"-----BEGIN SECRET nonsense"
LONG = "https://relaunch.shop.example/u/" + "WyJtYWluIiwiMDE5YS00" * 12
LETTER = letter(headers=headers_for(LONG, "relaunch.shop.example"))


def holds(raw: bytes) -> bool:
    asked: list[bytes] = []

    def dns(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return RECORD

    good = bool(dkim.verify(raw, dnsfunc=dns))
    assert asked == [b"news._domainkey.shop.example."]
    return good


def test_a_signed_message_is_verified_by_the_key_in_the_dns() -> None:
    signed = Signer("news", PEM).sign(LETTER.raw, LETTER.sender)
    assert signed.endswith(LETTER.raw)
    assert holds(signed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject: ", b"Subject: Re: "),
        (b"One-Click", b"Two-Click"),
        (b"shop.example/u/", b"evil.example/u/"),
        (b"From: ", b"From: evil@shop.example\r\nFrom: "),
        (b"Bonjour", b"Bonsoir"),
    ],
)
def test_nothing_that_matters_can_be_changed_under_the_signature(old: bytes, new: bytes) -> None:
    signed = Signer("news", PEM).sign(LETTER.raw, LETTER.sender)
    head, separator, rest = signed.partition(LETTER.raw[:20])
    assert old in separator + rest
    assert not holds(head + (separator + rest).replace(old, new, 1))


def test_the_signature_covers_both_fields_of_one_click() -> None:
    signed = Signer("news", PEM).sign(LETTER.raw, LETTER.sender)
    covered = signed.partition(b"h=")[2].partition(b";")[0].replace(b" ", b"").replace(b"\r\n", b"").split(b":")
    assert {b"from", b"list-unsubscribe", b"list-unsubscribe-post", b"subject", b"message-id"} <= set(covered)


def test_a_key_that_cannot_sign_is_the_operators_to_put_right_and_is_not_shown() -> None:
    with pytest.raises(Misconfigured) as caught:
        Signer("news", BROKEN).sign(letter().raw, letter().sender)
    assert "RELAUNCH_DKIM_KEY" in str(caught.value)
    assert "nonsense" not in everything_said(caught.value) + repr(Signer("news", BROKEN))
