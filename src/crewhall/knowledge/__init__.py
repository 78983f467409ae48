"""Knowledge: documents made searchable, what agents and people look up in them, and the wiki."""

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
