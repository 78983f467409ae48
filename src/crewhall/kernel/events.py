"""Past-tense facts within one process and one transaction: a domain reacts to another by subscribing to its events.

Handlers run in the publisher's transaction, in the order of subscription: either everything happens or nothing.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx

E = TypeVar("E")
Handler = Callable[[Tx, Actor, Any], Awaitable[None]]

_handlers: dict[type, list[Handler]] = defaultdict(list)


def subscribe(event: type[E], handler: Callable[[Tx, Actor, E], Awaitable[None]]) -> None:
    """Call the handler for each event of this type; subscribing the same handler twice changes nothing."""
    if handler not in _handlers[event]:
        _handlers[event].append(handler)


async def publish(tx: Tx, actor: Actor, event: object) -> None:
    """Tell every subscriber, within the transaction."""
    for handler in _handlers[type(event)]:
        await handler(tx, actor, event)
