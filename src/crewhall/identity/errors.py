"""Identity's own errors, and sentences for what the database refuses."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from crewhall.kernel.errors import CONFLICT, define_error

WRONG_CREDENTIALS = define_error("wrong_credentials", 401, "Wrong email or password")
LINK_DEAD = define_error("link_dead", 410, "This link no longer works")

_SENTENCES = {
    "users_handle_key": ("handle", "This handle is taken. Choose another."),
    "users_email_key": ("email", "An account with this email exists. Sign in with it instead."),
    "organizations_slug_key": ("slug", "This slug is taken. Choose another."),
    "names_handle": ("handle", "An agent of your organization has this name as its code. Choose another."),
    "names_member": (
        "handle",
        "An agent of this organization has your handle as its code. Change your handle first, then join again.",
    ),
    "members_deactivated": (
        "user_id",
        "You are deactivated in this organization. Its owners and admins can let you back in: ask one of them.",
    ),
    "memberships_pkey": ("user_id", "This person is a member already."),
    "organizations_no_agents": ("agents", "The organization still has agents of its own. Delete them first."),
    "organizations_no_projects": ("projects", "The organization still has projects. Delete them first."),
}


@contextmanager
def clear_conflicts() -> Iterator[None]:
    """Turn the database's refusals into `conflict` with a sentence that says what to do."""
    try:
        yield
    except (UniqueViolation, ForeignKeyViolation) as error:
        known = _SENTENCES.get(error.diag.constraint_name or "")
        if known is None:
            raise
        raise CONFLICT(known[1], field=known[0]) from error
