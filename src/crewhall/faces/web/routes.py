"""Every page: the static files and the pages of each domain, in the order in which they are tried."""

from crewhall.faces.plumbing.assets import serve_asset

PAGES = [serve_asset]
