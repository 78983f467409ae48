"""Turns of agents: who may speak, what is decided, what runs. What other packages may use is exported here."""

from crewhall.runtime.asked import (
    Decided,
    Standing,
    find_decision,
    find_reply,
    get_standing,
    withdraw,
    withdraw_put_aside,
    withdraw_run,
)
from crewhall.runtime.catalog import catalog_of
from crewhall.runtime.completions import PREFIX as COMPLETION_PREFIX
from crewhall.runtime.completions import CallersTool, Completion, Earlier, insert_completion
from crewhall.runtime.endings import Ending
from crewhall.runtime.executor import SILENCE
from crewhall.runtime.explanations import describe, explain
from crewhall.runtime.hook_calls import HookDoor
from crewhall.runtime.jobs import count_waiting
from crewhall.runtime.lifecycle import RuntimeParts, start_runtime
from crewhall.runtime.local import find_weights
from crewhall.runtime.outside import OutsideCall, answer_calls, find_called_run, list_open_calls
from crewhall.runtime.runs import access_run
from crewhall.runtime.runtimes import find_runtime
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.triggers import add_trigger
from crewhall.runtime.turn_request import PingWebhook, TurnWebhook, WebhookAnswer
from crewhall.runtime.vocabulary import Cause, Outcome, RunStatus
from crewhall.runtime.waiting import find_waiting

__all__ = [
    "COMPLETION_PREFIX",
    "SILENCE",
    "CallersTool",
    "Cause",
    "Completion",
    "Decided",
    "Earlier",
    "Ending",
    "HookDoor",
    "Outcome",
    "OutsideCall",
    "PingWebhook",
    "RunStatus",
    "RuntimeParts",
    "Standing",
    "TurnSettings",
    "TurnWebhook",
    "WebhookAnswer",
    "access_run",
    "add_trigger",
    "answer_calls",
    "catalog_of",
    "count_waiting",
    "describe",
    "explain",
    "find_called_run",
    "find_decision",
    "find_reply",
    "find_runtime",
    "find_waiting",
    "find_weights",
    "get_standing",
    "insert_completion",
    "list_open_calls",
    "start_runtime",
    "withdraw",
    "withdraw_put_aside",
    "withdraw_run",
]
