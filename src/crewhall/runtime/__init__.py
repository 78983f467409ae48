"""Turns of agents: who may speak, what is decided, what runs. What other packages may use is exported here."""

from crewhall.runtime.catalog import catalog_of
from crewhall.runtime.lifecycle import RuntimeParts, start_runtime
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.triggers import add_trigger
from crewhall.runtime.vocabulary import Cause, RunStatus

__all__ = ["Cause", "RunStatus", "RuntimeParts", "TurnSettings", "add_trigger", "catalog_of", "start_runtime"]
