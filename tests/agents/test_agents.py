"""Agents through HTTP: created, found, changed, forked, deleted; and who may not."""

from tests.agents.hall import AgentOrg


async def test_a_new_agent_has_every_column_and_a_code_made_from_its_name(org: AgentOrg):
    made = await org.create(
        name="Übersicht & Plan", capabilities=["planning"], model_config={"temperature": 0.5, "x": 1}
    )
    assert made["code"] == "ubersicht-plan"
    assert made["model_config"] == {"temperature": 0.5, "x": 1}
    assert (made["status"], made["presence"], made["trust_score"]) == ("active", "offline", 50.0)
    assert made["owner_user_id"] == str(org.owner.id)
    shown = (await org.owner.api.get(f"/agents/{made['id']}")).json()
    assert shown == made


async def test_codes_are_numbered_when_names_repeat_themselves(org: AgentOrg):
    first = await org.create(name="Data bot")
    second = await org.create(name="Data  bot")
    third = await org.create(name="data bot!")
    assert [agent["code"] for agent in (first, second, third)] == ["data-bot", "data-bot-2", "data-bot-3"]
