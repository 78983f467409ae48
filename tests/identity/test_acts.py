"""Every act that is recorded has words, whatever is known of what it speaks of."""

import re
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.identity.acts import WORDS, Named, actor_name, words_for
from crewhall.kernel.actor import ActorType
from tests.architecture.source import python_files
from tests.identity.hall import Hall

RECORDED = re.compile(
    r'"((?:organization|password|login|personal_token|member|ownership|invitation|agent|conversation|budget|price|rate'
    r"|approval|tool_policy|idle_policy|file_policy|tool_server|server_tool|app|schedule|webhook|quick_task|import|wiki_entry|source|project"
    r"|github|github_repository|github_delivery|github_change|metric)\."
    r'[a-z_]*(?:ed|left|lent|_set|drawn|let_in|shut_out|held_back))"'
)
DOMAINS = ("identity", "agents", "conversations", "governance", "knowledge", "work", "runtime", "imports")
TARGET, AGENT, ADA = (str(uuid4()) for _ in range(3))
NAMES = {AGENT: Named("agent", "Scout"), ADA: Named("user", "Ada"), TARGET: Named("channel", "plans")}


def test_exactly_the_recorded_acts_have_words():
    recorded = {
        action
        for path in python_files(*(f"src/crewhall/{domain}" for domain in DOMAINS))
        if path.name != "acts.py"
        for action in RECORDED.findall(path.read_text(encoding="utf-8"))
    }
    assert recorded == {action.partition("/")[0] for action in WORDS}
    assert len(recorded) > 20


@pytest.mark.parametrize(
    ("action", "details", "said"),
    [
        ("agent.credential_created", {"agent_id": AGENT, "label": ""}, "created a key for agent Scout"),
        ("agent.credential_created", {"agent_id": AGENT, "label": "ci"}, "created the key “ci” for agent Scout"),
        ("agent.credential_created", {"agent_id": str(uuid4())}, "created a key for an agent"),
        ("conversation.member_added", {"member_id": ADA}, "added Ada to #plans"),
        ("conversation.changed", {"title": "x", "agent_policy": {}}, "changed #plans: title and agent policy"),
        ("conversation.created", {"name": "as it was"}, "created #as it was"),
        ("organization.updated", {"changed": ["a_b", "c", "d"]}, "changed the organization: a b, c and d"),
        ("member.invited", {"email": None, "role": "admin"}, "made an invitation link for a new admin"),
        ("member.invited", {"email": "a@b.c", "role": "member"}, "invited a@b.c as member"),
        ("login.ended", {"reason": "signed out everywhere"}, "signed out everywhere"),
        ("login.ended", {"reason": "a refresh token was used twice"}, "ended a login: a refresh token was used twice"),
    ],
)  # fmt: skip
def test_acts_are_said_in_words(action: str, details: dict[str, Any], said: str):
    assert words_for(action, TARGET, details, NAMES) == said


@given(
    st.sampled_from([*WORDS, "agent.vanished", "{x}", ""]),
    st.one_of(st.none(), st.just(TARGET), st.text()),
    st.dictionaries(
        st.sampled_from(["name", "label", "agent_id", "reason", "changed", "role", "email", "{target}", "old"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=3
        ),
    ),
    st.sampled_from(["user", "agent", "channel", "group", "inbox", "invitation", "direct", "other"]),
)
def test_words_are_found_for_anything(action: str, resource: str | None, details: dict[str, Any], kind: str):
    for name in (None, "", "  ", "{name}\n{0.__class__}"):
        said = words_for(action, resource, details, {TARGET: Named(kind, name)})
        assert said
        assert "\n" not in said


def test_who_is_not_known_is_said_so():
    for kind, name in ((ActorType.USER, "Somebody"), (ActorType.AGENT, "An agent"), (ActorType.SYSTEM, "Crewhall")):
        assert actor_name(kind, uuid4(), {}) == name


@pytest.mark.rule("C10", "B1")
async def test_the_log_is_read_in_words_and_still_names_who_left(hall: Hall):
    org, other = await hall.make_org(), await hall.make_org("Other")
    admin = await org.add("admin", await hall.make_person(name="Grace Hopper"))
    (await admin.api.patch(f"/organizations/{org.id}", json={"description": "x"})).raise_for_status()
    (await org.owner.api.delete(f"/people/{admin.id}")).raise_for_status()
    items = (await org.owner.api.get("/audit")).json()["items"]
    assert [item["summary"] for item in items[:2]] == [
        "Ada Lovelace removed Grace Hopper from the organization",
        "Grace Hopper changed the organization: description",
    ]
    assert (items[1]["action"], items[1]["actor_name"]) == ("organization.updated", "Grace Hopper")
    ids = [item["id"] for item in items]
    member = await org.add("member")
    for reader, count in ((org.owner, len(ids)), (member, 0), (other.owner, 0)):
        async with hall.db.transaction(reader.actor) as tx:
            assert await tx.value("select count(*) from audit_names(%(ids)s)", {"ids": ids}) == count
