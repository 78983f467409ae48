"""Passwords: checked at sign-in, changed, and reset by mail.

Unknown emails and wrong passwords take the same time and get the same answer. No transaction is open while bcrypt runs.
"""

from datetime import timedelta
from uuid import UUID

import msgspec

from crewhall.identity.accounts import person_actor
from crewhall.identity.errors import LINK_DEAD, WRONG_CREDENTIALS
from crewhall.identity.logins import Client, StartedLogin, end_all_logins, start_login
from crewhall.identity.schemas import Credentials, PasswordChange, ResetConfirmation
from crewhall.identity.settings import IdentitySettings
from crewhall.identity.throttle import Throttle
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.crypto import check_password, digest, hash_secret, new_token, verify_secret
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT, INVALID
from crewhall.ports.mailer import Mail, Mailer

RESET = "cwp_"
WRONG = "The email or the password is wrong."


class _Known(msgspec.Struct):
    user_id: UUID
    password_hash: str | None


async def sign_in(
    db: Database,
    throttle: Throttle,
    settings: IdentitySettings,
    credentials: Credentials,
    *,
    kind: Client,
    address: str | None = None,
    user_agent: str | None = None,
) -> StartedLogin:
    """Sign a person in by email and password. Raises WRONG_CREDENTIALS or TOO_MANY_REQUESTS."""
    email = credentials.email.strip().lower()
    throttle.check_login(address, email)
    known = await _find_password(db, email)
    if not await verify_secret(credentials.password.encode(), known.password_hash if known else None) or known is None:
        raise WRONG_CREDENTIALS(WRONG)
    person = person_actor(known.user_id, address=address)
    async with db.transaction(person) as tx:
        if await tx.value("select own_password()") != known.password_hash:  # it was changed while we checked it
            raise WRONG_CREDENTIALS(WRONG)
        return await start_login(tx, person, settings, kind=kind, user_agent=user_agent)


async def _find_password(db: Database, email: str) -> _Known | None:
    if "\0" in email:
        return None
    async with db.transaction(None) as tx:
        return await tx.find(_Known, "select user_id, password_hash from find_password(%(email)s)", {"email": email})


async def change_password(db: Database, throttle: Throttle, person: Actor, change: PasswordChange) -> None:
    """Change the person's own password and end their other logins. Raises INVALID for a wrong present one."""
    throttle.check_login(person.address, str(person.id))
    new = check_password(change.new_password)
    async with db.transaction(person) as tx:
        present = await tx.value("select own_password()")
    if not await verify_secret(change.current_password.encode(), present):
        raise INVALID("The present password is wrong.", field="current_password")
    hashed = await hash_secret(new)
    async with db.transaction(person) as tx:
        if await tx.value("select own_password()") != present:
            raise CONFLICT("The password was changed a moment ago.")
        await _set_password(tx, person, hashed)
        await end_all_logins(tx, person, but=person.credential_id)
        if person.org_id is not None:
            await audit.record(tx, person, "password.changed", "user", person.id)


async def _set_password(tx: Tx, person: Actor, hashed: str) -> None:
    await tx.run(
        "update users set password_hash = %(hash)s, updated_by = %(user)s where id = %(user)s",
        {"hash": hashed, "user": person.id},
    )
    await tx.run(
        "update password_resets set used_at = now() where user_id = %(user)s and used_at is null", {"user": person.id}
    )


async def send_reset(db: Database, settings: IdentitySettings, mailer: Mailer, base_url: str, email: str) -> None:
    """Mail a reset link if there is such an account. Call it behind the answer, which says the same either way.

    Links that were mailed before stay valid for their time: otherwise whoever knows an email could kill its owner's
    link again and again. A new password kills them all.
    """
    email = email.strip().lower()
    known = await _find_password(db, email)
    if known is None:
        return
    token = new_token(RESET)
    async with db.transaction(person_actor(known.user_id)) as tx:
        await tx.run(
            "delete from password_resets where user_id = %(user)s and (used_at is not null or expires_at <= now())",
            {"user": known.user_id},
        )
        await tx.run(
            "insert into password_resets (digest, user_id, expires_at) values (%(digest)s, %(user)s, %(until)s)",
            {
                "digest": digest(token),
                "user": known.user_id,
                "until": utc_now() + timedelta(minutes=settings.reset_minutes),
            },
        )
    body = (
        f"Somebody, hopefully you, asked for a new password for {email} on Crewhall.\n\n"
        f"Choose it here within {settings.reset_minutes} minutes:\n{base_url}/password-reset?token={token}\n\n"
        "If it was not you, do nothing: your password stays as it is.\n"
    )
    await mailer.send(Mail(email, "Choose a new password for Crewhall", body))


async def find_reset_owner(db: Database, token: str) -> UUID:
    """Whose password a mailed link sets. Raises LINK_DEAD."""
    async with db.transaction(None) as tx:
        owner: UUID | None = await tx.value("select find_reset_owner(%(digest)s)", {"digest": digest(token)})
    if owner is None:
        raise LINK_DEAD("This link was used or is too old. Ask for a new one.")
    return owner


async def confirm_reset(
    db: Database, throttle: Throttle, confirmation: ResetConfirmation, *, address: str | None = None
) -> None:
    """Set the new password by a mailed link, once, and end every login. Raises LINK_DEAD."""
    throttle.check_sign_up(address)
    new = check_password(confirmation.password)
    reset = digest(confirmation.token)
    owner = await find_reset_owner(db, confirmation.token)
    hashed = await hash_secret(new)
    person = person_actor(owner, address=address)
    async with db.transaction(person) as tx:
        claimed = await tx.run(
            """
            update password_resets set used_at = now()
            where digest = %(digest)s and used_at is null and expires_at > now()
            """,
            {"digest": reset},
        )
        if not claimed:
            raise LINK_DEAD("This link was used or is too old. Ask for a new one.")
        await _set_password(tx, person, hashed)
        await end_all_logins(tx, person)
