"""Slack exports as Slack packs them, small."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

ADA, BOB, EVE = "U0ADA", "U0BOB", "U0EVE"
FIRST = 1_600_000_000
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000"
    "050001a5f645400000000049454e44ae426082"
)


def person(id: str, name: str, email: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": id, "team_id": "T1", "name": name.lower(), "profile": {"real_name": name, "email": email}, **more}


def channel(id: str, name: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "name": name, "created": FIRST, "members": [], "purpose": {"value": f"About {name}"}, **more}


def said(at: float, user: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "ts": f"{FIRST + at:.6f}", "user": user, "text": text, **more}


def packed(entries: dict[str, Any], **options: Any) -> bytes:
    """A zip file with these entries: JSON where they are no bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in entries.items():
            archive.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return made.getvalue()


def workspace(ada: str, **channels: list[dict[str, Any]]) -> dict[str, Any]:
    """An export in which Ada has this address; `general` and others by name."""
    days = {f"{name}/2020-09-13.json": messages for name, messages in channels.items()}
    return {
        "users.json": [person(ADA, "Ada", ada), person(BOB, "Bob", "bob@elsewhere.example"), person(EVE, "Eve")],
        "channels.json": [channel(f"C{number}", name, members=[ADA, BOB]) for number, name in enumerate(channels, 1)],
        **days,
    }


def written(folder: Path, content: bytes) -> Path:
    path = folder / "export.zip"
    path.write_bytes(content)
    return path
