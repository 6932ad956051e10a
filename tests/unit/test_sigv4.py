"""Signature Version 4 against the examples that Amazon publishes: headers, what they sign, and the signature."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from channels.sigv4 import Credentials, sign

AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
PLACE = ("us-east-1", "service")
HOST = {"Host": "example.amazonaws.com"}
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
FORM = {"Content-Type": "application/x-www-form-urlencoded", **HOST}


@pytest.mark.parametrize(
    ("method", "headers", "body", "token", "names", "signature"),
    [
        (
            "GET",
            HOST,
            b"",
            None,
            "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "POST",
            FORM,
            b"Param1=value1",
            None,
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            "POST",
            {**HOST, "My-Header1": "VALUE1"},
            b"",
            None,
            "host;my-header1;x-amz-date",
            "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
        ),
        (
            "GET",
            {**HOST, "My-Header1": " value1", "My-Header2": ' "a   b   c"'},
            b"",
            None,
            "host;my-header1;my-header2;x-amz-date",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            "GET",
            HOST,
            b"",
            TOKEN,
            "host;x-amz-date;x-amz-security-token",
            "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
        ),
    ],
    ids=["get-vanilla", "post-form", "post-header-value-case", "get-header-value-trim", "get-with-session-token"],
)
def test_each_example_has_its_signature(
    method: str, headers: dict[str, str], body: bytes, token: str | None, names: str, signature: str
) -> None:
    added = sign(Credentials("AKIDEXAMPLE", SECRET, token), PLACE, method, "/", headers, body, AT)
    assert added.pop("x-amz-date") == "20150830T123600Z"
    assert added.pop("x-amz-security-token", None) == token
    scope = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    told = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"
    assert added == {"authorization": told}


def test_a_moment_of_another_zone_signs_alike() -> None:
    credentials, local = Credentials("AKIDEXAMPLE", SECRET), AT.astimezone(timezone(timedelta(hours=14)))
    assert sign(credentials, PLACE, "GET", "/", HOST, b"", AT) == sign(credentials, PLACE, "GET", "/", HOST, b"", local)


def test_a_key_shows_in_no_repr() -> None:
    assert repr(Credentials("AKIDEXAMPLE", SECRET, TOKEN)) == "Credentials(key_id='AKIDEXAMPLE')"
