"""How the page behaves to the eye and the hand: no jumps, no sideways scrolling, nothing unnamed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site
from tests.browser.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.model]

LONG = "\n\n".join(
    f"{number}. Ada ran along the shore, and the tide ran after her. " * 4 for number in range(20)
)

TALL = "\n\n".join(["Ada ran."] * 40)
"""Taller than the window, and soon read by the model."""


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_nothing_scrolls_sideways(browser: Browser, site: Site, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 740}, reduced_motion="reduce")
    desk = Desk(context.new_page(), site.address).open()
    desk.put(LONG + " " + "w" * 300)

    assert desk.page.evaluate("document.scrollingElement.scrollWidth") <= width
    desk.open_settings()
    assert desk.page.evaluate("document.scrollingElement.scrollWidth") <= width
    context.close()


def test_the_text_does_not_jump_while_a_story_is_written(desk: Desk) -> None:
    desk.page.evaluate(
        """() => {
          window.shifted = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
          }).observe({type: "layout-shift", buffered: true});
        }"""
    )
    desk.write(max_words=100)

    assert desk.page.evaluate("window.shifted") < 0.01


def test_a_writer_who_scrolled_up_stays_there(desk: Desk) -> None:
    desk.put(TALL)
    desk.fill_settings(max_words=5_000)
    desk.page.keyboard.press("Escape")
    desk.page.evaluate("window.scrollTo(0, 300)")
    continued = desk.button("Continue")
    expect(continued).to_be_visible()
    continued.click()
    desk.page.evaluate("window.scrollTo(0, 300)")
    desk.until_begun(words=len(TALL.split()) + 10)

    assert desk.page.evaluate("window.scrollY") == 300
    desk.page.keyboard.press("Escape")
    desk.until_written()


def test_every_control_has_a_name(desk: Desk) -> None:
    desk.open_settings()
    unnamed = [
        control.evaluate("element => element.outerHTML")
        for role in ("button", "textbox", "combobox", "checkbox", "spinbutton")
        for control in desk.page.get_by_role(role).all()
        if not control.aria_snapshot().split("\n")[0].count('"')
    ]

    assert unnamed == []


def test_a_phone_can_rewrite_by_touch(browser: Browser, site: Site) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    desk = Desk(context.new_page(), site.address).open()
    desk.put("Ada ran. Bo sat by the window. The end.")
    desk.select("Bo sat by the window.")
    expect(desk.toolbar).to_be_visible()
    desk.button("Rewrite", desk.toolbar).tap()
    suggested = desk.until_suggested()
    assert after_growing(desk, scroll_to=120) == 120, "what the editor measures itself on moves no page"
    desk.button("Accept", desk.suggestion).tap()

    assert desk.text == f"Ada ran. {suggested} The end."
    context.close()


def after_growing(desk: Desk, *, scroll_to: int) -> int:
    """Where the page stands once the suggestion has grown, and the editor has measured it."""
    text = desk.suggestion.locator(".suggestion-text")
    text.evaluate("text => (text.style.minHeight = '30rem')")
    desk.page.wait_for_timeout(200)
    desk.page.evaluate("y => window.scrollTo(0, y)", scroll_to)
    text.evaluate("text => (text.style.minHeight = '40rem')")
    desk.page.wait_for_timeout(200)
    return int(desk.page.evaluate("window.scrollY"))


def test_the_dark_page_is_dark(browser: Browser, site: Site) -> None:
    for scheme, is_dark in (("dark", True), ("light", False)):
        context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
        desk = Desk(context.new_page(), site.address).open()
        assert (_brightness(desk.page) < 60) == is_dark
        context.close()


def _brightness(page: Page) -> float:
    colour = page.evaluate(
        """() => {
          const canvas = document.createElement("canvas").getContext("2d");
          canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
          canvas.fillRect(0, 0, 1, 1);
          return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }"""
    )
    return float(sum(colour)) / 3
