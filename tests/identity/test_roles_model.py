"""Whatever people try with each other's roles, the API and a small model of the rules agree (E1)."""

import random

import pytest

from tests.identity.hall import Hall, Member

RANK = {"member": 0, "admin": 1, "owner": 2}


def expected_change(roles: dict[str, str], actor: str, target: str, role: str) -> int:
    """What changing a role answers; on success the model changes as well."""
    if roles.get(actor) != "owner":
        return 403 if actor in roles else 401
    if target not in roles:
        return 404
    if roles[target] == role:
        return 200
    if target == actor:
        return 409
    if role == "owner":
        return 409
    roles[target] = role
    return 200


def expected_removal(roles: dict[str, str], actor: str, target: str) -> int:
    """What removing a person answers; on success the model changes as well."""
    if actor not in roles:
        return 401
    if target != actor and RANK[roles[actor]] < RANK["admin"]:
        return 403
    if target not in roles:
        return 404
    if roles[target] == "owner":
        return 409
    if target != actor and roles[target] == "admin" and roles[actor] != "owner":
        return 403
    del roles[target]
    return 204


@pytest.mark.rule("E1")
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_rules_about_roles_hold_in_any_order(hall: Hall, seed: int):
    chance = random.Random(seed)
    org = await hall.make_org()
    people: dict[str, Member] = {str(org.owner.id): org.owner}
    roles = {str(org.owner.id): "owner"}
    for role in ("admin", "admin", "member", "member", "member"):
        member = await org.add(role)
        people[str(member.id)], roles[str(member.id)] = member, role
    for _ in range(40):
        actor, target = chance.choice(list(people)), chance.choice(list(people))
        if chance.random() < 0.8:
            role = chance.choice(list(RANK))
            wanted = expected_change(roles, actor, target, role)
            answer = await people[actor].api.patch(f"/people/{target}", json={"role": role})
        else:
            wanted = expected_removal(roles, actor, target)
            answer = await people[actor].api.delete(f"/people/{target}")
        assert answer.status_code == wanted, answer.text
        owner = next(one for one, role in roles.items() if role == "owner")
        listed = (await people[owner].api.get("/people")).json()["items"]
        assert {one["id"]: one["role"] for one in listed} == roles
