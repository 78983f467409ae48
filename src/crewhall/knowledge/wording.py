"""What the embedding model is told of a chunk."""

from collections.abc import Sequence

MOST_CONTEXT = 200


def embedded_text(title: str | None, heading: Sequence[str], content: str) -> str:
    """The text whose meaning stands for a chunk: where it stands, then itself.

    The model reads little: of where it stands no more than fits in a line or two, the nearest headings first.
    """
    above: list[str] = []
    for one in [*reversed(heading), *([title] if title else [])]:
        if one not in above and sum(map(len, above)) + len(one) <= MOST_CONTEXT:
            above.insert(0, one)
    return f"{' > '.join(above)}\n{content}" if above else content
