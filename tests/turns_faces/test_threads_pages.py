"""Answers in threads, in a browser, while they are written: in the thread they stand in, and nowhere else."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.openai import Paced, Say
from tests.turns_faces.scene import THINKS, Scene
from tests.web.browser import PHONE, Visitors, connected, message
from tests.web.judging import check

ANSWER = "A heron, most likely."
FIRST = ANSWER[:10]


def streaming(page: Page, within: str) -> Locator:
    """The words that are being written in a part of the page."""
    return page.locator(f"{within} .streaming .content")


def lines(page: Page) -> Locator:
    """The column's lines that lead to threads in which something is written."""
    return page.locator(".stream .writing .elsewhere")


async def ask_in_thread(scene: Scene, root: str, code: str) -> Paced:
    """Ask an agent in the thread of a message; returns what lets it go on."""
    pace = Paced()
    scene.model.play(Say(ANSWER, piece=10, hold=pace))
    await scene.say(f"@{code} what bird is it?", parent_id=root)
    return pace


@pytest.mark.rule("C12")
async def test_an_answer_in_a_thread_is_read_and_stopped_there(visitors: Visitors, scene: Scene):
    root = (await scene.say("A grey one stands in the pond."))["id"]
    phone = await visitors.visit(f"/c/{scene.circle}?thread={root}", scene.org.owner, **PHONE)
    other = await visitors.visit(f"/c/{scene.circle}", scene.member)
    await connected(phone)
    await connected(other)
    pace = await ask_in_thread(scene, root, scene.agent.code)
    await expect(streaming(phone, ".thread")).to_have_text(FIRST)
    await expect(phone.locator(".stream .writing")).to_be_empty()
    stop = phone.locator(".thread").get_by_role("button", name="Stop")
    await expect(stop).to_be_in_viewport()
    await check(phone, "an answer in a thread")
    # Who has not opened the thread is told in a line, and reads it whole once they have.
    await expect(lines(other)).to_have_text("Scout is writing in a thread…")
    await expect(other.locator(".streaming")).to_have_count(0)
    await check(other, "an answer elsewhere")
    await lines(other).get_by_role("link").click()
    await expect(streaming(other, ".thread")).to_have_text(FIRST)
    await expect(lines(other)).to_have_count(0)
    await other.get_by_role("link", name="Close the thread").click()
    await expect(lines(other)).to_have_count(1)
    await expect(other.locator(".streaming")).to_have_count(0)
    # Who comes late is told how much was said before.
    await phone.reload()
    await connected(phone)
    pace.go()
    await expect(streaming(phone, ".thread")).to_have_text(f"… {ANSWER[10:20]}")
    await stop.click()
    await expect(phone.locator(".streaming")).to_have_count(0)
    await expect(lines(other)).to_have_count(0)
    assert (await scene.ended())["status"] == "canceled"
    await expect(message(phone, "was stopped by", ".thread")).to_be_visible()


async def test_two_agents_that_answer_in_two_threads_are_kept_apart(visitors: Visitors, scene: Scene):
    ferry = await scene.server.hire(scene.org, name="Ferry", model_config=THINKS)
    body = {"member_type": "agent", "member_id": ferry.id}
    (await scene.owner.post(f"/conversations/{scene.circle}/members", json=body)).raise_for_status()
    roots = [(await scene.say(text))["id"] for text in ("A grey one.", "A white one.")]
    page = await visitors.visit(f"/c/{scene.circle}?thread={roots[0]}", scene.org.owner)
    await connected(page)
    paces = [await ask_in_thread(scene, roots[0], scene.agent.code)]
    await expect(streaming(page, ".thread")).to_have_text(FIRST)
    paces.append(await ask_in_thread(scene, roots[1], ferry.code))
    await expect(lines(page)).to_have_text("Ferry is writing in a thread…")
    await expect(page.locator(".thread .streaming .author")).to_have_text("Scout")
    await lines(page).get_by_role("link").click()
    await expect(page.locator(".thread .streaming .author")).to_have_text("Ferry")
    await expect(lines(page)).to_have_text("Scout is writing in a thread…")
    paces[0].go(9)
    await expect(message(page, ANSWER)).to_have_count(1)
    await expect(lines(page)).to_have_count(0)
    await expect(streaming(page, ".thread")).to_have_text(FIRST)
    paces[1].go(9)
    await expect(message(page, ANSWER, ".thread")).to_have_count(1)
    await expect(page.locator(".streaming")).to_have_count(0)


@pytest.mark.rule("C12")
async def test_where_one_may_write_again_one_may_stop(visitors: Visitors, scene: Scene):
    place = f"/conversations/{scene.circle}/archive"
    (await scene.owner.put(place)).raise_for_status()
    page = await visitors.visit(f"/c/{scene.circle}", scene.member)
    await connected(page)
    (await scene.owner.delete(place)).raise_for_status()
    await expect(page.locator(".stream crew-composer textarea")).to_be_visible()
    scene.model.play(Say(ANSWER, piece=10, hold=Paced()))
    await scene.say(f"@{scene.agent.code} what bird is it?")
    await expect(streaming(page, ".stream")).to_have_text(FIRST)
    await page.locator(".stream .streaming").get_by_role("button", name="Stop").click()
    await expect(page.locator(".streaming")).to_have_count(0)
    assert (await scene.ended())["status"] == "canceled"
