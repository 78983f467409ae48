"""Embeddings of any address that speaks as OpenAI's does: `POST {url}/embeddings`."""

import asyncio
import logging
import math
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import time
from typing import TYPE_CHECKING

import msgspec

from crewhall.kernel.errors import UNAVAILABLE
from crewhall.ports.embedder import TEXT_REFUSED, EmbeddingModel, Vector, check_texts

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)
BATCH = 64
AT_ONCE = 2
TRIES = 5
MOST_WAIT_S = 60.0
CHARACTERS_PER_TOKEN = 3
"""By estimate, on the safe side: services refuse what is too long."""
REFUSED = frozenset({400, 413, 422})
"""It is what was sent, not who or when."""
PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class _Embedded(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Embedded]


class OpenAIEmbedder:
    """A model behind an address. Queries do not wait for the batches of documents."""

    def __init__(
        self,
        url: str,
        model: str,
        dimension: int,
        *,
        key: str | None = None,
        most_tokens: int = 8000,
        timeout_s: float = 30,
        wait_s: float = 1.0,
    ) -> None:
        self._url = f"{url.rstrip('/')}/embeddings"
        self._key = key
        self._model = EmbeddingModel(model, dimension, most_tokens)
        self._timeout_s = timeout_s
        self._wait_s = wait_s
        self._room = asyncio.Semaphore(AT_ONCE)
        self._http: httpx.AsyncClient | None = None

    @property
    def model(self) -> EmbeddingModel:
        """See Embedder."""
        return self._model

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """See Embedder. Tries again what may pass, as late as the service asks for."""
        cut = self._cut(texts)
        vectors: list[Vector] = []
        for at in range(0, len(cut), BATCH):
            async with self._room:
                vectors += await self._ask(cut[at : at + BATCH], TRIES)
        return vectors

    async def embed_query(self, text: str) -> Vector:
        """See Embedder. Somebody waits: asked again once, at once."""
        return (await self._ask(self._cut([text]), 2, most_wait_s=0))[0]

    async def close(self) -> None:
        """See Embedder."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    def _cut(self, texts: Sequence[str]) -> list[str]:
        most = self._model.most_tokens * CHARACTERS_PER_TOKEN
        return [text[:most] for text in check_texts(texts)]

    async def _ask(self, texts: list[str], tries: int, *, most_wait_s: float = MOST_WAIT_S) -> list[Vector]:
        import httpx

        problem = "it gave no answer"
        for attempt in range(tries):
            wait_s = self._wait_s * 2**attempt
            try:
                answer = await self._post(texts)
            except httpx.HTTPError as error:
                problem = f"it cannot be reached ({type(error).__name__})"
            else:
                if answer.status_code == HTTPStatus.OK:
                    return self._vectors(answer.content, len(texts))
                problem = f"it answered {answer.status_code}: {answer.text[:200].strip()}"
                if answer.status_code in REFUSED:
                    raise TEXT_REFUSED(f"The embedding model {self._model.name} refuses a text: {problem}.")
                if answer.status_code not in PASSING:
                    break
                wait_s = asked_wait(answer.headers.get("retry-after"), wait_s)
            if attempt + 1 < tries:
                await asyncio.sleep(min(wait_s, most_wait_s))
        log.warning("embeddings were refused", extra={"reason": problem})
        raise UNAVAILABLE(f"The embedding model {self._model.name} cannot be asked now: {problem}.")

    async def _post(self, texts: list[str]) -> "httpx.Response":
        import httpx

        if self._http is None:
            headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
            self._http = httpx.AsyncClient(timeout=self._timeout_s, headers=headers)
        asked: dict[str, object] = {"model": self._model.name, "input": texts, "encoding_format": "float"}
        if "text-embedding-3" in self._model.name:  # the only ones that can be asked for a length
            asked["dimensions"] = self._model.dimension
        return await self._http.post(self._url, json=asked)

    def _vectors(self, body: bytes, count: int) -> list[Vector]:
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except msgspec.DecodeError as error:
            raise UNAVAILABLE(f"The embedding model {self._model.name} answers in no form that is known.") from error
        found = [one.embedding for one in sorted(answer.data, key=lambda one: one.index)]
        if len(found) != count:
            raise UNAVAILABLE(f"The embedding model {self._model.name} gave {len(found)} vectors for {count} texts.")
        if wrong := next((one for one in found if len(one) != self._model.dimension), None):
            raise UNAVAILABLE(
                f"The embedding model {self._model.name} gives vectors of length {len(wrong)}, and "
                f"CREWHALL_EMBEDDINGS_DIMENSION says {self._model.dimension}. Set what it gives."
            )
        return [unit(one) for one in found]


def unit(vector: Vector) -> Vector:
    """The vector of length 1 in the same direction."""
    length = math.hypot(*vector) or 1.0
    return [one / length for one in vector]


def asked_wait(said: str | None, otherwise: float) -> float:
    """How many seconds a Retry-After asks for: a number, or a date."""
    if said is None:
        return otherwise
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time())
    except (TypeError, ValueError):
        return otherwise
