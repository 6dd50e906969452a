"""A story belongs to the server: a tab that is reloaded or closed, and a line that drops, cost no word."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute, expect

from tests.browser.conftest import Site
from tests.browser.desk import SLOW_MS, Desk

pytestmark = [pytest.mark.browser, pytest.mark.model]

HEAR = """(id) => new Promise((resolve) => {
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws`);
  let text = "";
  socket.onopen = () => socket.send(JSON.stringify({ type: "resume", id, seq: 0 }));
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "chunk") text += message.text;
    if (message.type === "done") { socket.close(); resolve(text); }
  };
})"""


def begin(desk: Desk, *, max_words: int = 200, words: int = 10) -> dict[str, Any]:
    """Have a story begun; return what the tab keeps of it."""
    desk.fill_settings(names="Ada", max_words=max_words)
    desk.primary.click()
    desk.until_begun(words=words)
    telling: dict[str, Any] = desk.kept["telling"]
    assert telling["id"]
    return telling


def as_the_server_told_it(page: Page, telling: dict[str, Any]) -> str:
    return str(page.evaluate(HEAR, telling["id"]))


READ = """async ([id, wanted, patience]) => {
  let text = null;
  for (const end = performance.now() + patience; performance.now() < end && text !== wanted; ) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    text = (await (await fetch(`/library/stories/${id}`)).json()).text;
  }
  return text;
}"""
ADD = """async ([id, more]) => {
  const { revision, text } = await (await fetch(`/library/stories/${id}`)).json();
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ revision, text: text + more });
  await fetch(`/library/stories/${id}`, { method: "PUT", body, headers });
}"""
LISTED = "async () => (await (await fetch('/library/stories?limit=1000')).json()).total"


def wait_for_story(page: Page, telling: dict[str, Any], text: str) -> None:
    """Until the library holds it so."""
    assert page.evaluate(READ, [telling["story"], text, SLOW_MS / 3]) == text


def stories(page: Page) -> int:
    """How many there are: a story that was saved twice, or forked, is one more."""
    return int(page.evaluate(LISTED))


class Line:
    """The way between the page and the server, which can be cut."""

    def __init__(self, page: Page) -> None:
        self.is_cut = False
        self._open: list[WebSocketRoute] = []
        page.route_web_socket("**/ws", self._connect)

    def _connect(self, route: WebSocketRoute) -> None:
        if self.is_cut:
            route.close()
            return
        route.connect_to_server()
        self._open.append(route)

    def cut(self) -> None:
        self.is_cut = True
        for route in self._open:
            route.close()
        self._open.clear()

    def mend(self) -> None:
        self.is_cut = False


def test_a_story_goes_on_after_a_reload_and_is_whole(desk: Desk) -> None:
    desk.put("The one before.")
    telling = begin(desk)
    desk.page.reload()

    expect(desk.primary).to_have_text("Stop")
    desk.page.reload()
    expect(desk.primary).to_have_text("Stop")
    told = desk.until_written()
    assert told == as_the_server_told_it(desk.page, telling)
    expect(desk.note).not_to_contain_text("interrupted")
    wait_for_story(desk.page, telling, told)
    desk.button("Undo").click()
    assert desk.text == "The one before."
    desk.button("Redo").click()
    desk.page.reload()
    assert desk.until_written() == told


def test_a_tab_closed_in_mid_story_finds_it_whole_in_the_library_and_on_its_desk(
    desk: Desk, context: BrowserContext, site: Site
) -> None:
    before = stories(desk.page)
    telling = begin(desk)
    desk.page.close(run_before_unload=False)
    page = context.new_page()
    page.goto(f"{site.origin}/library")
    told = as_the_server_told_it(page, telling)
    assert told
    wait_for_story(page, telling, told)

    again = Desk(page, site.origin).open()
    assert again.until_written() == told
    wait_for_story(page, telling, told)
    assert stories(page) == before + 1


def test_a_line_that_drops_in_mid_story_costs_no_word(page: Page, site: Site) -> None:
    line = Line(page)
    desk = Desk(page, site.address).open()
    before = stories(page)
    telling = begin(desk)
    line.cut()
    expect(desk.note).to_contain_text("The line dropped")
    desk.story.click()
    desk.page.keyboard.press("ControlOrMeta+Home")
    desk.page.keyboard.insert_text("Chapter 1. ")
    told = as_the_server_told_it_meanwhile(page, site, telling)
    line.mend()

    assert desk.until_written() == f"Chapter 1. {told}"
    wait_for_story(page, telling, desk.text)
    assert stories(page) == before + 1


def as_the_server_told_it_meanwhile(page: Page, site: Site, telling: dict[str, Any]) -> str:
    """Heard by another window, to the end."""
    other = page.context.new_page()
    other.goto(f"{site.origin}/library")
    told = as_the_server_told_it(other, telling)
    other.close()
    return told


def test_stop_without_a_line_stops_here_at_once_and_a_line_that_is_back_brings_what_others_wrote(
    page: Page, site: Site
) -> None:
    line = Line(page)
    desk = Desk(page, site.address).open()
    telling = begin(desk, max_words=2_000)
    line.cut()
    expect(desk.note).to_contain_text("The line dropped")
    desk.primary.click()
    stopped = desk.until_written()
    expect(desk.note).to_contain_text("Stopped")
    expect(desk.button("Continue")).to_be_visible(timeout=SLOW_MS)
    assert desk.text == stopped
    wait_for_story(page, telling, stopped)
    page.evaluate(ADD, [telling["story"], " Elsewhere."])
    line.mend()
    expect(desk.story).to_contain_text("Elsewhere.", timeout=SLOW_MS)
    assert desk.text == f"{stopped} Elsewhere."


def test_a_story_left_in_mid_writing_is_shown_in_the_library_goes_on_where_it_is_opened_and_stops_there(
    desk: Desk, site: Site
) -> None:
    page = desk.page
    story = begin(desk, max_words=2_000)["story"]
    page.goto(f"{site.origin}/?story=new")  # in the same tab: nobody listens any more
    page.goto(f"{site.origin}/library")
    row = page.locator(f"[data-story='{story}']")
    progress = row.locator(".book-progress")
    expect(progress).to_contain_text("Being written")
    stop = row.get_by_role("button", name="Stop writing")
    stop.focus()
    seen = progress.inner_text()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # it asks anew
    expect(progress).not_to_have_text(seen)
    expect(stop).to_be_focused()

    row.locator("[data-act=open]").click()
    desk.until_begun()
    page.keyboard.press("Escape")  # it can be stopped, as where it was begun
    expect(desk.primary).to_have_text("Write another")
    assert desk.text
    desk.story.click()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.insert_text(" And then, one night, the")  # no model ends a story here
    shown = desk.text
    desk.button("Continue").click()
    desk.until_begun(words=len(shown.split()) + 5)
    telling = desk.kept["telling"]
    page.goto(f"{site.origin}/?story=new")
    page.goto(f"{site.origin}/library")
    stop.click()
    expect(page.locator("#told-words")).to_contain_text("is stopped")
    expect(progress).to_have_count(0)
    told = as_the_server_told_it(page, telling)
    wait_for_story(page, telling, shown + told)


def test_a_story_that_is_put_away_in_mid_writing_stays_away(desk: Desk, site: Site) -> None:
    """Each new word that its page saved took it out of the trash."""
    story = begin(desk, max_words=2_000)["story"]
    shelf = desk.page.context.new_page()
    shelf.goto(f"{site.origin}/library")
    row = shelf.locator(f"[data-story='{story}']")
    row.locator("summary").click()
    row.get_by_role("button", name="Move to trash").click()
    expect(desk.primary).to_have_text("Write another")
    expect(desk.note).to_contain_text("in the library's trash")
    shelf.goto(f"{site.origin}/library#trash")
    expect(row).to_be_visible()


def test_two_windows_hear_a_story_to_its_end_and_it_stays_one(
    desk: Desk, browser: Browser, site: Site
) -> None:
    before = stories(desk.page)
    context = browser.new_context()
    other = Desk(context.new_page(), site.address).open()
    telling = begin(desk, max_words=2_000)
    other.page.goto(f"{site.origin}/?story={telling['story']}")
    other.until_begun(words=20)
    other.primary.click()
    told = desk.until_written()
    assert told == other.until_written() == as_the_server_told_it(other.page, telling)
    wait_for_story(desk.page, telling, told)
    desk.story.click()
    desk.page.keyboard.press("ControlOrMeta+Home")
    desk.page.keyboard.insert_text("Chapter 1. ")
    expect(other.story).to_contain_text("Chapter 1. ")
    assert stories(desk.page) == before + 1
    context.close()


def test_another_browser_follows_at_once(desk: Desk, browser: Browser, site: Site) -> None:
    story = desk.page.evaluate(
        """async () => (await (await fetch("/library/stories", {
          method: "POST", headers: { "content-type": "application/json" }, body: '{"text": "Ada ran."}',
        })).json()).id"""
    )
    context = browser.new_context()
    other = Desk(context.new_page(), site.address).open()
    for window in (desk, other):
        window.page.goto(f"{site.origin}/?story={story}")
        expect(window.story).to_have_text("Ada ran.")

    desk.page.locator("#story .cm-content").click()
    desk.page.keyboard.press("ControlOrMeta+End")
    desk.page.keyboard.insert_text(" Bo too.")
    expect(other.story).to_have_text("Ada ran. Bo too.")
    context.close()
