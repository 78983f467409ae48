"""What every page must be: usable by everybody (axe finds nothing serious), at every width, in dark and light."""

from typing import Any

from axe_core_python.base import AXE_SCRIPT
from playwright.async_api import Page

from tests.web.browser import PHONE

SERIOUS = {"serious", "critical"}
WIDE_LIGHT: dict[str, Any] = {"color_scheme": "light", "viewport": {"width": 1440, "height": 900}}
PHONE_DARK: dict[str, Any] = {"color_scheme": "dark", **PHONE}
FIND = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map(({ id, impact, nodes }) => ({ id, impact, html: nodes[0].html.slice(0, 200) }));
}"""


async def check(page: Page, path: str) -> None:
    """Nothing serious for assistive technology, nothing to scroll sideways."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    found: list[dict[str, str]] = await page.evaluate(FIND)
    problems = [(violation["id"], violation["html"]) for violation in found if violation["impact"] in SERIOUS]
    assert problems == [], path
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{path} scrolls sideways"
