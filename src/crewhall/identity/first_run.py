"""The first start: an owner, an example organization with wiki categories, and what later domains add, exactly once.

The owner comes from the settings, or through a set-up link that is printed at every start until it was used. The row of
`installation` is locked meanwhile, so that of several processes starting at once one seeds and the others see it done.
"""

import hmac
import logging

from crewhall.identity.accounts import create_account, person_actor
from crewhall.identity.errors import LINK_DEAD
from crewhall.identity.events import InstallationSeeded
from crewhall.identity.fields import check_email
from crewhall.identity.logins import Client, StartedLogin, start_login
from crewhall.identity.organizations import create_organization, founder_of_new
from crewhall.identity.schemas import NewOrganization, OrganizationSettings, SetUp
from crewhall.identity.settings import IdentitySettings
from crewhall.identity.throttle import Throttle
from crewhall.kernel.actor import Actor
from crewhall.kernel.crypto import MIN_PASSWORD_LENGTH, check_password, digest, hash_secret, new_token
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.events import publish
from crewhall.kernel.ids import new_id
from crewhall.kernel.settings import BAD_SETTING

log = logging.getLogger(__name__)
SETUP = "cwo_"
WEAK_PASSWORD = (
    f"CREWHALL_OWNER_PASSWORD has fewer than the {MIN_PASSWORD_LENGTH} characters that people are asked for: choose "
    "another one in the settings page before others can reach this server"
)
EXAMPLE_NAME, EXAMPLE_SLUG = "Crewhall HQ", "hq"


WIKI_CATEGORIES = (
    "Handbook", "Decisions", "Architecture", "How-to", "Runbooks", "Onboarding", "Product", "Customers", "Research",
    "Retrospectives",
)  # fmt: skip


async def prepare_first_run(db: Database, settings: IdentitySettings, base_url: str) -> str | None:
    """Seed with the owner that the settings name; without one return a fresh set-up link. None: nothing to do.

    Each call makes the links of earlier calls useless. Raises BAD_SETTING when only half an owner is given.
    """
    if await is_set_up(db):
        return None
    owner = await _owner_of(settings)
    if owner is not None:
        await _make_owner(db, *owner)
        return None
    token = new_token(SETUP)
    async with db.transaction(None) as tx:
        made = await tx.run(
            "update installation set setup_digest = %(digest)s where seeded_at is null", {"digest": digest(token)}
        )
    return f"{base_url}/setup?token={token}" if made else None


async def is_set_up(db: Database) -> bool:
    """Whether the first person is there already."""
    async with db.transaction(None) as tx:
        return bool(await tx.value("select seeded_at is not null from installation"))


def check_owner(settings: IdentitySettings) -> tuple[str, bytes] | None:
    """The email and password that the settings give, or None without them. Raises BAD_SETTING that names the wrong one.

    They count at the first start alone; afterwards anything may stand there. A password that is shorter than people
    may choose is the operator's to answer for: it is taken, and warned of.
    """
    email, password = settings.owner_email, settings.owner_password
    if email is None and password is None:
        return None
    if email is None or password is None:
        raise BAD_SETTING("Set both CREWHALL_OWNER_EMAIL and CREWHALL_OWNER_PASSWORD, or neither.")
    name = "CREWHALL_OWNER_EMAIL"
    try:
        address = check_email(email)
        name = "CREWHALL_OWNER_PASSWORD"
        return address, check_password(password.get_secret_value(), least=1)
    except CrewhallError as error:
        raise BAD_SETTING(f"{name}: {error.detail}", setting=name) from error


def is_weak(password: bytes) -> bool:
    """Whether a password is shorter than people may choose."""
    return len(password.decode()) < MIN_PASSWORD_LENGTH


async def _owner_of(settings: IdentitySettings) -> tuple[str, str] | None:
    """The email and password hash that the settings give, or None without them."""
    owner = check_owner(settings)
    if owner is not None and is_weak(owner[1]):
        log.warning(WEAK_PASSWORD)
    return (owner[0], await hash_secret(owner[1])) if owner else None


async def _make_owner(db: Database, email: str, hashed: str) -> None:
    name = email.partition("@")[0].partition("+")[0].replace(".", " ").replace("_", " ").strip().title() or "Owner"
    founder = founder_of_new(person_actor(new_id(), name=name))
    async with db.transaction(founder) as tx:
        if not await _claim(tx):
            return
        await create_account(tx, founder, email=email, name=name, password_hash=hashed)
        await _plant(
            tx, founder, NewOrganization(EXAMPLE_NAME, EXAMPLE_SLUG, "The example organization: make it yours.")
        )
    log.info("owner made", extra={"email": email, "organization": EXAMPLE_SLUG})


async def _claim(tx: Tx) -> bool:
    """Take the one chance to seed; others wait here until this transaction has ended."""
    return bool(await tx.run("update installation set seeded_at = now(), setup_digest = null where seeded_at is null"))


async def _plant(tx: Tx, founder: Actor, new: NewOrganization) -> None:
    settings = OrganizationSettings(wiki_categories=list(WIKI_CATEGORIES))
    organization = await create_organization(tx, founder, new, settings=settings)
    await tx.run("update installation set begun_with = %(org)s", {"org": organization.id})
    await publish(tx, founder, InstallationSeeded(organization.id))


async def check_set_up_token(db: Database, token: str) -> None:
    """Raise LINK_DEAD unless this is the set-up link printed last and nobody has used it."""
    async with db.transaction(None) as tx:
        expected = await tx.value("select setup_digest from installation where seeded_at is null")
    if expected is None:
        raise LINK_DEAD("This set-up link was used: Crewhall has its owner. Sign in instead.")
    if not hmac.compare_digest(bytes(expected), digest(token)):
        raise LINK_DEAD("This set-up link was replaced. Start Crewhall again to see a fresh one.")


async def set_up(
    db: Database,
    throttle: Throttle,
    settings: IdentitySettings,
    asked: SetUp,
    *,
    kind: Client,
    address: str | None = None,
    user_agent: str | None = None,
) -> StartedLogin:
    """Make the first person the owner of their organization, through the set-up link, and sign them in."""
    throttle.check_sign_up(address)
    await check_set_up_token(db, asked.token)
    hashed = await hash_secret(check_password(asked.password))
    person = person_actor(new_id(), address=address, name=asked.name)
    founder = founder_of_new(person)
    async with db.transaction(founder) as tx:
        if not await _claim(tx):
            raise LINK_DEAD("Somebody has just set Crewhall up. Sign in instead.")
        await create_account(
            tx,
            founder,
            email=asked.email,
            name=asked.name,
            password_hash=hashed,
            handle=asked.handle,
            timezone=asked.timezone,
        )
        await _plant(tx, founder, NewOrganization(asked.organization))
        return await start_login(tx, person, settings, kind=kind, user_agent=user_agent, org_id=founder.org)
