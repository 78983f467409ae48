"""The HTTP face: routes of every domain, their description, the server."""
