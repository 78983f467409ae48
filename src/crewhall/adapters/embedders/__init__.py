"""Embedders: the model that comes with Crewhall, in its own process, or an address that speaks as OpenAI's does."""

from crewhall.adapters.embedders.making import EmbedderSettings, make_embedders

__all__ = ["EmbedderSettings", "make_embedders"]
