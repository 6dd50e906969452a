"""From the settings to a good story, walked by a writer on the real demo model."""

from __future__ import annotations

import pandas as pd
import pytest
from playwright.sync_api import expect

from storaiteller.answers.length import ends_sentence
from storaiteller.story import count_words
from tests.browser.conftest import Site
from tests.browser.desk import SLOW_MS, Desk

pytestmark = [pytest.mark.browser, pytest.mark.model]


def test_settings_become_a_prompt_that_the_writer_can_read(desk: Desk) -> None:
    desk.fill_settings(names="Ada, Bo", keywords="moon, tide", max_words=120, genre="Sci-fi")
    desk.page.get_by_label("Register").select_option("Vivid")
    desk.page.get_by_label("Child-friendly").check()
    desk.page.get_by_label("Final twist").check()
    desk.button("Submit").click()

    expect(desk.page.get_by_label("The prompt, as the model reads it")).to_have_text(
        "You are a writer. Write a story, without extra comments or questions, of maximum 120 words, where "
        "the main characters names are Ada, Bo. The story genre is Sci-fi and you have to use a Vivid "
        "register. The keywords of the story are moon, tide. The story must have an introduction, a "
        "development and a finale. The finale of the story must have a twist. The content must be "
        "child-friendly. The story might not involve children."
    )


def test_names_are_chips_that_can_be_taken_away(desk: Desk) -> None:
    desk.fill_settings(names="Ada, Bo")
    chips = desk.page.get_by_role("list", name="Main characters so far")
    expect(chips.get_by_role("listitem")).to_have_count(2)

    desk.button("Remove Ada").click()

    expect(chips.get_by_role("listitem")).to_have_count(1)
    desk.button("Reset").click()
    expect(chips.get_by_role("listitem")).to_have_count(0)


@pytest.mark.parametrize("words", ["0", "-5", "19", "5001", "1000000000000", "2.5"])
def test_a_number_of_words_that_cannot_be_is_told_beside_its_field(desk: Desk, words: str) -> None:
    desk.open_settings()
    desk.page.get_by_label("Maximum number of words").fill(words)
    desk.primary.click()

    expect(desk.page.locator("#max_words-error")).to_contain_text("20")
    expect(desk.page.get_by_label("Maximum number of words")).to_be_focused()
    assert desk.text == ""


def test_a_story_is_written_and_keeps_within_its_words(desk: Desk) -> None:
    story = desk.write(max_words=60)

    assert 0 < count_words(story) <= 60
    assert ends_sentence(story)
    expect(desk.words).to_contain_text(f"{count_words(story)} / 60")
    assert desk.page.locator("#announce-story").inner_text().strip(), "a screen reader heard it"


def test_stop_stops_and_what_was_written_stays(desk: Desk) -> None:
    desk.fill_settings(max_words=2_000)
    desk.primary.click()
    desk.until_begun()

    desk.page.keyboard.press("Escape")
    story = desk.until_written()

    assert 0 < count_words(story) < 1_000
    expect(desk.note).to_contain_text("Stopped")
    desk.button("Continue").click()
    desk.until_begun(words=count_words(story) + 3)
    desk.primary.click()
    longer = desk.until_written()
    assert longer.startswith(story)
    assert len(longer) > len(story)


def test_a_story_written_anew_leaves_the_one_before_in_reach(desk: Desk) -> None:
    first = desk.write(max_words=30)
    desk.primary.click()
    expect(desk.primary).to_have_text("Stop")
    second = desk.until_written()
    assert second != first

    desk.button("Undo").click()
    assert desk.text == first
    desk.button("Redo").click()
    assert desk.text == second


def test_the_writer_types_before_during_and_after(desk: Desk) -> None:
    desk.put("Mine before.")
    desk.fill_settings(max_words=150)
    desk.primary.click()
    desk.until_begun(words=8)
    desk.story.focus()
    desk.page.keyboard.press("ControlOrMeta+Home")
    desk.page.keyboard.insert_text("MINE DURING. ")
    desk.until_written()
    desk.page.keyboard.press("ControlOrMeta+End")
    desk.page.keyboard.insert_text(" Mine after.")

    story = desk.text
    assert story.startswith("MINE DURING. ")
    assert story.endswith(" Mine after.")
    assert "Mine before." not in story
    for _ in range(12):
        desk.page.keyboard.press("ControlOrMeta+z")
        if desk.text == "Mine before.":
            break
    assert desk.text == "Mine before.", "undo goes back to what the writer had"


def test_a_double_click_on_write_is_one_wish(desk: Desk) -> None:
    desk.fill_settings(max_words=40)
    desk.primary.dblclick()
    expect(desk.primary).to_have_text("Stop")

    assert count_words(desk.until_written()) > 0


def test_good_story_is_a_row_and_a_second_press_takes_it_back(desk: Desk, site: Site) -> None:
    story = desk.write(max_words=30)
    good = desk.page.locator("#good")
    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    expect(good).to_contain_text("Saved")

    rows = pd.read_csv(site.data_dir / "datastories.csv")
    mine = rows[rows.Story == story]
    assert list(mine.Rating) == [1]
    good.click()
    expect(good).to_have_attribute("aria-pressed", "false")
    rows = pd.read_csv(site.data_dir / "datastories.csv")
    assert list(rows[rows.Story == story].Rating) == [1, 0]


def test_the_whole_way_by_keyboard(desk: Desk) -> None:
    desk.fill_settings(max_words=30)
    desk.page.keyboard.press("ControlOrMeta+Enter")
    desk.until_written()
    desk.put("Ada ran. Bo sat by the window. The end.")
    desk.select("Bo sat by the window.")
    desk.page.keyboard.press("Alt+r")
    expect(desk.page.get_by_label("How to rewrite it")).to_be_focused()
    desk.page.keyboard.type("sadder")
    desk.page.keyboard.press("Enter")
    desk.until_suggested()
    expect(desk.button("Accept", desk.suggestion)).to_be_focused(timeout=SLOW_MS)
    desk.page.keyboard.press("Enter")

    expect(desk.story).to_be_focused()
    desk.page.keyboard.press("Alt+g")
    expect(desk.page.locator("#good")).to_have_attribute("aria-pressed", "true")
