"""A machine that slept: its socket is dead without having closed, and nothing is lost or shown twice."""

import pytest
from playwright.async_api import WebSocketRoute, expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors, connected, message, write


@pytest.mark.rule("X2")
async def test_a_socket_that_died_in_sleep_is_left_on_waking(visitors: Visitors, server: Server, org: Org):
    where = await server.general(org)
    context = await visitors.context(org.owner, once=True)
    page = await context.new_page()
    asleep, sockets = False, 0

    def through(route: WebSocketRoute) -> None:
        nonlocal sockets
        sockets += 1
        mine, upstream = sockets, route.connect_to_server()
        dead = lambda: asleep and mine == 1  # noqa: E731 - the first socket dies, and nobody is told
        route.on_message(lambda text: None if dead() else upstream.send(text))
        upstream.on_message(lambda text: None if dead() else route.send(text))

    await page.route_web_socket("**/api/v1/live", through)
    await page.clock.install()
    await page.goto(f"/c/{where}")
    await connected(page)
    await write(page, "before")
    await expect(message(page, "before")).to_have_attribute("data-status", "sent")
    asleep = True
    for text in ("meanwhile one", "meanwhile two"):
        body = {"content": text}
        (await org.owner.api.post(f"/conversations/{where}/messages", json=body)).raise_for_status()
    await page.clock.fast_forward("00:20")
    await page.evaluate("window.dispatchEvent(new Event('focus'))")
    await page.clock.fast_forward("00:04")
    await page.clock.run_for(2000)
    await expect(message(page, "meanwhile two")).to_be_visible()
    shown = [text.strip() for text in await page.locator(".stream .message .content").all_inner_texts()]
    assert shown == ["before", "meanwhile one", "meanwhile two"]
    assert sockets == 2
