"""Signatures of webhooks: the specification's own example, and everything that must not pass."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.webhook_signatures import BAD_SIGNATURE, headers_for, new_secret, sign, verify

# The example of the specification's reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = datetime.fromtimestamp(AT, UTC)
HEADERS = {"webhook-id": ID, "webhook-timestamp": str(AT), "webhook-signature": SIGNATURE}


def test_the_specifications_example_signs_and_verifies() -> None:
    assert sign(SECRET, ID, AT, BODY) == SIGNATURE
    assert sign(SECRET.removeprefix("whsec_"), ID, AT, BODY) == SIGNATURE
    verify([SECRET], HEADERS, BODY, NOW)
    verify([SECRET], {name.title(): value for name, value in HEADERS.items()}, BODY, NOW)


def test_any_of_several_secrets_and_signatures_will_do() -> None:
    other = new_secret()
    both = headers_for([other, SECRET], ID, AT, BODY)
    assert both["webhook-signature"].count("v1,") == 2
    for known in ([SECRET], [other], [new_secret(), other]):
        verify(known, both, BODY, NOW)
    verify([SECRET], HEADERS | {"webhook-signature": f"v1a,xx v2,{SIGNATURE[3:]} {SIGNATURE}"}, BODY, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_other"},
        {"webhook-id": ID + ".1"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(AT + 1)},
        {"webhook-timestamp": f"{AT}.0"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": ""},
        {"webhook-signature": SIGNATURE[3:]},
        {"webhook-signature": f"v2,{SIGNATURE[3:]}"},
        {"webhook-signature": " ".join(["v1,AAAA"] * 40 + [SIGNATURE])},
        {"webhook-signature": "v1,ü"},
    ],
)
def test_whatever_was_changed_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(CrewhallError) as refused:
        verify([SECRET], HEADERS | changed, BODY, NOW)
    assert refused.value.kind is BAD_SIGNATURE


def test_another_body_secret_or_time_is_refused() -> None:
    verify([SECRET], HEADERS, BODY, NOW + timedelta(seconds=300))
    for secrets, body, now in [
        ([SECRET], BODY + b" ", NOW),
        ([new_secret()], BODY, NOW),
        ([], BODY, NOW),
        ([SECRET], BODY, NOW + timedelta(seconds=301)),
        ([SECRET], BODY, NOW - timedelta(seconds=301)),
    ]:
        with pytest.raises(CrewhallError):
            verify(secrets, HEADERS, body, now)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%%", "whsec_" + base64.b64encode(b"x" * 23).decode()])
def test_what_is_no_secret_signs_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        sign(secret, ID, AT, BODY)


@given(st.binary(max_size=300), st.text(max_size=20).filter(lambda name: name and "." not in name))
def test_what_is_signed_verifies(body: bytes, name: str) -> None:
    secret = new_secret()
    verify([secret], headers_for([secret], name, AT, body), body, NOW)
