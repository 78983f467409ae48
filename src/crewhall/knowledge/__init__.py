"""Knowledge: documents made searchable, what agents and people look up in them, and the wiki.

What other parts use is imported with its first use: the process that reads a document starts for each of them, and
needs nothing of the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crewhall.knowledge.documents import access_document, list_documents
    from crewhall.knowledge.extraction_settings import ExtractionSettings
    from crewhall.knowledge.finding import QUOTED_FROM, LibraryKnowledge
    from crewhall.knowledge.lent import LENT, note_citations
    from crewhall.knowledge.lifecycle import KnowledgeParts, start_knowledge
    from crewhall.knowledge.search import KnowledgeSearch
    from crewhall.knowledge.settings import KnowledgeSettings
    from crewhall.knowledge.sources.settings import SourceSettings

__all__ = [
    "LENT",
    "QUOTED_FROM",
    "ExtractionSettings",
    "KnowledgeParts",
    "KnowledgeSearch",
    "KnowledgeSettings",
    "LibraryKnowledge",
    "SourceSettings",
    "access_document",
    "list_documents",
    "note_citations",
    "start_knowledge",
]
_MODULES = {
    "LENT": "lent",
    "QUOTED_FROM": "finding",
    "ExtractionSettings": "extraction_settings",
    "KnowledgeParts": "lifecycle",
    "KnowledgeSearch": "search",
    "KnowledgeSettings": "settings",
    "LibraryKnowledge": "finding",
    "SourceSettings": "sources.settings",
    "access_document": "documents",
    "list_documents": "documents",
    "note_citations": "lent",
    "start_knowledge": "lifecycle",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
