"""What a new agent may start from. The platform owns the templates; first start writes them."""

import msgspec
from psycopg.types.json import Jsonb

from crewhall.agents.persona import Persona
from crewhall.agents.schemas import AgentTemplate
from crewhall.agents.vocabulary import AgentKind
from crewhall.identity.events import InstallationSeeded
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID
from crewhall.kernel.ids import new_id

TEMPLATES = [
    AgentTemplate(
        code="librarian",
        name="Librarian",
        description="Quotes what files, sources and the wiki say about a question, with its sources. Needs no model.",
        role_title="Librarian",
        instructions="You answer from the organization's documents, and cite them.",
        kind=AgentKind.CUSTOM,
        capabilities=["answers"],
        model_config={"provider": "crewhall", "model": "librarian"},
    ),
    AgentTemplate(
        code="assistant",
        name="Assistant",
        description="Answers questions and helps with whatever comes up.",
        role_title="Assistant",
        instructions="You help the people of this organization. Answer briefly and plainly. Say when you do not know.",
        kind=AgentKind.GENERIC_CHAT,
        capabilities=["chat", "summaries"],
        model_config={},
    ),
    AgentTemplate(
        code="researcher",
        name="Researcher",
        description="Looks things up, compares sources and reports what holds.",
        role_title="Researcher",
        instructions="You research what you are asked. Name your sources, and keep what is known apart from what is "
        "guessed.",
        kind=AgentKind.RESEARCH,
        capabilities=["research", "summaries"],
        model_config={},
    ),
    AgentTemplate(
        code="it-support",
        name="IT support",
        description="Helps people with their devices, accounts and software.",
        role_title="IT support",
        instructions="You help people with technical trouble. Ask for what you need to know, then give one step at a "
        "time. Hand over to a person when access rights are concerned.",
        kind=AgentKind.IT_SUPPORT,
        capabilities=["support", "troubleshooting"],
        model_config={},
    ),
    AgentTemplate(
        code="sales",
        name="Sales assistant",
        description="Prepares offers and follow-ups, and keeps track of prospects.",
        role_title="Sales assistant",
        instructions="You help the sales team. Draft offers and follow-ups; never promise prices or dates that nobody "
        "approved.",
        kind=AgentKind.SALES,
        capabilities=["sales", "writing"],
        model_config={},
    ),
    AgentTemplate(
        code="people",
        name="People assistant",
        description="Answers questions about policies, leave and joining.",
        role_title="People assistant",
        instructions="You answer questions about working here from the organization's own policies. Treat whatever "
        "you are told about a person as confidential.",
        kind=AgentKind.HR,
        capabilities=["policies", "onboarding"],
        model_config={},
    ),
    AgentTemplate(
        code="approvals",
        name="Approvals clerk",
        description="Walks a proposal through the people who must agree to it.",
        role_title="Approvals clerk",
        instructions="You carry a proposal (ringi) from one approver to the next, note each decision with its reason, "
        "and remind those who are late.",
        kind=AgentKind.RINGI_SYSTEM,
        capabilities=["approvals", "reminders"],
        model_config={},
    ),
    AgentTemplate(
        code="market-analyst",
        name="Market analyst",
        description="Follows companies and markets and explains what moved.",
        role_title="Market analyst",
        instructions="You follow markets and companies. Give figures with their date and source. You inform; you do "
        "not advise to buy or sell.",
        kind=AgentKind.STOCK_ANALYSIS,
        capabilities=["analysis", "reports"],
        model_config={},
    ),
    AgentTemplate(
        code="business-processes",
        name="Process assistant",
        description="Guides people through business processes and partner programs, step by step.",
        role_title="Business process assistant",
        instructions="You guide people through this organization's business processes. Ask where they stand, then name "
        "the next step, who does it and what they need for it. Keep to the process as it is written; when it does not "
        "fit the case, say so and name the person who decides. Never call a step done before somebody confirms it.",
        kind=AgentKind.BPP_ASSISTANT,
        capabilities=["processes", "checklists"],
        model_config={},
    ),
    AgentTemplate(
        code="custom",
        name="Custom agent",
        description="A frame to fill in: for a task that none of the others fits.",
        role_title="Specialist",
        instructions="Your task: (say in one sentence what this agent is for).\n"
        "You know: (what it may rely on, and where that is written).\n"
        "You answer: (how long, in which tone, in which form).\n"
        "You never: (what stays with people).\n"
        "When a request is outside your task, say so and name who can help.",
        kind=AgentKind.CUSTOM,
        capabilities=["chat"],
        model_config={},
    ),
]

KIND_NAMES = {template.kind: template.name for template in TEMPLATES}
"""Kinds of agents as people read them: by the template that makes one."""


async def plant_templates(tx: Tx, _actor: Actor, _event: InstallationSeeded) -> None:
    """Write the platform's templates in the transaction of the first start, once."""
    for template in TEMPLATES:
        row = {**msgspec.structs.asdict(template), "id": new_id(), "kind": str(template.kind)}
        await tx.run(
            """
            insert into agent_templates (id, code, name, description, role_title, instructions, kind, capabilities,
                                         model_config)
            values (%(id)s, %(code)s, %(name)s, %(description)s, %(role_title)s, %(instructions)s, %(kind)s,
                    %(capabilities)s, %(model_config)s)
            on conflict (code) do nothing
            """,
            {**row, "model_config": Jsonb(template.model_config)},
        )


async def find_template(tx: Tx, code: str) -> Persona:
    """Return the persona that the template gives a new agent; an unknown code is refused."""
    found = await tx.find(
        AgentTemplate,
        """
        select code, name, description, role_title, instructions, kind, capabilities, model_config
        from agent_templates where code = %(code)s
        """,
        {"code": code},
    )
    if found is None:
        raise INVALID("There is no such template. `GET /api/v1/agents/templates` lists them.", field="template")
    values = {name: value for name, value in msgspec.structs.asdict(found).items() if name != "code"}
    return Persona(**values)
