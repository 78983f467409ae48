"""The work of a process that works: what follows from what was said and asked. It ends with its domain's parts."""

from crewhall.conversations import Consumer, ConversationParts
from crewhall.faces.plumbing.services import Services
from crewhall.imports import ImportParts
from crewhall.knowledge import KnowledgeParts
from crewhall.notifications import NotificationParts
from crewhall.runtime import RuntimeParts
from crewhall.work import WorkParts
from crewhall.work.github import GithubParts
from crewhall.work.issues import IssueParts
from crewhall.work.kpis import KpiParts


def consumers_of(services: Services) -> list[Consumer]:
    """The consumers of the log: of several processes one follows, the others stand by."""
    found = [
        *services.part(ConversationParts).consumers,
        services.part(NotificationParts).consumer,
        services.part(KnowledgeParts).consumer,
        services.part(WorkParts).consumer,
        services.part(IssueParts).sent,
        services.part(RuntimeParts).consumer,
    ]
    return [consumer for consumer in found if consumer is not None]


async def begin_work(services: Services) -> None:
    """Begin; the database, the log and the signals must be up."""
    await services.part(ConversationParts).follow()
    services.part(NotificationParts).start()
    services.part(KnowledgeParts).start()
    services.part(WorkParts).start()
    services.part(GithubParts).start()
    services.part(IssueParts).start()
    services.part(KpiParts).start()
    await services.part(RuntimeParts).follow()
    services.part(ImportParts).start()
