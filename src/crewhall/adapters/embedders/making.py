"""The embedders that the settings ask for."""

import os
from typing import Self

from pydantic import Field, SecretStr, model_validator

from crewhall.adapters.embedders.local import LocalEmbedder
from crewhall.adapters.embedders.openai import OpenAIEmbedder
from crewhall.kernel.addresses import WebAddress
from crewhall.kernel.settings import BAD_SETTING, CrewhallSettings
from crewhall.ports.embedder import DIMENSIONS, Embedder

MOST_THREADS = 4


class EmbedderSettings(CrewhallSettings):
    """Who says what texts mean, for search by meaning."""

    embedder_idle_s: float = Field(
        600, gt=0, le=86_400, description="Seconds without a text after which the built-in embedding model is let go."
    )
    embedder_threads: int = Field(
        0, ge=0, le=64, description="Processors that embed documents at low priority; 0: all but one, at most 4."
    )
    embeddings_url: WebAddress | None = Field(
        None,
        description="Address that speaks as OpenAI's embeddings do (`https://api.openai.com/v1`), in place of the "
        "built-in model.",
    )
    embeddings_model: str = Field(
        "text-embedding-3-small", min_length=1, max_length=200, description="The model that is asked there."
    )
    embeddings_dimension: int = Field(1536, description="Length of its vectors: 384 or 1536.")
    embeddings_tokens: int = Field(
        8000, ge=64, le=1_000_000, description="Tokens that it reads of one text, by estimate; longer ones are cut."
    )
    embeddings_key: SecretStr | None = Field(None, description="Key for that address.")
    embeddings_timeout_s: float = Field(30, gt=0, le=600, description="Longest time for one request to it.")

    @model_validator(mode="after")
    def _check_dimension(self) -> Self:
        if self.embeddings_dimension not in DIMENSIONS:
            raise BAD_SETTING(
                f"CREWHALL_EMBEDDINGS_DIMENSION is one of {', '.join(map(str, DIMENSIONS))}: vectors of no other "
                "length are kept. Choose a model that gives one of these, or that can be asked for one.",
                setting="CREWHALL_EMBEDDINGS_DIMENSION",
            )
        return self


def make_embedders(settings: EmbedderSettings) -> list[Embedder]:
    """The embedder that documents are embedded by, then whatever else can be asked while they still are by another.

    Nothing is started or reached before somebody asks.
    """
    threads = settings.embedder_threads or min(MOST_THREADS, max(1, (os.cpu_count() or 2) - 1))
    local = LocalEmbedder(idle_s=settings.embedder_idle_s, threads=threads)
    if settings.embeddings_url is None:
        return [local]
    key = settings.embeddings_key
    outside = OpenAIEmbedder(
        settings.embeddings_url,
        settings.embeddings_model,
        settings.embeddings_dimension,
        key=key.get_secret_value() if key else None,
        most_tokens=settings.embeddings_tokens,
        timeout_s=settings.embeddings_timeout_s,
    )
    return [outside, local]
