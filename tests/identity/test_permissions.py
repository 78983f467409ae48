"""The permission table, and the routes of identity asking it (E1)."""

from itertools import pairwise
from uuid import uuid4

import pytest

from crewhall.identity.permissions import PERMISSIONS, Permission, check_permission, is_allowed
from crewhall.kernel.actor import Actor, ActorType, Role, system_actor
from crewhall.kernel.errors import CrewhallError
from tests.identity.hall import Hall


def person(role: Role | None) -> Actor:
    return Actor(type=ActorType.USER, id=uuid4(), org_id=uuid4(), role=role)


AGENT = Actor(type=ActorType.AGENT, id=uuid4(), org_id=uuid4())


@pytest.mark.rule("E1")
def test_each_role_holds_what_the_role_below_it_holds():
    ladder = [PERMISSIONS["agent"], PERMISSIONS[Role.MEMBER], PERMISSIONS[Role.ADMIN], PERMISSIONS[Role.OWNER]]
    for lower, higher in pairwise(ladder):
        assert lower < higher
    assert PERMISSIONS[Role.OWNER] == set(Permission)


@pytest.mark.rule("E1", "X11")
@pytest.mark.parametrize("permission", Permission)
def test_the_table_decides_for_everybody(permission: Permission):
    for role in Role:
        assert is_allowed(person(role), permission) == (permission in PERMISSIONS[role])
    assert is_allowed(AGENT, permission) == (permission in PERMISSIONS["agent"])
    assert is_allowed(system_actor(uuid4()), permission)
    assert not is_allowed(person(None), permission)


@pytest.mark.parametrize("permission", Permission)
def test_a_refusal_says_who_may(permission: Permission):
    with pytest.raises(CrewhallError) as refused:
        check_permission(person(None), permission)
    assert refused.value.code == "forbidden"
    assert refused.value.detail.startswith("Only ")
    one_may = "the organization's owner may" in refused.value.detail
    assert refused.value.detail.endswith("Ask them." if one_may else "Ask one of them.")
    assert refused.value.fields == {"permission": permission}


ADMINISTRATIVE = [
    ("GET", "/invitations", None, 200, "admin"),
    ("POST", "/invitations", {"role": "member"}, 201, "admin"),
    ("POST", "/invitations", {"role": "admin"}, 201, "owner"),
    ("GET", "/audit", None, 200, "admin"),
    ("PATCH", "/organizations/{org}", {"description": "changed"}, 200, "admin"),
    ("PATCH", "/people/{other}", {"role": "admin"}, 200, "owner"),
    ("DELETE", "/people/{other}", None, 204, "admin"),
    ("DELETE", "/organizations/{org}?confirm={slug}", None, 204, "owner"),
]


@pytest.mark.rule("E1")
@pytest.mark.parametrize(("method", "path", "body", "status", "least"), ADMINISTRATIVE)
async def test_each_route_asks_the_table(
    hall: Hall, method: str, path: str, body: dict[str, str] | None, status: int, least: str
):
    order = ["member", "admin", "owner"]
    for role in order:
        org = await hall.make_org()
        asking = org.owner if role == "owner" else await org.add(role)
        other = await org.add("member")
        url = path.format(org=org.id, other=other.id, slug=org.slug)
        answer = await asking.api.request(method, url, json=body)
        allowed = order.index(role) >= order.index(least)
        assert answer.status_code == (status if allowed else 403), (role, answer.text)
        if not allowed:
            assert answer.json()["code"] == "forbidden"
        assert (await hall.client().request(method, url, json=body)).status_code == 401
