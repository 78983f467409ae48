"""Conversations over HTTP."""

from crewhall.conversations.http_messages import HANDLERS as MESSAGE_HANDLERS
from crewhall.faces.plumbing.routers import api_router

ROUTERS = [api_router("/conversations", MESSAGE_HANDLERS, tags=["Conversations"])]
