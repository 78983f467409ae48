"""Which apps are known: those that somebody lets in, and of all others the newest, so that nobody shuts the door."""

import httpx
import pytest

from crewhall.identity import apps
from tests.apps.asking import App, person_of, registered
from tests.identity.hall import Org
from tests.support.server import Server


async def is_known(server: Server, app: App) -> bool:
    return await apps.known_app(server.db, app.id) is not None


@pytest.mark.rule("X4")
async def test_whoever_registers_many_apps_keeps_no_other_out(
    server: Server, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apps, "MOST_UNUSED", 3)
    async with httpx.AsyncClient(base_url=server.address, timeout=20) as http:
        used = await registered(server, http)
        given = await used.let_in(await person_of(server, org.owner))
        many = [await registered(server, http, client_name=f"Flood {number}") for number in range(4)]
        assert [await is_known(server, one) for one in many] == [False, True, True, True]
        assert (await used.status(given["access_token"])).status_code == 200
        assert (await used.refresh(given["refresh_token"])).status_code == 200


async def test_an_app_that_nobody_ever_let_in_is_known_for_a_day(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.address, timeout=20) as http:
        never, once, fresh = [await registered(server, http) for _ in range(3)]
        async with server.db.transaction(None) as tx:
            await tx.run(
                "update apps set created_at = now() - interval '2 days', used_at = now() - interval '2 days'"
                " where id = any (%(ids)s)",
                {"ids": [never.id, once.id]},
            )
            await tx.run("update apps set created_at = now() - interval '3 days' where id = %(id)s", {"id": once.id})
        await registered(server, http)
        assert [await is_known(server, one) for one in (never, once, fresh)] == [False, True, True]
