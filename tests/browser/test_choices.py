"""Choices as a writer meets them: *Not for me* on the page, and all of them to look through."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Site
from tests.browser.desk import Desk
from tests.browser.test_access import serious

pytestmark = [pytest.mark.browser, pytest.mark.model]

SETTINGS = {"genre": "Fantasy", "register": "Playful", "max_words": 120}


def tell(page: Page, path: str, body: dict[str, Any]) -> None:
    """Tell the server something, as the page would."""
    told = page.evaluate(
        """async ({ path, body }) => {
          const headers = { "Content-Type": "application/json" };
          return (await fetch(path, { method: "POST", headers, body: JSON.stringify(body) })).status;
        }""",
        {"path": path, "body": body},
    )
    assert told == 201


ERROR_STANDS_OVER_REASON = """() => {
  const [note, why] = ["note", "why"].map((id) => document.getElementById(id));
  note.hidden = false;
  note.dataset.tone = "error";
  return why.checkVisibility() && note.getBoundingClientRect().bottom <= why.getBoundingClientRect().top;
}"""


def rows_of(site: Site, name: str) -> list[dict[str, str]]:
    with (site.data_dir / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def test_a_story_is_good_or_not_for_me_and_why(desk: Desk, site: Site) -> None:
    page = desk.page
    mark, good = page.locator("#not-for-me"), page.locator("#good")
    why = page.get_by_label("Not for you. Why?")
    expect(mark).to_have_attribute("aria-disabled", "true")
    desk.put("Bo was sad. The end.")
    page.keyboard.press("Alt+g")
    expect(good).to_have_attribute("aria-pressed", "true")

    mark.click()
    expect(mark).to_have_attribute("aria-pressed", "true")
    expect(good).to_have_attribute("aria-pressed", "false")
    expect(why).not_to_be_focused()
    why.fill("too sad")
    why.press("Enter")
    expect(why).to_be_hidden()
    expect(page.locator("#announce-state")).to_have_text("Your reason is kept.")
    row = rows_of(site, "preferences.csv")[-1]
    assert (row["Rejected"], row["Reason"], row["Standing"]) == ("Bo was sad. The end.", "too sad", "1")
    assert rows_of(site, "datastories.csv")[-1]["Rating"] == "0"

    page.reload()
    expect(mark).to_have_attribute("aria-pressed", "true")
    expect(desk.note).to_have_text("")
    other = page.context.new_page()
    other.goto(f"{site.origin}/?story={row['StoryId']}")
    expect(other.locator("#not-for-me")).to_have_attribute("aria-pressed", "true")
    desk.story.click()
    page.keyboard.press("Alt+n")
    expect(mark).to_have_attribute("aria-pressed", "false")
    expect(other.locator("#not-for-me")).to_have_attribute("aria-pressed", "false")
    other.close()
    assert rows_of(site, "preferences.csv")[-1]["Standing"] == "0"
    page.keyboard.press("Alt+n")
    expect(why).to_be_focused()
    page.keyboard.type("and too")
    assert page.evaluate(ERROR_STANDS_OVER_REASON), "what is typed stays in sight"
    page.keyboard.press("Escape")
    expect(why).to_be_hidden()
    expect(desk.story).to_be_focused()
    page.keyboard.press("Alt+g")
    expect(good).to_have_attribute("aria-pressed", "true")
    expect(mark).to_have_attribute("aria-pressed", "false")
    assert rows_of(site, "preferences.csv")[-1]["Standing"] == "0"


@pytest.mark.parametrize("width", [320, 390])
def test_the_dock_of_a_phone_has_room_for_it(browser: Browser, site: Site, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 780}, reduced_motion="reduce", bypass_csp=True
    )
    desk = Desk(context.new_page(), site.address).open()
    dock = desk.page.locator("#dock")
    height = dock.bounding_box()
    desk.put("Bo was glad. The end.")
    for press in ("#not-for-me", "#good"):
        desk.page.locator(press).click()
        expect(desk.page.locator(press)).to_have_attribute("aria-pressed", "true")
        cut = "button => button.scrollWidth > button.clientWidth && button.id"
        assert [desk.page.locator(each).evaluate(cut) for each in ("#good", "#primary")] == [False, False]
        assert desk.page.evaluate("document.scrollingElement.scrollWidth") <= width
    desk.page.locator("#not-for-me").click()
    expect(desk.page.get_by_label("Not for you. Why?")).to_be_visible()
    assert serious(desk.page) == []
    desk.page.locator("#good").click()
    expect(desk.page.locator("#good")).to_have_attribute("aria-pressed", "true")
    desk.story.press("End")
    desk.page.keyboard.type(" No.")  # now its changes can be saved
    expect(desk.page.locator("#good")).to_have_accessible_name("Save changes")
    assert desk.page.locator("#primary").evaluate("button => button.scrollWidth <= button.clientWidth")
    assert dock.bounding_box() == height
    context.close()


def test_the_choices_are_looked_through_and_struck_out(browser: Browser, site: Site) -> None:
    context: BrowserContext = browser.new_context(
        viewport={"width": 390, "height": 844}, reduced_motion="reduce", bypass_csp=True
    )
    page = Desk(context.new_page(), site.address).open().page
    asked = {"type": "generate", "id": "g", "settings": SETTINGS}
    for number in range(12):
        rejected = [f"Take {number}a. " + "She sat. " * 100, f"Take {number}b."]
        body = {
            "kind": "story",
            "asked": asked,
            "chosen": "She flew.",
            "rejected": rejected,
            "story": "5" * 32,
        }
        tell(page, "/preferences", {**body, "id": f"{number:032x}"})
    page.locator("#settings-button").click()
    page.get_by_role("link", name="Your choices").click()
    choices = page.locator("#pairs > li")
    expect(choices).to_have_count(20)
    page.get_by_role("button", name="Show more").click()
    expect(choices.nth(20).get_by_role("heading", level=2)).to_be_focused()

    first = choices.first
    standing = page.locator("#standing").inner_text()
    first.get_by_text("What was asked").click()
    expect(first.locator(".pair-prompt")).to_contain_text("You are a writer.")
    first.get_by_role("button", name="Strike out").press("Enter")
    again = first.get_by_role("button", name="Put back")
    expect(again).to_be_focused()
    expect(first.locator(".pair-prompt")).to_be_visible()
    expect(page.locator("#announce-state")).to_have_text("A story is struck out: it counts no longer.")
    assert page.locator("#standing").inner_text() != standing
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious(page) == []
    page.get_by_role("button", name="Undo").click()
    expect(first.get_by_role("button", name="Strike out")).to_be_visible()
    expect(page.locator("#standing")).to_have_text(standing)
    expect(first.get_by_role("link", name="Open the story")).to_have_attribute("href", f"/?story={'5' * 32}")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    context.close()
