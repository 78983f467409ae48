"""Session tokens of a conversation: verified with its public key alone, by anyone, and by nobody's leave."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crewhall.runtime.sessions import issue_session_token
from crewhall.runtime.settings import TurnSettings
from crewhall.sdk import Client, InvalidSession, Session, verify_session
from tests.support.server import token_of
from tests.turns_faces.scene import Scene

SECRET = "a secret of the operator, long enough to be one"


async def issued(scene: Scene, api: Any, conversation: str | None = None) -> dict[str, Any]:
    """A session token of the circle, or another conversation, as the API gives it."""
    answer = await api.post(f"/conversations/{conversation or scene.circle}/session-token")
    given: dict[str, Any] = answer.raise_for_status().json()
    return given


async def key_of(scene: Scene) -> str:
    """The public key on the conversation's runtime."""
    shown = (await scene.owner.get(f"/conversations/{scene.circle}/runtime")).raise_for_status().json()
    return str(shown["public_key"])


def forged(token: str, **changes: Any) -> str:
    """The same token with other claims, under the signature that it had."""
    head, _, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    body = jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA").split(".")[1]
    return f"{head}.{body}.{signature}"


@pytest.mark.rule("C6")
async def test_a_token_says_who_one_is_and_is_verified_with_the_key_of_the_runtime_alone(scene: Scene):
    for api, kind, actor in (
        (scene.owner, "user", str(scene.org.owner.id)),
        (scene.agent.api, "agent", scene.agent.id),
    ):
        given = await issued(scene, api)
        key = await key_of(scene)
        assert given["public_key"] == key
        session = verify_session(given["token"], key, conversation_id=scene.circle)  # no server, no secret
        assert session == Session(
            conversation_id=scene.circle,
            org_id=str(scene.org.id),
            actor_type=kind,
            actor_id=actor,
            name=session.name,
            rights=["read", "post"],
            issuer=scene.server.address,
            expires_at=datetime.fromisoformat(given["expires_at"]),
        )
        assert timedelta(minutes=4) < session.expires_at - datetime.now(UTC) <= timedelta(minutes=5)


@pytest.mark.rule("C6")
async def test_any_library_verifies_it(scene: Scene):
    given = await issued(scene, scene.owner)
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(await key_of(scene)))
    head, body, signature = given["token"].split(".")
    key.verify(base64.urlsafe_b64decode(signature + "=="), f"{head}.{body}".encode())
    assert jwt.get_unverified_header(given["token"])["alg"] == "EdDSA"


@pytest.mark.rule("C6")
async def test_what_is_forged_expired_or_for_elsewhere_is_refused(scene: Scene):
    other = await scene.group([])
    given, elsewhere = await issued(scene, scene.owner), await issued(scene, scene.owner, other)
    token, key = given["token"], given["public_key"]
    claims = jwt.decode(token, options={"verify_signature": False})
    stranger = Ed25519PrivateKey.generate()
    bare = jwt.encode(claims, "", algorithm="none")
    by_public_key = jwt.encode(claims, key, algorithm="HS256")
    for wrong in (
        elsewhere["token"],
        forged(token, sub=f"user:{scene.stranger.id}"),
        forged(token, exp=claims["exp"] + 3600),
        jwt.encode(claims, stranger, algorithm="EdDSA"),
        bare,
        by_public_key,
        token[:-6],
        "",
    ):
        with pytest.raises(InvalidSession):
            verify_session(wrong, key, conversation_id=scene.circle)
    with pytest.raises(InvalidSession):  # though the key is right: whoever serves another conversation holds it to that
        verify_session(token, key, conversation_id=other)
    for wrong_key in ("", "no key", base64.b64encode(stranger.public_key().public_bytes_raw()).decode()):
        with pytest.raises(InvalidSession):
            verify_session(token, wrong_key, conversation_id=scene.circle)
    async with scene.server.db.transaction(scene.org.owner.actor) as tx:
        late = TurnSettings.model_construct(**TurnSettings().model_dump() | {"session_token_s": -60})
        expired = await issue_session_token(tx, scene.org.owner.actor, UUID(scene.circle), late, "http://hall.test")
    with pytest.raises(InvalidSession, match="expired"):
        verify_session(expired.token, key, conversation_id=scene.circle)
    verify_session(token, key, conversation_id=scene.circle)


@pytest.mark.rule("C6", "C3")
async def test_who_may_not_read_gets_none_and_who_may_not_post_gets_one_that_says_so(scene: Scene):
    for api in (scene.stranger.api, scene.server.client()):
        assert (await api.post(f"/conversations/{scene.circle}/session-token")).status_code in {401, 404}
    (await scene.owner.put(f"/conversations/{scene.circle}/archive")).raise_for_status()
    given = await issued(scene, scene.member.api)
    assert verify_session(given["token"], given["public_key"], conversation_id=scene.circle).rights == ["read"]


@pytest.mark.rule("E2")
async def test_it_opens_nothing_here(scene: Scene):
    given = await issued(scene, scene.owner)
    assert (await scene.server.client(given["token"]).get("/me")).status_code == 401


@pytest.mark.rule("C6")
async def test_every_process_signs_with_the_same_key_and_the_operator_may_hold_the_secret(scene: Scene):
    actor, circle = scene.org.owner.actor, UUID(scene.circle)
    first = (await issued(scene, scene.owner))["public_key"]
    async with scene.server.db.transaction(actor) as tx:
        again = await issue_session_token(tx, actor, circle, TurnSettings(), "http://another.test")
    assert again.public_key == first
    async with scene.server.db.transaction(actor) as tx:
        held = await issue_session_token(tx, actor, circle, TurnSettings(session_secret=SECRET), "http://hall.test")
    assert held.public_key == await key_of(scene) != first
    verify_session(held.token, held.public_key, conversation_id=scene.circle)
    with pytest.raises(InvalidSession):
        verify_session(again.token, held.public_key, conversation_id=scene.circle)


async def test_the_client_library_gets_and_verifies_one(scene: Scene):
    async with Client(scene.server.address, token=token_of(scene.owner)) as client:
        given = await client.turns.session_token(scene.circle)
        runtime = await client.turns.runtime(scene.circle)
    assert runtime.public_key is not None
    session = verify_session(given.token, runtime.public_key, conversation_id=scene.circle)
    assert (session.actor_id, session.rights) == (str(scene.org.owner.id), given.rights)


@pytest.mark.rule("D13")
async def test_the_read_only_role_does_not_see_what_keys_are_made_of(scene: Scene):
    read = scene.server._urls.read
    with psycopg.connect(read) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select session_secret from installation")
