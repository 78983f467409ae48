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
    """The consumers of the log that belong to a domain."""
    return [
        *services.part(ConversationParts).consumers,
        services.part(NotificationParts).consumer,
        services.part(WorkParts).consumer,
        services.part(RuntimeParts).consumer,
    ]


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
