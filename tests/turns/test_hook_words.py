"""Signatures and words of incoming webhooks: the specification's vector, what is refused, what is posted and asked."""

import base64
import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crewhall.conversations import MAX_CONTENT_LENGTH
from crewhall.runtime.hook_signing import make_secret, read_call
from crewhall.runtime.hook_words import MOST_PROMPT, prompt_of, words_of

SECRET, BODY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
ID, SENT = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
"""Secret, delivery and signature as the specification's reference libraries test them."""


def headers(**changed: str) -> dict[str, str]:
    sent = {"webhook-id": ID, "webhook-timestamp": str(SENT), "webhook-signature": SIGNATURE}
    return sent | {f"webhook-{name}": value for name, value in changed.items()}


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(SENT + seconds, UTC)


def test_the_vector_of_the_specification_holds_here_and_in_the_database():
    call = read_call(headers(), BODY, at(0))
    assert call is not None
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    assert call.signatures == [hmac.digest(key, call.signed, "sha256")]
    assert (call.delivery, call.is_fresh) == (ID, True)


async def test_the_database_signs_as_everybody_does(hall, org):
    async with hall.db.transaction(org.owner.actor) as tx:
        for key, message in (
            (b"k", b""),
            (b"k" * 32, b"what\0ever" * 50),
            (b"k" * 65, b"long key"),
            (b"\0" * 64, b"x"),
        ):
            found = await tx.value("select hmac_sha256(%(key)s, %(message)s)", {"key": key, "message": message})
            assert bytes(found) == hmac.digest(key, message, "sha256")


@pytest.mark.parametrize(
    "changed",
    [{"id": ""}, {"id": "a b"}, {"id": "x" * 129}, {"id": "msg_1.1614265330"},
     {"timestamp": "now"}, {"timestamp": "-5"}, {"signature": ""},
     {"signature": "v1a,abc"}, {"signature": "v1,abc"}, {"signature": "v1," + "=" * 44}],
)  # fmt: skip
def test_what_is_no_signed_call_is_none(changed: dict[str, str]):
    assert read_call(headers(**changed), BODY, at(0)) is None


def test_a_timestamp_is_good_for_five_minutes_either_way_and_several_signatures_are_read():
    for seconds, is_fresh in ((-300, True), (300, True), (-301, False), (301, False)):
        call = read_call(headers(), BODY, at(seconds))
        assert call is not None
        assert call.is_fresh is is_fresh
    call = read_call(headers(signature=f"v1a,xyz v1,{'A' * 43}= {SIGNATURE}"), BODY, at(0))
    assert call is not None
    assert len(call.signatures) == 2
    shown, raw = make_secret()
    assert base64.b64decode(shown.removeprefix("whsec_")) == raw


def test_a_payload_says_what_it_was_written_to_say():
    said = words_of(b'{"content": "It **failed**.", "title": "Build\\n7", "kind": "metric"}')
    assert (said.content, said.title, said.kind) == ("It **failed**.", "Build 7", "metric")
    said = words_of(b'{"type": "build.failed", "data": {"id": 7}, "kind": "nonsense"}')
    assert (said.title, said.kind) == ("build.failed", "alert")
    assert said.content.startswith('```json\n{\n  "type"')
    assert words_of(b"plain words").content == "```\nplain words\n```"
    assert words_of(b'{"text": "````\\nx"}').content == "````\nx"
    assert words_of(b'["````"]').content.startswith("`````json\n")
    assert words_of(b"`" * 50_000).content == "\n".join(["`" * 51, "`" * 50, "`" * 51])


@settings(max_examples=50)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
@example(b"\0" * 50_000)
@example(b"`" * 250_000)
@example((b"`" * 60 + b"x") * 4_000)
@example(b'{"content": "' + b"x" * 50_000 + b'"}')
def test_whatever_comes_makes_a_message_and_a_prompt_that_fit(body: bytes):
    said, asked = words_of(body), prompt_of("Builds", "Look at it.", body)
    assert 1 <= len(said.content) <= MAX_CONTENT_LENGTH
    assert "\0" not in said.content + (said.title or "") + asked
    assert asked.startswith("Look at it.\n\nThe webhook “Builds”")
    assert len(asked) <= MOST_PROMPT
