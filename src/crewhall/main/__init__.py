"""The composition root: nothing else composes. `serve` runs a process in the foreground until a signal."""

from crewhall.main.hall import Hall, open_hall
from crewhall.main.serving import check_settings, serve

__all__ = ["Hall", "check_settings", "open_hall", "serve"]
