"""Invitations: an admin sends a link; whoever it is meant for accepts it once, with a new account or their own."""

from datetime import timedelta
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.identity.accounts import create_account, get_profile, person_actor
from crewhall.identity.errors import LINK_DEAD
from crewhall.identity.events import MemberJoined
from crewhall.identity.fields import check_email
from crewhall.identity.handles import free_handle, holder_of
from crewhall.identity.logins import Client, StartedLogin, start_login, switch_organization
from crewhall.identity.organizations import add_membership, get_organization
from crewhall.identity.permissions import Permission, check_permission
from crewhall.identity.placeholders import claim_placeholder, find_placeholder
from crewhall.identity.schemas import Acceptance
from crewhall.identity.schemas_invitations import Invitation, InvitationShown, NewInvitation, SentInvitation
from crewhall.identity.settings import IdentitySettings
from crewhall.identity.throttle import Throttle
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, Role, system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.crypto import check_password, digest, hash_secret, new_token
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, INVALID, NOT_FOUND
from crewhall.kernel.events import publish
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.ports.mailer import Mail

INVITATION = "cwi_"
_COLUMNS: LiteralString = """
select id, email, role, max_uses, uses, expires_at, sent_at, created_at, created_by from invitations
where org_id = any (current_orgs()) and accepted_at is null and revoked_at is null
"""
_STILL_GOOD: LiteralString = _COLUMNS + " and expires_at > now()"
MAIL_SUBJECT = "Join {} on Crewhall"


class OpenInvitation(msgspec.Struct, frozen=True):
    """An invitation that can still be accepted, and the organization it leads to; newcomers start with its `locale`."""

    org_id: UUID
    organization: str
    locale: str
    timezone: str
    invitation: Invitation

    @property
    def role(self) -> Role:
        """The role that the new member gets."""
        return Role(self.invitation.role)


async def list_invitations(
    tx: Tx, actor: Actor, *, after: str | None = None, limit: int | None = None
) -> Page[Invitation]:
    """List the invitations that are neither used up nor withdrawn, newest first; `expires_at` may be over."""
    check_permission(actor, Permission.MEMBERS_INVITE)
    size = check_limit(limit)
    key = decode_cursor(after, UUID)
    rows = await tx.all(
        Invitation,
        _COLUMNS + " and (%(before)s::uuid is null or id < %(before)s) order by id desc limit %(limit)s",
        {"before": key[0] if key else None, "limit": size + 1},
    )
    return page_of(rows, size, lambda row: (row.id,))


async def invite(
    tx: Tx, actor: Actor, throttle: Throttle, settings: IdentitySettings, new: NewInvitation, *, base_url: str
) -> SentInvitation:
    """Make an invitation; the token is in the answer and nowhere else. Only the owner invites admins."""
    check_permission(actor, Permission.MEMBERS_INVITE)
    if new.role == "admin":
        check_permission(actor, Permission.MEMBERS_ROLE)
    throttle.check_invitation(actor.id)
    email = check_email(new.email) if new.email else None
    _check_uses(new, email)
    if email is not None:
        await _check_stranger(tx, actor, email)
    token, invitation_id = new_token(INVITATION), new_id()
    await tx.run(
        """
        insert into invitations (id, org_id, email, role, max_uses, digest, expires_at, created_by)
        values (%(id)s, %(org)s, %(email)s, %(role)s, %(max_uses)s, %(digest)s, %(until)s, %(by)s)
        """,
        {
            "id": invitation_id,
            "org": actor.org,
            "email": email,
            "role": new.role,
            "max_uses": new.max_uses,
            "digest": digest(token),
            "until": utc_now() + timedelta(days=new.expires_in_days or settings.invitation_days),
            "by": actor.id,
        },
    )
    await audit.record(tx, actor, "member.invited", "invitation", invitation_id, {"email": email, "role": new.role})
    return await _sent(tx, invitation_id, token, base_url)


async def _check_stranger(tx: Tx, actor: Actor, email: str) -> None:
    """Refuse (CONFLICT) to invite who is a member of the actor's organization."""
    name = await tx.value(
        """
        select u.name from memberships m join users u on u.id = m.user_id and u.deleted_at is null
        where m.org_id = %(org)s and u.email = %(email)s
        """,
        {"org": actor.org, "email": email},
    )
    if name is not None:
        raise CONFLICT(f"{name} is a member here already.", field="email")


def _check_uses(new: NewInvitation, email: str | None) -> None:
    if new.max_uses == 1:
        return
    if email is not None:
        raise INVALID("An invitation by mail is for one person. Make a link for several.", field="max_uses")
    if new.role == "admin":
        raise INVALID("A link makes one admin at most. Invite members by it, and appoint admins.", field="max_uses")


async def resend_invitation(
    tx: Tx, actor: Actor, throttle: Throttle, settings: IdentitySettings, invitation_id: UUID, *, base_url: str
) -> SentInvitation:
    """Give an invitation a new link and a new end; the link before stops working. Only the owner invites admins.

    Raises NOT_FOUND for one that is used up or withdrawn.
    """
    check_permission(actor, Permission.MEMBERS_INVITE)
    found = await tx.find(Invitation, _COLUMNS + " and id = %(id)s for update", {"id": invitation_id})
    if found is None:
        raise NOT_FOUND("There is no such open invitation.")
    if found.role == "admin":
        check_permission(actor, Permission.MEMBERS_ROLE)
    throttle.check_invitation(actor.id)
    token = new_token(INVITATION)
    until = utc_now() + timedelta(days=settings.invitation_days)
    await tx.run(
        """
        update invitations set digest = %(digest)s, expires_at = %(until)s, sent_at = now(), created_by = %(by)s
        where id = %(id)s
        """,  # the link is of the actor's making now, and ends with their membership
        {"digest": digest(token), "until": until, "by": actor.id, "id": invitation_id},
    )
    await audit.record(tx, actor, "invitation.renewed", "invitation", invitation_id)
    return await _sent(tx, invitation_id, token, base_url)


async def _sent(tx: Tx, invitation_id: UUID, token: str, base_url: str) -> SentInvitation:
    invitation = await tx.one(Invitation, _COLUMNS + " and id = %(id)s", {"id": invitation_id})
    return SentInvitation(invitation, f"{base_url}/invitation?token={token}", token)


async def invitation_mail(tx: Tx, actor: Actor, sent: SentInvitation) -> Mail | None:
    """The mail that carries the link, where the invitation names an email; send it after the commit."""
    if sent.invitation.email is None:
        return None
    organization = await get_organization(tx, actor.org)
    body = (
        f"{actor.name} invites you to {organization.name} on Crewhall.\n\n"
        f"Accept until {sent.invitation.expires_at:%d %B %Y}:\n{sent.link}\n"
    )
    return Mail(sent.invitation.email, MAIL_SUBJECT.format(organization.name), body, actor.org)


async def revoke_invitation(tx: Tx, actor: Actor, invitation_id: UUID) -> None:
    """Withdraw an open invitation; its link stops working."""
    check_permission(actor, Permission.MEMBERS_INVITE)
    revoked = await tx.run(
        """
        update invitations set revoked_at = now()
        where id = %(id)s and org_id = %(org)s and accepted_at is null and revoked_at is null
        """,
        {"id": invitation_id, "org": actor.org},
    )
    if not revoked:
        raise NOT_FOUND("There is no such open invitation.")
    await audit.record(tx, actor, "invitation.revoked", "invitation", invitation_id)


async def get_open_invitation(db: Database, token: str) -> OpenInvitation:
    """Return what the token invites to, or raise LINK_DEAD: accepted, revoked, expired and unknown look alike."""
    async with db.transaction(None) as tx:
        org_id = await tx.value("select org_id from find_invitation(%(digest)s)", {"digest": digest(token)})
    if org_id is not None:
        async with db.transaction(system_actor(org_id)) as tx:
            found = await tx.find(Invitation, _STILL_GOOD + " and digest = %(digest)s", {"digest": digest(token)})
            if found is not None:
                inviting = await get_organization(tx, org_id)
                return OpenInvitation(org_id, inviting.name, inviting.locale, inviting.timezone, found)
    raise LINK_DEAD("This invitation was used, withdrawn or is too old. Ask for a new one.")


def show_invitation(found: OpenInvitation) -> InvitationShown:
    """What its holder sees before accepting."""
    invitation = found.invitation
    return InvitationShown(found.organization, invitation.email, invitation.role, invitation.expires_at)


async def accept_as_newcomer(
    db: Database,
    throttle: Throttle,
    settings: IdentitySettings,
    acceptance: Acceptance,
    *,
    kind: Client,
    address: str | None = None,
    user_agent: str | None = None,
) -> StartedLogin:
    """Accept with a new account and sign it in. Raises LINK_DEAD, INVALID, CONFLICT (the email has an account)."""
    throttle.check_sign_up(address)
    found = await get_open_invitation(db, acceptance.token)
    email = _email_for(found, acceptance)
    if acceptance.name is None or acceptance.password is None:
        raise INVALID("Give a name and a password for the new account, or sign in first.", field="password")
    hashed = await hash_secret(check_password(acceptance.password))
    waiting = await _placeholder_for(db, found)
    person = person_actor(waiting or new_id(), address=address, name=acceptance.name)
    newcomer = msgspec.structs.replace(person, org_id=found.org_id, role=found.role)
    async with db.transaction(newcomer) as tx:
        await create_account(
            tx,
            newcomer,
            email=email,
            name=acceptance.name,
            password_hash=hashed,
            handle=acceptance.handle,
            locale=found.locale,
            timezone=acceptance.timezone or found.timezone,
        )
        if waiting is not None:
            await claim_placeholder(tx, waiting)
        await _join(tx, newcomer, found)
        return await start_login(tx, person, settings, kind=kind, user_agent=user_agent, org_id=found.org_id)


async def _placeholder_for(db: Database, found: OpenInvitation) -> UUID | None:
    """Who wrote elsewhere under the invited address: what they wrote is the newcomer's. Without an address, nobody."""
    if found.invitation.email is None:
        return None
    async with db.transaction(system_actor(found.org_id)) as tx:
        return await find_placeholder(tx, found.invitation.email)


def _email_for(found: OpenInvitation, acceptance: Acceptance) -> str:
    invited = found.invitation.email
    if acceptance.email is None and invited is None:
        raise INVALID("Give the email of the new account.", field="email")
    given = check_email(acceptance.email or invited or "")
    if invited is not None and given != invited:
        raise INVALID("This invitation is for another email.", field="email")
    return given


async def accept_as_person(db: Database, person: Actor, token: str) -> Actor:
    """Accept with the person's own account; their login moves to the organization. Returns the person there.

    Raises LINK_DEAD, FORBIDDEN for a personal token or when it is meant for another email, CONFLICT for a member.
    """
    if person.is_bound:
        raise FORBIDDEN("A personal token acts in its organization alone. Sign in to join another one.")
    found = await get_open_invitation(db, token)
    joined = msgspec.structs.replace(person, org_id=found.org_id, role=found.role)
    async with db.transaction(joined) as tx:
        profile = await get_profile(tx, joined)
        if found.invitation.email not in {None, profile.email}:
            raise FORBIDDEN("This invitation is for another email. Sign in with that account.")
        await _check_name(tx, found, profile.handle)
        await _join(tx, joined, found)
        return await switch_organization(tx, joined, found.org_id)


async def _check_name(tx: Tx, found: OpenInvitation, handle: str) -> None:
    if await holder_of(tx, handle) == "agent":
        suggestion = await free_handle(tx, handle)
        raise CONFLICT(
            f"An agent of {found.organization} has your handle {handle} as its code. Change your handle in your "
            f"settings ({suggestion} is free), then accept again: the invitation stays open.",
            field="handle",
            suggestion=suggestion,
        )


async def _join(tx: Tx, joined: Actor, found: OpenInvitation) -> None:
    claimed = await tx.run(
        """
        update invitations
        set uses = uses + 1, accepted_by = %(user)s, accepted_at = case when uses + 1 >= max_uses then now() end
        where id = %(id)s and accepted_at is null and revoked_at is null and expires_at > now()
        """,
        {"id": found.invitation.id, "user": joined.id},
    )
    if not claimed:
        raise LINK_DEAD("This invitation was used a moment ago. Ask for a new one.")
    await add_membership(tx, joined, joined.id, found.role)
    await _close_others(tx, joined)
    await audit.record(tx, joined, "member.joined", "user", joined.id, {"role": found.role})
    await publish(tx, joined, MemberJoined(joined.org, joined.id, found.role))


async def _close_others(tx: Tx, joined: Actor) -> None:
    """Close what else invites the email of who has joined: there is nothing left to accept."""
    await tx.run(
        """
        update invitations set revoked_at = now()
        where org_id = %(org)s and email = (select email from users where id = %(user)s)
          and accepted_at is null and revoked_at is null
        """,
        {"org": joined.org, "user": joined.id},
    )
