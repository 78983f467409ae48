"""A body is JSON: what says to be something else is refused, wherever a body is read."""

import pytest

from tests.identity.hall import Org
from tests.support.server import Server

OTHERS = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", "nonsense"]


@pytest.mark.parametrize("kind", OTHERS)
async def test_what_is_not_json_is_refused(server: Server, org: Org, kind: str) -> None:
    channel = f"/conversations/{await server.channel(org.owner)}"
    for method, path, body in (
        ("POST", "/agents", b'{"name":"Plain"}'),
        ("POST", f"{channel}/messages", b'{"content":"plain"}'),
        ("PATCH", "/me", b'{"name":"Plain"}'),
        ("DELETE", channel, b'{"confirm":"x"}'),
    ):
        refused = await org.owner.api.request(method, path, content=body, headers={"content-type": kind})
        assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_media_type"), (method, path)
    assert (await org.owner.api.get(f"{channel}/messages")).json()["items"] == []
    door = await server.client().post("/auth/login", content=b"{}", headers={"content-type": kind})
    assert door.status_code == 415
    stranger = await server.client().post("/agents", content=b"{}", headers={"content-type": kind})
    assert stranger.status_code == 401, "who calls comes first"


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]
)
async def test_json_is_taken_however_it_is_called(server: Server, org: Org, kind: str) -> None:
    path = f"/conversations/{await server.channel(org.owner)}/messages"
    for number in range(2):
        made = await org.owner.api.post(path, content=b'{"content":"json"}', headers={"content-type": kind})
        assert made.status_code == 201, number
    changed = await org.owner.api.patch("/me", content=b'{"name":"Grace"}', headers={"content-type": kind})
    assert changed.status_code == 200


async def test_where_no_body_is_read_its_type_is_nobodys_concern(server: Server, org: Org) -> None:
    path = f"/conversations/{await server.channel(org.owner)}"
    headers = {"content-type": "text/plain"}
    assert (await org.owner.api.put(f"{path}/archive", headers=headers)).status_code == 200
    assert (await org.owner.api.get(path, headers=headers)).status_code == 200
