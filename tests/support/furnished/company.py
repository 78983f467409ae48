"""A coffee roastery: its people, its agents, and what each of them has done in it so far."""

from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

from tests.identity.hall import Member, Org
from tests.support.furnished.talk import Talk, talk
from tests.support.openai import MODEL, Say, ScriptedModel, Use
from tests.support.server import AgentClient, Server

THINKS = {"provider": "scripted", "model": MODEL}
RESEARCH = (
    "You look things up for Larkfield Coffee. Answer in a few lines, name where each figure comes from, and say so when"
    " you do not know. Before you write to somebody outside, ask."
)

LETTER = "From 2 March on our spring blend is washed Sidama. Orders until Friday come at the price of the autumn."
OWN_PRICE = {"provider": "scripted", "model": "*", "input_price": "2.5", "output_price": "10", "source": "our contract"}


@dataclass
class Company:
    """The organization, who is in it, and what there is to look at."""

    server: Server
    org: Org
    admin: Member
    member: Member
    stranger: Member
    """A person of the organization who is in none of its groups."""
    scout: AgentClient
    ledger: AgentClient
    talk: Talk
    ids: dict[str, str] = field(default_factory=dict)
    """What stands in addresses, by the name of the parameter."""


async def furnish(server: Server, model: ScriptedModel, domain: str = "") -> Company:
    """Make the company. `domain` of its people's addresses: one of its own unless given."""
    from tests.support.furnished.work import equip

    domain = domain or f"{uuid4().hex[:12]}.example"
    mara = await server.make_person(f"mara@{domain}", "Mara Lindqvist")
    org = await server.make_org("Larkfield Coffee", mara)
    async with server.db.transaction(None) as tx:  # so that its owner is shown how the installation runs
        await tx.run("update installation set begun_with = %(org)s", {"org": org.id})
    admin = await org.add("admin", await server.make_person(f"tomas@{domain}", "Tomás Rivera"))
    member = await org.add("member", await server.make_person(f"priya@{domain}", "Priya Nair"))
    stranger = await org.add("member", await server.make_person(f"jonas@{domain}", "Jonas Weber"))
    scout = await server.hire(
        org, "scout", name="Scout", role_title="Researcher", description="Finds prices, rules and people.",
        capabilities=["research", "prices"], instructions=RESEARCH, model_config=THINKS, tools=["post_message"],
    )  # fmt: skip
    ledger = await server.hire(
        org, "ledger", name="Ledger", role_title="Bookkeeper", description="Keeps orders and invoices in step.",
        capabilities=["invoices", "orders"],
    )  # fmt: skip
    (await ledger.api.post(f"/agents/{ledger.id}/heartbeat", json={})).raise_for_status()
    (await org.owner.api.post("/prices", json=OWN_PRICE)).raise_for_status()
    wholesale = await server.channel(org.owner, name="wholesale", description="Cafés and their orders")
    model.script = partial(_reply, wholesale)
    company = Company(
        server, org, admin, member, stranger, scout, ledger,
        await talk(server, org, admin, member, scout, ledger),
    )  # fmt: skip
    await equip(company)
    return company


def _reply(wholesale: str, request: dict[str, object]) -> Say | Use:
    """What the model answers: the last price, or what it would tell the cafés, which it must ask about first."""
    told = str(request["messages"])
    if "'role': 'tool'" in told:
        return Say("The cafés are told.", tokens=(1840, 42))
    if "Tell the cafés" in told.rpartition("'role': 'user'")[2] and request.get("tools"):
        post = {"conversation_id": wholesale, "title": "Our spring blend", "content": LETTER}
        return Use([("post_message", post)], tokens=(1620, 31))
    return Say(
        "Washed Sidama landed at **6.40 € a kilo** last week, 4 % below October. The importer's list holds until"
        " Friday.",
        piece=200,
        tokens=(1480, 64),
    )
