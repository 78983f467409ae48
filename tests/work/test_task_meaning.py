"""Tasks by meaning: within reach, as they read now, embedded behind their change and once."""

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from msgspec import structs

from crewhall.kernel.actor import Actor, ActorType
from crewhall.knowledge import KnowledgeSearch
from crewhall.knowledge.embedding_worker import EmbeddingWorker
from crewhall.knowledge.schemas_search import FindingKind, Searched
from crewhall.knowledge.task_meaning import CHANNEL, TaskBatches
from crewhall.ports.embedder import WordEmbedder
from tests.identity.hall import Org
from tests.knowledge.meaning import Moody
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.work.ground import begun, changed, done, wrote

DUE = "Our supplier wants to be paid within thirty days of each delivery"
CAKE = "Somebody left half a lemon cake on the kitchen counter this morning"
ASKED = "telescope elephants parliament mountains orchestra dinosaurs hurricanes volcanoes paid each days within"
"""Near DUE by its short words; search by words asks for the eight longest, which nobody has written."""
TASKS = Searched(kinds=(FindingKind.TASK,))


class Meaning:
    """A worker of a test's own over a server's database, of one organization's tasks; and a search by its model."""

    def __init__(self, server: Server, url: str, embedder: WordEmbedder | None = None) -> None:
        self.embedder: Any = embedder or WordEmbedder()
        self.batches = TaskBatches(server.db, self.embedder.model)
        self.worker = EmbeddingWorker("tasks", server.services.signals, CHANNEL, self.embedder, self.batches)
        self.worker._is_begun = True
        self.search = KnowledgeSearch(server.db, [self.embedder])
        self._url = url

    def sql(self, statement: str) -> list[Any]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return [row[0] for row in found] if found.description else []

    def leave_only(self, *orgs: Org) -> None:
        """What other tests wrote is embedded by nobody here."""
        ids = ", ".join(f"'{one.id}'" for one in orgs)
        self.sql(f"delete from unembedded_tasks where org_id not in ({ids})")

    async def found(self, who: Any, q: str = ASKED, **more: Any) -> list[str]:
        found = await self.search.search(getattr(who, "actor", who), q, Searched(kinds=(FindingKind.TASK,), **more))
        return [one.title for one in found.found]


@pytest.fixture
def meaning(server: Server, org: Org, other_org: Org, cluster: SharedCluster, worker_id: str) -> Meaning:
    made = Meaning(server, cluster.superuser(f"server_{worker_id}"))
    made.leave_only(org, other_org)
    return made


@pytest.mark.rule("X6")
async def test_a_task_is_found_by_what_it_means_and_as_it_reads_now(meaning: Meaning, org: Org):
    project = await begun(org.owner)
    task = await wrote(org.owner, project, "Look at the terms", description=DUE)
    await wrote(org.owner, project, "Tidy up", description=CAKE)
    await wrote(org.owner, project, "Tidy")
    assert await meaning.found(org.owner) == [], "nobody wrote these words, and nothing is embedded yet"
    await meaning.worker.look()
    assert sorted(meaning.embedder.asked[1:]) == sorted([f"Look at the terms\n{DUE}", f"Tidy up\n{CAKE}"])
    assert (await meaning.found(org.owner))[0] == "Look at the terms"
    found = await meaning.search.search(org.owner.actor, ASKED, TASKS)
    assert found.by_meaning
    assert found.found[0].likeness is not None
    assert found.found[0].likeness > 0.2
    assert await meaning.found(org.owner, until=task_moment(task)) == []
    await changed(org.owner, task, description=CAKE)
    assert await meaning.found(org.owner) == ["Tidy up"], "the former text is compared no more at once"
    count = len(meaning.embedder.asked)
    await meaning.worker.look()
    await meaning.worker.look()
    assert meaning.embedder.asked[count:] == [f"Look at the terms\n{CAKE}"], "a change embeds once"
    await changed(org.owner, task, priority="P1", labels=["terms"])
    await meaning.worker.look()
    assert len(meaning.embedder.asked) == count + 1, "what says nothing else embeds nothing"
    assert len(await meaning.found(org.owner)) == 2
    done(await org.owner.api.delete(f"/tasks/{task['id']}"))
    assert await meaning.found(org.owner) == ["Tidy up"]
    assert meaning.sql(f"select 1 from task_embeddings_384 where task_id = '{task['id']}'") == []
    done(await org.owner.api.post(f"/tasks/{task['id']}/restore"))
    await meaning.worker.look()
    assert len(await meaning.found(org.owner)) == 2


@pytest.mark.rule("X6", "B1")
async def test_nobody_finds_what_is_out_of_reach_by_meaning(meaning: Meaning, server: Server, org: Org, other_org: Org):
    here, there = await begun(org.owner, "Here"), await begun(org.owner, "There")
    await wrote(org.owner, here, "Here", description=DUE)
    await wrote(other_org.owner, await begun(other_org.owner), "Theirs", description=DUE)
    worker = await server.hire(org, level="project", project_id=there["id"])
    everywhere = await server.hire(org)
    await meaning.worker.look()
    assert await meaning.found(await org.add()) == await meaning.found(org.owner) == ["Here"]
    assert await meaning.found(other_org.owner) == ["Theirs"]
    bound = Actor(ActorType.AGENT, UUID(worker.id), org.id, name="Bound")
    free = Actor(ActorType.AGENT, UUID(everywhere.id), org.id, name="Free")
    assert await meaning.found(bound) == []
    assert await meaning.found(free) == ["Here"]
    assert await meaning.found(structs.replace(free, behalf=(bound,))) == [], "it acts for who may not see it"
    assert await meaning.found(structs.replace(free, behalf=(org.owner.actor,))) == ["Here"]
    done(await org.owner.api.delete(f"/projects/{here['id']}", params={"confirm": "here"}))
    assert await meaning.found(org.owner) == []
    async with server.db.transaction(other_org.owner.actor) as tx:
        assert len(await tx.values("select task_id from task_embeddings_384")) == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await tx.run("delete from task_embeddings_384")


@pytest.mark.rule("X1")
async def test_what_changes_while_it_is_embedded_is_embedded_as_it_reads_then(meaning: Meaning, org: Org):
    project = await begun(org.owner)
    task = await wrote(org.owner, project, "Look at the terms", description=DUE)
    (taken,) = await meaning.batches.take()
    assert (taken.id, await meaning.batches.take()) == (UUID(task["id"]), []), "each is taken by one"
    await changed(org.owner, task, description=CAKE)
    await meaning.batches.keep([taken], [[1.0] + [0.0] * 383])
    assert await meaning.found(org.owner) == [], "a vector of a former text is not kept"
    (again,) = await meaning.batches.take()
    assert again.body.endswith(CAKE)
    await meaning.batches.leave([again])
    (once_more,) = await meaning.batches.take()
    await meaning.batches.keep([again], [[1.0] + [0.0] * 383])
    assert await meaning.found(org.owner) == [], "who gave it back writes no more"
    done(await org.owner.api.delete(f"/tasks/{task['id']}"))
    await meaning.batches.keep([once_more], [[1.0] + [0.0] * 383])
    assert meaning.sql(f"select 1 from task_embeddings_384 where task_id = '{task['id']}'") == []


async def test_a_text_that_the_model_refuses_holds_nothing_up(
    server: Server, org: Org, other_org: Org, cluster: SharedCluster, worker_id: str
):
    moody = Moody()
    moody.refused = "lemon"
    meaning = Meaning(server, cluster.superuser(f"server_{worker_id}"), moody)
    meaning.leave_only(org)
    project = await begun(org.owner)
    await wrote(org.owner, project, "Cake", description=CAKE)
    await wrote(org.owner, project, "Terms", description=DUE)
    assert await meaning.worker.look() is None, "nothing is left to do"
    assert await meaning.found(org.owner) == ["Terms"]


async def test_another_model_embeds_what_it_has_not(
    meaning: Meaning, server: Server, org: Org, other_org: Org, cluster: SharedCluster, worker_id: str
):
    project = await begun(org.owner)
    await wrote(org.owner, project, "Terms", description=DUE)
    await meaning.worker.look()
    wide = Meaning(server, cluster.superuser(f"server_{worker_id}"), WordEmbedder("wide", 1536))
    assert await wide.found(org.owner) == []
    await wide.batches.begin()
    wide.leave_only(org)
    await wide.worker.look()
    assert (await wide.found(org.owner), await meaning.found(org.owner)) == (["Terms"], [])
    await wide.batches.begin()
    wide.leave_only(org)
    assert wide.sql("select 1 from unembedded_tasks") == [], "what it has it leaves alone"


def task_moment(task: dict[str, Any]) -> datetime:
    """When a task was written."""
    return datetime.fromisoformat(task["created_at"])
