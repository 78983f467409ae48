"""What happened in the company: problems, questions, advice, a review, trust that was raised."""

from tests.support.furnished.company import Company
from tests.support.waiting import until


async def happen(company: Company) -> None:
    """Let it happen; `company.ids` then names an event."""
    mara, priya, scout, ledger = company.org.owner, company.member, company.scout, company.ledger
    general = company.talk.general
    (await mara.api.patch(f"/agents/{scout.id}", json={"trust_score": 68})).raise_for_status()
    events = (
        (ledger, "problem_report", {"text": "The importer's list of Friday has two prices for Huila, 6.90 € and "
         "6.40 €. Invoices to cafés wait until one of them is confirmed.", "severity": "high"}, [str(mara.id)],
         {"supplier": "importer", "lot": "huila"}),
        (scout, "advice_given", {"text": "Take the 6.90 €: the lower price is that of the autumn's lot, which is sold "
         "out."}, [ledger.id], {"lot": "huila"}),
        (priya, "review_requested", {"title": "Label of the spring blend", "text": "Is the origin written as the "
         "cooperative has it?", "url": "https://example.org/labels/spring"}, [scout.id], {}),
        (scout, "review_response", {"title": "Label of the spring blend", "verdict": "changes_requested",
         "text": "It is Bensa, not Bona.", "url": "https://example.org/labels/spring"}, [str(priya.id)], {}),
    )  # fmt: skip
    for who, kind, content, mentions, metadata in events:
        body = {"type": kind, "content": content, "mentions": mentions, "metadata": metadata}
        (await who.api.post("/timeline", json=body)).raise_for_status()
    question = {"content": "Who can cup the Sidama with me on **Thursday** at nine?", "kind": "question"}
    (await priya.api.post(f"/conversations/{general}/messages", json=question)).raise_for_status()

    async def asked() -> str | None:
        found = (await mara.api.get("/timeline", params={"type": "question_asked"})).raise_for_status().json()
        return found["items"][0]["id"] if found["items"] else None

    await until(asked)
    problem = (await mara.api.get("/timeline", params={"type": "problem_report"})).raise_for_status().json()
    company.ids["event_id"] = problem["items"][0]["id"]
