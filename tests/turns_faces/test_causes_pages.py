"""Schedules, quick tasks and webhooks in a browser: made, run, paused, as they are looked after."""

from playwright.async_api import expect

from tests.support.openai import Say
from tests.turns_faces.scene import Scene
from tests.turns_faces.test_hooks import called
from tests.web.browser import Visitors
from tests.web.judging import PHONE_DARK, WIDE_LIGHT, check


async def test_what_sets_agents_off_is_looked_after_on_pages(visitors: Visitors, scene: Scene):
    visitors.tolerated = ("422",)
    page = await visitors.visit(f"/agents/{scene.agent.id}", scene.org.owner, **WIDE_LIGHT)
    await page.get_by_role("link", name="New quick task").click()
    await page.get_by_label("On the button").fill("Birds")
    await page.get_by_label("What is asked").fill("Which bird?")
    await page.get_by_role("button", name="Add it").click()
    scene.model.play(Say("A heron."), Say("A heron again."))
    await page.get_by_role("button", name="Run Birds").click()
    stream = page.get_by_role("list", name="Messages").first
    await expect(stream).to_contain_text("A heron.")
    await page.get_by_role("group", name="Quick tasks").get_by_role("button", name="Birds").click()
    await expect(stream).to_contain_text("A heron again.")
    await check(page, "a direct conversation with quick tasks")

    await page.goto(f"/schedules?agent={scene.agent.id}")
    await expect(page.get_by_role("heading", name="No schedules yet")).to_be_visible()
    form = page.get_by_role("region", name="Make a schedule")
    await form.get_by_label("Name").fill("Morning round")
    await form.get_by_label("What it is to do").fill("Which plant?")
    await form.get_by_label("When").fill("0 9 * *")
    await form.get_by_role("button", name="Make the schedule").click()
    await expect(page.locator(".error")).to_contain_text("five fields")
    await form.get_by_label("When").fill("0 9 * * 1-5")
    await form.get_by_role("button", name="Make the schedule").click()
    await expect(page.get_by_role("list", name="Its next moments").locator("time")).to_have_count(3)
    address = page.url
    scene.model.play(Say("A fern."))
    await page.get_by_role("button", name="Run now").click()
    await expect(stream).to_contain_text("A fern.")
    await page.goto(address)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("Somebody paused it.")).to_be_visible()
    await check(page, "a paused schedule")

    await page.goto("/hooks")
    await expect(page.get_by_role("heading", name="No webhooks yet")).to_be_visible()
    await page.get_by_label("In", exact=True).select_option(scene.circle)
    await page.get_by_role("textbox", name="Name").fill("Builds")
    await page.get_by_role("button", name="Make the webhook").click()
    secret = await page.get_by_label("Secret of the webhook", exact=True).input_value()
    url = await page.get_by_label("Address of the webhook", exact=True).input_value()
    await called(scene, {"url": url, "secret": secret}, b'{"content": "It failed."}')
    hook = url.rpartition("/")[2]
    await page.goto(f"/c/{scene.circle}")
    await expect(page.locator(".message", has_text="It failed.").locator(".head")).to_contain_text("webhook")
    phone = await visitors.visit(f"/hooks/{hook}", scene.org.owner, **PHONE_DARK)
    await expect(phone.get_by_role("region", name="Last calls").first).to_contain_text("taken")
    await expect(phone.get_by_label("Secret of the webhook")).to_have_count(0)
    await check(phone, "a webhook")
    await phone.goto(f"/agents/{scene.agent.id}")
    await expect(phone.locator("#causes .row a.title").first).to_be_visible()
    await check(phone, "an agent with a quick task and a schedule")


async def test_when_a_schedule_comes_is_said_in_words_while_one_types(visitors: Visitors, scene: Scene):
    page = await visitors.visit(f"/schedules?agent={scene.agent.id}", scene.org.owner)
    form = page.get_by_role("region", name="Make a schedule")
    words = form.locator("[data-words]")
    await form.get_by_role("button", name="Fridays at 17:00").click()
    await expect(form.get_by_label("When")).to_have_value("0 17 * * 5")
    await expect(words).to_contain_text("At 17:00 on Friday (UTC). Next: ")
    await expect(words.locator("time")).to_have_count(3)
    await expect(words).not_to_contain_text("your clock")
    await form.get_by_label("By the clock of").fill("Asia/Tokyo")
    await expect(words).to_contain_text("by your clock (UTC)")
    await form.get_by_label("When").fill("0 0 30 2 *")
    await expect(words).to_have_text("No day of the calendar is named by this.")
    await form.get_by_label("When").fill("0 9 * *")
    await expect(words).to_contain_text("five fields")
    await form.get_by_label("When").fill("0 9 * * 1")
    await form.get_by_label("By the clock of").fill("Mars/Base")
    await expect(words).to_contain_text("Mars/Base")
    await expect(words.locator("time")).to_have_count(0)
