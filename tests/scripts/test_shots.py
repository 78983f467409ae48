"""The pictures of the pages: each page has one, each is shown, and together they stay small."""

import re

from crewhall.runtime.handbook import pages
from tests.architecture.source import ROOT
from tests.support.furnished.places import ON_A_PHONE, picture_of, routes

IMAGES = ROOT / "docs" / "images"
SHOWN = re.compile(r"!\[[^\]]+\]\(images/([^)]+)\)")
MOST_BYTES = 4_500_000


def test_every_page_has_a_picture_that_the_docs_show():
    """Missing? `make shots ARGS=<a word of its name>` takes it; then name it in docs/pages.md."""
    shown = set(SHOWN.findall((ROOT / "docs" / "pages.md").read_text()))
    wide = {f"{picture_of(route)}.webp" for route in routes()}
    assert shown == wide | {f"{picture_of(route)}-phone.webp" for route in ON_A_PHONE}
    assert {path.name for path in IMAGES.iterdir()} == shown
    assert sum(path.stat().st_size for path in IMAGES.iterdir()) < MOST_BYTES


def test_the_handbook_in_the_product_leaves_the_pictures_out():
    text = pages()["pages"].text
    assert "`/inbox`" in text
    assert "images/" not in text
    assert "![" not in text
