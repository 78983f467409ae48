"""The example payloads that GitHub's own client library publishes (README.md says whence)."""

import lzma
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from crewhall.work.github.items import Item
from crewhall.work.github.payloads import read_payload


class Example(msgspec.Struct, frozen=True):
    event: str
    payload: dict[str, Any]

    @property
    def body(self) -> bytes:
        return msgspec.json.encode(self.payload)


@cache
def examples() -> list[Example]:
    packed = Path(__file__).with_name("octokit-webhooks-examples.jsonl.xz").read_bytes()
    return msgspec.json.decode(b"[" + b",".join(lzma.decompress(packed).splitlines()) + b"]", type=list[Example])


def told_by(example: Example) -> list[Item]:
    return read_payload(example.event, example.body).items
