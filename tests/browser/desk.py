"""A writer at the page: what the tests do and look at, in the words of the page."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

SLOW_MS = 90_000
"""How long a story of the demo model may take on a busy machine before a test gives up."""


class Desk:
    """The page of one tab."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.story = page.get_by_role("textbox", name="Story")
        self.primary = page.locator("#primary")
        self.note = page.locator("#note-text")
        self.words = page.locator("#words")
        self.suggestion = page.get_by_role("group", name="Suggestion")
        self.sheet = page.get_by_role("dialog", name="Takes", exact=True)
        self.toolbar = page.get_by_role("form", name="Rewrite the selection")

    def open(self) -> Desk:
        self.page.goto(self.address)
        expect(self.story).to_be_visible()
        return self

    def button(self, name: str, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=name, exact=True)

    def choose(self, name: str) -> None:
        """Take something up from the story's menu."""
        self.button("This story").click()
        self.page.locator("#story-menu").get_by_role("button", name=name).click()

    def open_settings(self) -> None:
        button = self.page.locator("#settings-button")  # out of reach while the drawer covers it
        if button.get_attribute("aria-expanded") != "true":
            button.click()

    def fill_settings(
        self, *, names: str = "", keywords: str = "", max_words: int = 60, genre: str = "Fantasy"
    ) -> None:
        self.open_settings()
        for label, text in (("Main characters", names), ("Keywords", keywords)):
            self.page.get_by_label(label, exact=True).fill(text)
            self.page.get_by_label(label, exact=True).press("Enter")
        self.page.get_by_label("Genre").select_option(genre)
        self.page.get_by_label("Maximum number of words").fill(str(max_words))

    def write(self, max_words: int = 60) -> str:
        """Have a story written to its end; return it."""
        self.fill_settings(names="Ada, Bo", keywords="moon", max_words=max_words)
        self.primary.click()
        expect(self.primary).to_have_text("Stop")
        return self.until_written()

    def until_written(self) -> str:
        expect(self.primary).to_have_text("Write another", timeout=SLOW_MS)
        return self.text

    def until_begun(self, words: int = 3) -> None:
        """Wait until some words of a story are there while it is still being written."""
        expect(self.primary).to_have_text("Stop", timeout=SLOW_MS)
        self.page.wait_for_function(
            "n => parseInt(document.querySelector('#words').textContent) > n", arg=words, timeout=SLOW_MS
        )

    @property
    def text(self) -> str:
        """The story, to the character, as the tab keeps it."""
        return str(self.kept["text"])

    @property
    def kept(self) -> dict[str, Any]:
        """What the tab keeps on its desk, flushed as it is when a tab goes out of sight."""
        found = self.page.evaluate(
            """() => {
              window.dispatchEvent(new PageTransitionEvent("pagehide"));
              const desks = Object.keys(localStorage).filter((key) => key.startsWith("storaiteller.desk."));
              return desks.map((key) => localStorage[key]);
            }"""
        )
        desks = [json.loads(desk) for desk in found]
        return dict(max(desks, key=lambda desk: desk["savedAt"]))

    def put(self, text: str) -> None:
        """Replace the story by ``text``, as a paste would."""
        self.story.click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(text)

    def select(self, passage: str) -> None:
        """Select ``passage`` in the story with the keyboard, from its end backwards."""
        text = self.text
        after = text[text.index(passage) + len(passage) :]
        self.story.click()
        self.page.keyboard.press("ControlOrMeta+End")
        for _ in _graphemes(after):
            self.page.keyboard.press("ArrowLeft")
        for _ in _graphemes(passage):
            self.page.keyboard.press("Shift+ArrowLeft")

    def rewrite(self, passage: str, instruction: str = "") -> None:
        """Select ``passage`` and ask for it to be rewritten."""
        self.select(passage)
        expect(self.toolbar).to_be_visible()
        self.page.get_by_label("How to rewrite it").fill(instruction)
        self.button("Rewrite", self.toolbar).click()
        expect(self.suggestion.locator(":focus")).to_be_visible()  # no sooner than a frame later
        self.until_suggested()

    def until_suggested(self) -> str:
        """Wait for the take that is looked at to be whole; return it."""
        expect(self.button("Another take", self.suggestion)).to_be_visible(timeout=SLOW_MS)
        return self.suggestion.locator(".suggestion-text").inner_text()


def _graphemes(text: str) -> list[str]:
    """What one press of an arrow key passes: a base with its marks, joiners and surrogates."""
    mark = "[\u0300-\u036f\ufe0f\u200d\U0001f3fb-\U0001f3ff]"
    return re.findall(rf"(?:\r\n|.)(?:{mark}(?:(?<=\u200d).)?)*", text, re.DOTALL)
