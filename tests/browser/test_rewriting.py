"""A passage is rewritten by the real demo model, and everything around it stays the writer's."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.model]

EMOJI = (
    "Ada 👩‍🚀 ran to the cafe\u0301. She fell 🌙 down the old well. "
    "שלום, said Bo — and “laughed” 🎈.\n\nThe end."
)


def test_a_passage_is_rewritten_and_the_rest_stays_to_the_byte(desk: Desk) -> None:
    desk.put(EMOJI)
    passage = "She fell 🌙 down the old well."
    before, after = EMOJI.split(passage)

    desk.rewrite(passage, "with a rope")
    suggested = desk.until_suggested()
    assert desk.text == EMOJI, "nothing is replaced before it is accepted"
    desk.button("Accept", desk.suggestion).click()

    story = desk.text
    assert story.startswith(before)
    assert story.endswith(after)
    assert story[len(before) : -len(after)].split() == suggested.split()
    desk.page.keyboard.press("ControlOrMeta+z")
    assert desk.text == EMOJI


def test_carriage_returns_survive_a_rewrite(desk: Desk) -> None:
    desk.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.page.evaluate(
        """text => {
          const data = new DataTransfer();
          data.setData("text/plain", text);
          const paste = new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
          document.querySelector(".cm-content").dispatchEvent(paste);
        }""",
        "One here.\r\nTwo is here.\r\nThree is here.",
    )
    text = desk.text
    desk.rewrite("Two is here.")
    desk.button("Accept", desk.suggestion).click()

    before, after = text.split("Two is here.")
    assert desk.text.startswith(before)
    assert desk.text.endswith(after)
    assert text.count("\r\n") == 2


def test_takes_stay_at_hand_and_discarding_changes_nothing(desk: Desk) -> None:
    text = "Ada ran. Bo went to the window and looked at the moon. The end."
    desk.put(text)
    desk.rewrite("Bo went to the window and looked at the moon.")
    first = desk.until_suggested()
    desk.button("Another take", desk.suggestion).click()
    second = desk.until_suggested()
    expect(desk.suggestion).to_contain_text("2/2")

    desk.button("Earlier take", desk.suggestion).click()
    assert desk.until_suggested() == first
    desk.button("Later take", desk.suggestion).click()
    assert desk.until_suggested() == second
    desk.button("Discard", desk.suggestion).click()

    expect(desk.suggestion).not_to_be_visible()
    assert desk.text == text


def test_typing_elsewhere_meanwhile_moves_the_change_along(desk: Desk) -> None:
    desk.put("Ada ran. Bo sat by the window. The end.")
    desk.rewrite("Bo sat by the window.")
    suggested = desk.until_suggested()
    desk.story.focus()
    desk.page.keyboard.press("ControlOrMeta+Home")
    desk.page.keyboard.insert_text("🌙 At night, ")
    desk.button("Accept", desk.suggestion).click()

    assert desk.text == f"🌙 At night, Ada ran. {suggested} The end."


def test_a_passage_changed_meanwhile_is_not_overwritten_unasked(desk: Desk) -> None:
    desk.put("Ada ran. Bo sat by the window. The end.")
    desk.rewrite("Bo sat by the window.")
    suggested = desk.until_suggested()
    desk.story.focus()
    desk.page.keyboard.press("ControlOrMeta+Home")
    for _ in range(len("Ada ran. Bo")):
        desk.page.keyboard.press("ArrowRight")
    desk.page.keyboard.insert_text(" always")

    expect(desk.suggestion).to_contain_text("You changed this passage")
    expect(desk.button("Accept", desk.suggestion)).not_to_be_visible()
    assert "Bo always sat" in desk.text
    desk.button("Replace anyway", desk.suggestion).click()
    assert desk.text == f"Ada ran. {suggested} The end."


def test_a_passage_that_undo_brings_back_is_found_again(desk: Desk) -> None:
    text = "Ada ran. Bo sat by the window. The end."
    desk.put(text)
    desk.rewrite("Bo sat by the window.")
    suggested = desk.until_suggested()
    desk.select("Bo sat by the window.")
    desk.page.keyboard.press("Delete")
    expect(desk.button("Replace anyway", desk.suggestion)).not_to_be_visible()
    desk.page.keyboard.press("ControlOrMeta+z")
    assert desk.text == text

    desk.button("Accept", desk.suggestion).click()
    assert desk.text == f"Ada ran. {suggested} The end."
