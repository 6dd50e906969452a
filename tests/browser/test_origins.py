"""Who wrote what: followed as a story is written and edited, kept, and shown when the writer asks for it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site
from tests.browser.desk import Desk
from tests.browser.test_access import serious

pytestmark = [pytest.mark.browser, pytest.mark.model]


def marked(page: Page, who: str) -> list[str]:
    """The stretches of the story that bear a mark."""
    return page.locator(f".cm-content .origin-{who}").all_inner_texts()


def told(text: str, origins: list[list[Any]]) -> list[tuple[str, str]]:
    """The parts of a text with who wrote them."""
    parts, at = [], 0
    for length, who in origins:
        parts.append((text[at : at + length], who))
        at += length
    assert at == len(text)
    return parts


def ask(page: Page, method: str, path: str, body: Any = None) -> Any:
    """Ask the server from the page."""
    return page.evaluate(
        """async ({ method, path, body }) => {
          const headers = { "Content-Type": "application/json" };
          return (await fetch(path, { method, headers, body: body && JSON.stringify(body) })).json();
        }""",
        {"method": method, "path": path, "body": body},
    )


def test_a_story_is_marked_as_it_was_written(browser: Browser, site: Site) -> None:
    """Streamed, edited, typed into, undone, the same after a reload; nothing moves when marks are shown."""
    context = browser.new_context(
        viewport={"width": 1180, "height": 800}, reduced_motion="reduce", bypass_csp=True
    )
    page = context.new_page()
    desk = Desk(page, site.address).open()
    story = desk.write(max_words=40)
    assert desk.kept["origins"] == [[len(story), "model"]]
    desk.story.click()
    page.keyboard.press("ControlOrMeta+Home")
    first = re.search(r"(?<![\w'’])[A-Za-z]{3,}(?![\w'’])", story)
    assert first
    for _ in range(first.start() + 1):
        page.keyboard.press("ArrowRight")
    page.keyboard.type("xyz")
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.type(" The end is mine.")

    lines = "() => [...document.querySelectorAll('.cm-line')].map((line) => line.getBoundingClientRect().top)"
    before = page.evaluate(lines)
    page.keyboard.press("Alt+o")
    assert page.evaluate(lines) == before
    button = desk.button("Who wrote what")
    expect(button).to_have_attribute("aria-pressed", "true")
    [word] = marked(page, "edited")
    assert word == first[0][0] + "xyz" + first[0][1:]
    assert "mine" not in "".join(marked(page, "model"))
    legend = page.get_by_role("note", name="Who wrote what")
    expect(legend).to_contain_text("% edited")
    expect(page.locator("#announce-state")).to_contain_text("the model’s")
    assert serious(page) == []

    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.reload()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert serious(page) == []
    assert marked(page, "edited") == [word]
    parts = told(desk.text, desk.kept["origins"])
    assert parts[-1] == (" The end is mine.", "writer")
    assert [who for _, who in parts].count("edited") == 1
    desk.story.click()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.type(" x")
    page.locator("#undo").click()
    assert told(desk.text, desk.kept["origins"]) == parts
    button.click()
    expect(legend).to_be_hidden()
    assert marked(page, "edited") == marked(page, "model") == []
    context.close()


def test_the_library_knows_it_for_other_windows_and_versions(page: Page, site: Site) -> None:
    """Opened from the library, typed over, followed in another window, and brought back with a version."""
    page.goto(site.address)
    text, origins = "The lantern sank. 🌙\nMine.", [[4, "model"], [7, "edited"], [9, "model"], [5, "writer"]]
    story = ask(page, "POST", "/library/stories", {"text": text, "origins": origins})["id"]
    path = f"/library/stories/{story}"
    ask(page, "POST", f"{path}/versions", {"reason": "pause"})
    desk = Desk(page, f"{site.origin}/?story={story}").open()
    other = Desk(page.context.new_page(), f"{site.origin}/?story={story}").open()
    other.page.keyboard.press("Alt+o")
    assert marked(other.page, "edited") == ["lantern"]
    assert marked(other.page, "model") == ["The", "sank. 🌙"]

    desk.story.click()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.insert_text(" All mine.")
    expect(other.story).to_contain_text("All mine.")
    now = [*origins[:-1], [15, "writer"]]
    assert other.kept["origins"] == now
    assert ask(page, "GET", path)["origins"] == now

    page.locator("#versions-button").click()
    page.get_by_role("button", name="Bring it back").click()
    expect(desk.story).not_to_contain_text("All mine.")
    expect(other.story).not_to_contain_text("All mine.")
    assert desk.kept["origins"] == other.kept["origins"] == ask(page, "GET", path)["origins"] == origins
    desk.button("Undo").click()
    assert desk.kept["origins"] == now
