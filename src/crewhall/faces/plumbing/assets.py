"""Static files: read once, served under an address that changes with their content, and cached for a year.

The hash covers the whole tree, so that files may name each other by relative paths.
"""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from crewhall.faces.plumbing.bundling import Bundle
from crewhall.kernel.errors import NOT_FOUND

ROOT = Path(__file__).parent.parent / "web" / "static"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"
_WORTH_PACKING = 512
_NO_GZIP = re.compile(r"\bgzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)")
WORKER = "/service-worker.js"
ENTRY, SHEET = "js/app.js", "css/hall.css"
"""Every module of ours in one file, in the place of the first; every style sheet in one, in the order of layers."""
LAYERS = (
    "tokens", "base", "components", "layout", "conversation", "files", "turns", "spending", "reading", "searching",
    "wiki", "work", "timeline", "kpis", "utilities",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, packed where that is worth it; its media type and its entity tag."""

    kept: bytes
    is_packed: bool
    media_type: str
    etag: str

    def body(self) -> bytes:
        """Its bytes as they are, for the few who take no packed ones."""
        return gzip.decompress(self.kept) if self.is_packed else self.kept


class Assets:
    """Every file below a folder, by its path relative to it."""

    def __init__(self, root: Path) -> None:
        found = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        modules = {name: body.decode() for name, body in found.items() if name.endswith(".js")}
        found[ENTRY] = Bundle(ENTRY, modules).text.encode()
        found[SHEET] = b"".join(found[f"css/{layer}.css"] for layer in LAYERS)
        whole = hashlib.sha256()
        for name, body in sorted(found.items()):
            whole.update(name.encode() + b"\0" + body)
        self._files = {name: _asset(name, body) for name, body in found.items()}
        self.version = whole.hexdigest()[:12]

    def url(self, name: str) -> str:
        """The address of a file; a name that does not exist is a programming error."""
        if name not in self._files:
            raise LookupError(f"there is no static file {name!r}")
        return f"/static/{self.version}/{name}"

    def find(self, name: str) -> Asset | None:
        """The file, or None."""
        return self._files.get(name)


def _asset(name: str, body: bytes) -> Asset:
    is_packed = len(body) >= _WORTH_PACKING
    kept = gzip.compress(body, 9, mtime=0) if is_packed else body
    media_type = _TYPES.get(PurePosixPath(name).suffix) or mimetypes.guess_type(name)[0] or "text/plain"
    return Asset(kept, is_packed, media_type, f'"{hashlib.sha256(body).hexdigest()[:20]}"')


assets = Assets(ROOT)


@get("/static/{version:str}/{name:path}", include_in_schema=False, sync_to_thread=False)
def serve_asset(request: Request[Any, Any, Any], version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """One static file. An address of another version gets the present file, uncached."""
    return _answer(request, name.lstrip("/"), current=version == assets.version)


@get(WORKER, include_in_schema=False, sync_to_thread=False)
def serve_worker(request: Request[Any, Any, Any]) -> Response[bytes]:
    """What browsers run while no page is open: at the root, so that it speaks for every page, and asked for anew."""
    return _answer(request, WORKER.lstrip("/"), current=False)


def takes_packed(request: Request[Any, Any, Any]) -> bool:
    """Whether who asks reads gzip: it may say that it does not, by a weight of nought."""
    taken = request.headers.get("accept-encoding", "")
    return "gzip" in taken and not _NO_GZIP.search(taken)


def _answer(request: Request[Any, Any, Any], name: str, *, current: bool) -> Response[bytes]:
    found = assets.find(name)
    if found is None:
        raise NOT_FOUND("There is no such file.")
    headers = {"etag": found.etag, "cache-control": _FOREVER if current else "no-cache", "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == found.etag:
        return Response(b"", status_code=304, headers=headers, media_type=found.media_type)
    if found.is_packed and takes_packed(request):
        headers["content-encoding"] = "gzip"
        return Response(found.kept, headers=headers, media_type=found.media_type)
    return Response(found.body(), headers=headers, media_type=found.media_type)
