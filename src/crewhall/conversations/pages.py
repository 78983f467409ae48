"""Pages of conversations: the stream, what is around it, search."""

from crewhall.conversations import (
    pages_about,
    pages_defaults,
    pages_drafts,
    pages_files,
    pages_idle,
    pages_keeping,
    pages_manage,
    pages_members,
    pages_pins,
    pages_search,
    pages_show,
    pages_styleguide,
)
from crewhall.faces.plumbing.routers import page_router

PAGES = page_router(
    [
        *pages_show.HANDLERS,
        *pages_manage.HANDLERS,
        *pages_about.HANDLERS,
        *pages_members.HANDLERS,
        *pages_idle.HANDLERS,
        *pages_pins.HANDLERS,
        *pages_files.HANDLERS,
        *pages_keeping.HANDLERS,
        *pages_drafts.HANDLERS,
        *pages_search.HANDLERS,
        *pages_defaults.HANDLERS,
        *pages_styleguide.HANDLERS,
    ]
)
