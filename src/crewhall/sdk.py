"""The client library under its short name: `from crewhall.sdk import Agent, Client`."""

from crewhall.faces import sdk as _sdk
from crewhall.faces.sdk import *  # noqa: F403 - the same names, listed in one place

__all__ = _sdk.__all__
