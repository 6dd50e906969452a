"""Models, as a writer meets them: missing, fetched, stopped, gone in mid-story and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, serving
from tests.browser.desk import SLOW_MS, Desk
from tests.fake_ollama import FakeOllama, Gate, Reply, Silence, ThreadedFakeOllama, word

pytestmark = pytest.mark.browser


@pytest.fixture
def ollama() -> Iterator[ThreadedFakeOllama]:
    with FakeOllama.in_thread() as handle:
        yield handle


@pytest.fixture
def with_ollama(ollama: ThreadedFakeOllama, tmp_path: Path) -> Iterator[Site]:
    with serving(tmp_path, OLLAMA_HOST=ollama.url) as site:
        yield site


def test_a_story_comes_from_ollama_where_it_runs(page: Page, with_ollama: Site) -> None:
    desk = Desk(page, with_ollama.address).open()
    expect(page.locator("#model-name")).to_have_text("llama3.2")
    desk.fill_settings(max_words=60)
    desk.primary.click()

    assert desk.until_written() == "Once upon a time a fox found the moon."


def test_a_missing_model_is_offered_and_its_fetching_can_be_stopped(
    page: Page, ollama: ThreadedFakeOllama, tmp_path: Path
) -> None:
    ollama.fake.models.clear()
    layer = {"status": "pulling", "digest": "sha256:a", "total": 2_000_000_000, "completed": 800_000_000}
    ollama.fake.pull_script = Reply([layer, Silence()])
    with serving(tmp_path, OLLAMA_HOST=ollama.url) as site:
        desk = Desk(page, site.address).open()
        page.get_by_role("button", name="Get llama3.2").first.click()
        expect(page.get_by_text("40 %").first).to_be_visible()
        page.locator("#model-button").click()
        page.get_by_role("button", name="Stop getting llama3.2").click()
        expect(page.get_by_role("button", name="Get llama3.2").last).to_be_visible()
        page.wait_for_timeout(0)
        [pull] = ollama.fake.asked("/api/pull")
        ollama.call(pull.left.wait)

        ollama.fake.pull_script = FakeOllama().pull_script
        page.locator("#models").get_by_role("button", name="Get llama3.2").click()
        expect(page.get_by_role("button", name="Stop getting llama3.2")).to_have_count(0)
        page.keyboard.press("Escape")
        desk.fill_settings(max_words=60)
        desk.primary.click()
        assert desk.until_written().endswith("moon.")


def test_ollama_going_away_in_mid_story_loses_nothing(
    page: Page, ollama: ThreadedFakeOllama, with_ollama: Site
) -> None:
    gates: list[Gate] = []

    def slowly(body: dict[str, Any]) -> Reply:
        gates.append(Gate())
        return Reply([word("The moon rose. "), word("Ada ran."), gates[-1]])

    default, ollama.fake.chat_script = ollama.fake.chat_script, slowly
    desk = Desk(page, with_ollama.address).open()
    desk.fill_settings(max_words=400)
    desk.primary.click()
    desk.until_begun(words=4)
    ollama.call(ollama.fake.stop)

    expect(desk.note).to_contain_text("What was written is kept", timeout=SLOW_MS)
    assert desk.text == "The moon rose. Ada ran."
    ollama.fake.chat_script = default
    ollama.call(ollama.fake.start)
    desk.button("Continue").click()
    expect(desk.story).to_contain_text("found the moon.")
    assert desk.until_written() == "The moon rose. Ada ran. Once upon a time a fox found the moon."


def test_a_broken_model_file_is_told_and_the_page_goes_on(page: Page, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 100)
    with serving(tmp_path, "--model", str(broken), OLLAMA_HOST="127.0.0.1:9") as site:
        desk = Desk(page, site.address).open()
        expect(page.get_by_text("could not be loaded").first).to_be_visible()
        desk.put("I write by hand then.")
        assert desk.text == "I write by hand then."
