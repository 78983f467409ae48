"""What agents are given to know: passages of files, sources and the wiki that have to do with what is asked."""

import re

from crewhall.knowledge.schemas_search import MAX_QUESTION_LENGTH, Finding, FindingKind, Searched
from crewhall.knowledge.search import KnowledgeSearch
from crewhall.ports.knowledge import Passage, Question

KINDS = (FindingKind.FILE, FindingKind.SOURCE, FindingKind.WIKI)
LOOKED_AT = 20
"""So many of the best are judged: what fits is not always what stands first."""
WORDS_WEIGH = 0.5
GIVEN_FROM = 0.6
"""From here on a passage is given to an agent whose model judges for itself whether it helps."""
QUOTED_FROM = 0.85
"""From here on it is taken for an answer. How the three were chosen: docs/knowledge.md."""
_OPERATORS = re.compile(r'["“”„:]|(?:^|(?<=\s))-+(?=\S)')


class LibraryKnowledge:
    """Knows what its asker may read. Nothing is found where nothing fits well enough."""

    def __init__(self, search: KnowledgeSearch, base_url: str) -> None:
        self._search = search
        self._base_url = base_url

    async def find(self, question: Question, most: int) -> list[Passage]:
        """See Knowledge."""
        asked = as_words(question.text)
        if not asked or most < 1:
            return []
        found = await self._search.search(question.asker, asked, Searched(kinds=KINDS), limit=LOOKED_AT)
        fits = {one.id: fit_of(one, by_meaning=found.by_meaning) for one in found.found}
        fitting = sorted((one for one in found.found if fits[one.id] >= GIVEN_FROM), key=lambda one: -fits[one.id])
        return [
            Passage(
                id=str(one.id),
                title=f"{one.title}, {one.where}" if one.where else one.title,
                url=self._base_url + one.url,
                text=one.text,
                score=round(fits[one.id], 3),
                document_id=one.document_id,
            )
            for one in fitting[:most]
        ]


def as_words(text: str) -> str:
    """What is asked, as words alone: what people write to one another holds no operators of search."""
    plain = " ".join(_OPERATORS.sub(" ", text.replace("\0", " ")).split())
    return re.sub(r"\s(?:or|OR)\s", " ", plain)[:MAX_QUESTION_LENGTH].strip()


def fit_of(finding: Finding, *, by_meaning: bool = True) -> float:
    """How well a passage fits a question: how near it is in meaning, and what share of the question's words it holds.

    Where meanings cannot be compared it goes by words alone.
    """
    words = finding.words or 0.0
    return (finding.likeness or 0.0) + WORDS_WEIGH * words if by_meaning else words
