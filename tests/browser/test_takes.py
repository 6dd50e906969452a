"""Takes, walked by a writer on the real demo model: several at once, compared, mixed, kept, found again."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.desk import SLOW_MS, Desk

pytestmark = [pytest.mark.browser, pytest.mark.model]

BEFORE, PASSAGE, AFTER = "Ada ran. ", "Bo sat by the window and looked at the moon.", " The end."
TEXT = BEFORE + PASSAGE + AFTER
OTHER = "Bo wept, and the moon was gone."


def in_library(desk: Desk) -> None:
    expect(desk.page.locator("#versions-button")).to_have_attribute("aria-disabled", "false")


def told(desk: Desk, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = desk.page.request.get(f"{desk.address.split('/?')[0]}/{path}").json()
    return answer


def in_another_window(desk: Desk, text: str) -> None:
    """Another window, which knows of no other take, adds one to the passage."""
    at = f"library/stories/{desk.kept['story']}/passages"
    [record] = told(desk, at)["passages"]
    take = {"id": uuid4().hex, "text": text, "by": "model", "outcome": "open", "finish": "stop"}
    kept = desk.page.request.put(
        f"{desk.address.split('/?')[0]}/{at}/{record['id']}", data={**record, "takes": [take]}
    )
    assert kept.ok, kept.text()


def test_several_takes_are_written_at_once_stepped_through_and_mixed(desk: Desk) -> None:
    desk.put(TEXT)
    desk.select(PASSAGE)
    desk.button("More ways").click()
    desk.page.get_by_role("radio", name="2").check()
    desk.button("Shorter").click()
    expect(desk.button("Stop this take", desk.suggestion)).to_be_focused()
    expect(desk.suggestion).to_contain_text("1/2")
    desk.button("Side by side", desk.suggestion).click()
    expect(desk.sheet.get_by_role("listitem")).to_have_count(2)
    expect(desk.page.locator("#takes-stop")).to_be_hidden(timeout=SLOW_MS)
    expect(desk.page.locator("#announce-state")).to_contain_text("of 2 is ready")
    desk.button("Compare", desk.sheet).click()
    expect(desk.sheet.locator("del").first).to_be_visible()

    desk.button("Mix", desk.sheet).click()
    desk.page.locator("#mix-present .sentence").click()
    desk.page.get_by_label("Your mix").press("End")
    desk.page.keyboard.insert_text(" And then?")
    desk.page.keyboard.press("Escape")
    expect(desk.suggestion.locator(".suggestion-text")).to_have_text(f"{PASSAGE} And then?")
    desk.button("Accept", desk.suggestion).focus()
    desk.page.keyboard.press("ArrowLeft")
    expect(desk.suggestion).to_contain_text("2/3")
    expect(desk.button("Accept", desk.suggestion)).to_be_focused()
    assert desk.text == TEXT, "nothing is replaced before it is accepted"
    desk.page.keyboard.press("ArrowRight")
    desk.button("Accept", desk.suggestion).click()

    assert desk.text == f"{BEFORE}{PASSAGE} And then?{AFTER}"
    expect(desk.story).to_be_focused()
    desk.page.keyboard.press("ControlOrMeta+z")
    assert desk.text == TEXT


def test_takes_outlive_the_page_and_are_found_again_at_their_place(desk: Desk) -> None:
    desk.put(TEXT)
    desk.rewrite(PASSAGE, "sadder")
    take = desk.until_suggested()
    in_library(desk)
    desk.page.reload()
    desk.button("Reopen").click()
    expect(desk.button("Accept", desk.suggestion)).to_be_focused()
    assert desk.until_suggested() == take
    desk.page.keyboard.press("Escape")
    expect(desk.suggestion).not_to_be_visible()

    row = desk.page.locator("#takes-rows .version-row")
    for count in ("1 take", "2 takes"):
        desk.page.keyboard.press("Alt+t")
        expect(row).to_contain_text(f"“sadder” · {count} · Not decided")
        desk.page.keyboard.press("Escape")
        if count == "1 take":
            in_another_window(desk, OTHER)
    desk.select("window")
    desk.button("Its 2 takes").click()
    in_another_window(desk, "Bo slept.")
    desk.button("Accept", desk.suggestion).click()
    assert desk.text == BEFORE + take + AFTER
    desk.put("Once. " + desk.text)
    desk.page.keyboard.press("Alt+t")
    expect(row).to_contain_text("“sadder” · 3 takes · Take 1 accepted")
    story = desk.kept["story"]
    [pair] = [each for each in told(desk, "preferences")["pairs"] if each["story"] == story]
    assert (pair["chosen"], pair["rejected"]) == (take, OTHER)
    assert f"one of about 10 words in its place:\n{PASSAGE}\n" in pair["prompt"]
    row.click()
    assert desk.until_suggested() == take
    desk.button("Discard", desk.suggestion).click()
    assert desk.text == "Once. " + BEFORE + take + AFTER
    desk.put("Another story altogether.")
    desk.choose("Takes of this story")
    row.click()
    desk.button("Insert at the cursor").first.click()
    assert desk.text == "Another story altogether." + take

    desk.choose("Takes of this story")
    desk.page.get_by_role("button", name="Delete its 3 takes").click()
    expect(desk.button("Bring back")).to_be_focused()
    desk.page.keyboard.press("Enter")
    expect(row).to_be_focused()


def test_takes_are_written_on_over_a_reload_and_stay_with_their_story(desk: Desk) -> None:
    desk.put(TEXT)
    desk.write(max_words=20)
    desk.story.click()
    desk.page.keyboard.press("ControlOrMeta+a")
    desk.button("More ways").click()
    desk.page.get_by_role("radio", name="2").check()
    desk.button("Longer").click()
    expect(desk.suggestion).to_contain_text("1/2")
    in_library(desk)
    desk.page.reload()
    expect(desk.suggestion).to_contain_text("1/2")
    take = desk.until_suggested()
    assert take.strip()
    expect(desk.page.locator(".suggestion-state")).to_be_empty()

    desk.page.locator("#undo").click()
    expect(desk.suggestion).not_to_be_visible()
    assert desk.text == TEXT
    desk.page.keyboard.press("Alt+t")
    expect(desk.page.locator("#takes-list-state")).to_contain_text("No takes yet")
    desk.page.keyboard.press("Escape")
    desk.page.locator("#redo").click()
    desk.page.keyboard.press("Alt+t")
    desk.page.locator("#takes-rows .version-row").click()
    assert desk.until_suggested() == take


def test_another_word_goes_on_to_the_end_of_its_sentence(desk: Desk) -> None:
    desk.put(TEXT)
    desk.select("window")
    desk.button("Other words").click()
    choices = desk.page.locator(".word-choice")
    expect(choices.first).to_be_focused(timeout=SLOW_MS)
    expect(choices.first).to_contain_text("%")
    desk.page.keyboard.press("ArrowDown")
    word = choices.nth(1).locator(".word-name").inner_text().removesuffix(" (as it is)")
    desk.page.keyboard.press("Enter")
    rest = desk.until_suggested()
    assert rest.startswith(word)
    desk.button("Accept", desk.suggestion).click()

    assert desk.text == f"{BEFORE}Bo sat by the {rest}{AFTER}"


def test_something_is_written_at_the_cursor(desk: Desk) -> None:
    desk.put(TEXT)
    desk.select("on.")  # of “moon.”: the place is behind the word that the cursor is in
    desk.page.keyboard.press("ArrowLeft")
    desk.page.keyboard.press("Alt+i")
    expect(desk.page.get_by_label("What to write here")).to_be_focused()
    desk.page.keyboard.type("a dog barks")
    desk.page.keyboard.press("Enter")
    written = desk.until_suggested()
    assert desk.text == TEXT
    desk.button("Accept", desk.suggestion).click()

    assert desk.text.startswith(BEFORE + PASSAGE[:-1] + " ")
    assert desk.text.endswith("." + AFTER)
    assert written.strip() in desk.text


def test_takes_of_a_whole_story_begin_on_an_empty_page(desk: Desk) -> None:
    desk.fill_settings(max_words=20)
    desk.page.keyboard.press("Escape")
    desk.choose("Several takes of a new story")
    expect(desk.sheet.get_by_role("listitem")).to_have_count(2)
    expect(desk.page.locator("#takes-stop")).to_be_hidden(timeout=SLOW_MS)
    takes = desk.sheet.locator(".takes-columns .take-text").all_inner_texts()
    desk.sheet.get_by_role("button", name="Use this one: Take 2").click()
    assert desk.text == takes[1]
    in_library(desk)

    desk.page.keyboard.press("Alt+t")
    desk.page.locator("#takes-rows .version-row").click()
    desk.sheet.get_by_role("button", name="Use this one: Take 1").click()
    assert desk.text == takes[0]
    desk.page.keyboard.press("ControlOrMeta+z")
    assert desk.text == takes[1]


def test_a_story_gets_a_title_a_summary_and_the_writer_the_keys(desk: Desk) -> None:
    desk.put(TEXT)
    title = desk.page.get_by_label("Title", exact=True)
    title.fill("Mine")
    ideas = desk.page.locator("#ideas .menu-item")
    desk.button("Title ideas").click()
    expect(desk.button("More ideas")).to_be_visible(timeout=SLOW_MS)
    idea = ideas.first.inner_text()
    ideas.first.click()
    expect(title).to_have_value(idea)
    desk.button("Bring back the title “Mine”").click()
    expect(title).to_have_value("Mine")

    desk.choose("Summary")
    expect(desk.button("Copy", desk.page.locator("#summary"))).to_be_focused(timeout=SLOW_MS)
    assert desk.page.locator("#summary-text").inner_text().strip()
    desk.page.keyboard.press("Escape")
    desk.page.locator("#keys-button").focus()
    desk.page.keyboard.press("?")
    expect(desk.page.get_by_role("dialog", name="Keys")).to_contain_text("other words for the one")
