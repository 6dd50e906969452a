"""Every page for every hand and eye: axe-core finds nothing serious, and the keyboard goes everywhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site
from tests.browser.desk import SLOW_MS, Desk

pytestmark = [pytest.mark.browser, pytest.mark.model]

RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


def serious(page: Page) -> list[str]:
    """What axe-core finds that a writer would stumble over, with the elements."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@pytest.fixture(params=[("light", 1280), ("dark", 390)], ids=["wide-light", "phone-dark"])
def seen(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Desk]:
    """A writer's page, in either light and at either width."""
    scheme, width = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme=scheme,
        reduced_motion="reduce",
        bypass_csp=True,  # for axe-core, which is put into the page
    )
    yield Desk(context.new_page(), site.address).open()
    context.close()


def test_what_is_wrong_would_be_found(seen: Desk) -> None:
    seen.page.evaluate("document.querySelector('#versions-button').replaceChildren()")
    seen.page.locator("#versions-button").evaluate("button => button.removeAttribute('title')")

    assert any(found.startswith("button-name") for found in serious(seen.page))


def test_nothing_serious_on_the_writing_page(seen: Desk) -> None:
    assert serious(seen.page) == []
    seen.put("Ada ran along the shore. The tide ran after her.")
    seen.page.get_by_label("Title", exact=True).fill("The tide")
    seen.open_settings()
    assert serious(seen.page) == []
    seen.page.keyboard.press("Escape")
    expect(seen.page.locator("#versions-button")).to_have_attribute("aria-disabled", "false")
    seen.page.locator("#versions-button").click()
    expect(seen.page.locator("#versions-state")).not_to_have_text("Reading the versions…")
    assert serious(seen.page) == []


def test_nothing_serious_where_takes_are(seen: Desk) -> None:
    seen.put("Ada ran along the shore. The tide ran after her.")
    expect(seen.page.locator("#versions-button")).to_have_attribute("aria-disabled", "false")
    seen.select("tide")
    seen.button("More ways").click()
    seen.button("Another register").click()
    seen.page.get_by_role("radio", name="2").check()
    assert serious(seen.page) == []
    seen.page.keyboard.press("Alt+w")
    expect(seen.page.locator(".word-choice").first).to_be_visible(timeout=SLOW_MS)
    assert serious(seen.page) == []
    seen.page.keyboard.press("Escape")
    seen.rewrite("The tide ran after her.")
    seen.button("Compare", seen.suggestion).click()
    assert serious(seen.page) == []
    seen.button("Side by side", seen.suggestion).click()
    expect(seen.page.locator("#takes-stop")).to_be_hidden(timeout=SLOW_MS)
    assert serious(seen.page) == []
    seen.button("Mix", seen.sheet).click()
    assert serious(seen.page) == []
    seen.page.keyboard.press("Escape")
    seen.button("Keep for later", seen.suggestion).click()
    dialogs = {"Takes of this story": ".version-row", "Keys": "#all-keys", "Summary": "#summary-copy"}
    for name, there in dialogs.items():
        seen.choose(name)
        expect(seen.page.locator(there).first).to_be_visible(timeout=SLOW_MS)
        assert serious(seen.page) == []
        seen.page.keyboard.press("Escape")


def test_nothing_serious_on_the_library_page(seen: Desk, site: Site) -> None:
    seen.put("Ada ran along the shore. The tide ran after her.")
    expect(seen.page.locator("#versions-button")).to_have_attribute("aria-disabled", "false")
    seen.page.goto(f"{site.origin}/library")
    expect(seen.page.locator("#shelf > li").first).to_be_visible()
    seen.page.locator("#shelf summary").first.click()
    seen.page.get_by_label("Search titles and words").fill("shore")
    expect(seen.page.locator("mark").first).to_be_visible()
    assert serious(seen.page) == []
    seen.page.get_by_role("button", name="Tags:").first.click()
    assert serious(seen.page) == []
    seen.page.keyboard.press("Escape")
    seen.page.goto(f"{site.origin}/library#trash")
    expect(seen.page.locator("#standing")).to_contain_text("trash")
    assert serious(seen.page) == []


def test_nothing_serious_on_the_learned_page(seen: Desk, site: Site) -> None:
    seen.page.goto(f"{site.origin}/learned")
    expect(seen.page.locator("#learned")).to_have_attribute("aria-busy", "false")
    assert serious(seen.page) == []


def small(page: Page) -> list[str]:
    """What can be pressed and is smaller than a fingertip. A box that is ticked is as large as its label."""
    found: list[str] = page.evaluate(
        """() => {
          const within = document.querySelector("dialog[open]:modal") ?? document.body;
          const isSeen = (e) => e.checkVisibility({visibilityProperty: true});
          return [...within.querySelectorAll("a[href], button, summary, select, input, textarea")]
            .filter((e) => isSeen(e) && !e.closest("[inert], .unseen"))
            .map((e) => [e.outerHTML.slice(0, 90), (e.closest("label") ?? e).getBoundingClientRect()])
            .filter(([, {width, height}]) => width > 1 && Math.min(width, height) < 43.9)
            .map(([html, {width, height}]) => `${html} ${width}x${height}`);
        }"""
    )
    return found


@pytest.mark.parametrize("width", [390, 1180])
def test_everything_is_large_enough_for_a_finger(browser: Browser, site: Site, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    page = context.new_page()
    desk = Desk(page, site.address).open()
    page.locator("#undo").evaluate("button => button.style.minWidth = '2rem'")
    assert len(small(page)) == 1, "what is too small would be found"
    page.locator("#undo").evaluate("button => button.style.minWidth = ''")
    desk.fill_settings(names="Ada, Bo", keywords="moon", max_words=300)
    assert small(page) == []
    desk.button("Close settings").tap()
    desk.put("Ada ran along the shore. The tide ran after her.")
    expect(desk.button("Continue")).to_be_visible()
    assert small(page) == []
    for name in ("#story-menu-button", "#model-button", "#versions-button", "#not-for-me"):
        page.locator(name).tap()
        assert small(page) == [], name
        page.keyboard.press("Escape")
    for name in ("Takes of this story", "Keys"):
        desk.choose(name)
        assert small(page) == [], name
        page.keyboard.press("Escape")
    desk.select("tide")
    desk.button("More ways").tap()
    desk.button("Another register").tap()
    assert small(page) == []
    page.goto(f"{site.origin}/library")
    page.locator("#shelf summary").first.tap()
    assert small(page) == []
    page.get_by_role("button", name="Tags:").first.tap()
    page.get_by_role("textbox", name="Tags").fill("sea")
    page.get_by_role("button", name="Save", exact=True).tap()
    expect(page.locator(".tag").first).to_be_visible()
    assert small(page) == []
    for other in ("choices", "learned"):
        page.goto(f"{site.origin}/{other}")
        expect(page.locator(f"#{other}")).to_have_attribute("aria-busy", "false")
        assert small(page) == [], other
    context.close()
