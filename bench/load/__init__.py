"""Clients that are cheap enough to share two processors with the server they load."""
