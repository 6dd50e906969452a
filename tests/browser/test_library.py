"""The library as a writer meets it: all is in it, two windows, a server that goes, versions, the shelf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tests.browser.conftest import Site, serving
from tests.browser.desk import SLOW_MS, Desk

pytestmark = [pytest.mark.browser, pytest.mark.model]

TOKEN = "t" * 32


@contextmanager
def starting(data_dir: Path, model: Path, *options: str) -> Iterator[Site]:
    """The app with a library of its own."""
    (data_dir / "models").mkdir(exist_ok=True)
    (data_dir / "models" / model.name).unlink(missing_ok=True)
    (data_dir / "models" / model.name).symlink_to(model)
    with serving(data_dir, "--engine", "embedded", *options, STORAITELLER_TOKEN=TOKEN) as site:
        yield site


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, demo_model_path: Path) -> Iterator[Site]:
    with starting(tmp_path_factory.mktemp("library"), demo_model_path) as site:
        yield site


@pytest.fixture
def served(running: Site) -> Site:
    """The app with an empty library, if nothing was generated: a story may be finished after its test."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=running.origin, headers=headers, trust_env=False, timeout=None) as writer:
        while page := writer.get("/library/stories").raise_for_status().json()["stories"]:
            for story in page:
                writer.post(f"/library/stories/{story['id']}/trash").raise_for_status()
        writer.post("/library/trash/empty").raise_for_status()
    return running


@pytest.fixture
def desk(page: Page, served: Site) -> Desk:
    return Desk(page, served.address).open()


class Shelf:
    """The library's page of one tab."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.books = page.locator("#shelf > li")
        self.titles = page.locator("#shelf h2")
        self.standing = page.locator("#standing")
        self.told = page.locator("#told-words")
        self.search = page.get_by_label("Search titles and words")

    def open(self, hash: str = "") -> Shelf:  # noqa: A002 - as the address calls it
        self.page.goto(f"{self.origin}/library{hash}")
        expect(self.page.locator("#library")).to_have_attribute("aria-busy", "false")
        return self

    def book(self, title: str) -> Locator:
        return self.books.filter(has=self.page.get_by_role("heading", name=title, exact=True))

    def do(self, title: str, action: str) -> None:
        """Press one of a story's buttons."""
        book = self.book(title)
        if book.locator("details:not([open])").count():
            book.locator("summary").click()
        book.get_by_role("button", name=re.compile(f"^{action}")).click()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)


@pytest.fixture
def shelf(page: Page, served: Site) -> Shelf:
    """The shelf of somebody who was let in."""
    page.goto(served.address)
    return Shelf(page, served.origin)


def ask(page: Page, method: str, path: str, body: Any = None) -> Any:
    """Ask the server, as another program of the writer's."""
    answer = page.request.fetch(
        f"{page.url.split('/', 3)[0]}//{page.url.split('/')[2]}{path}",
        method=method,
        data=body,
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    assert answer.ok, answer.text()
    return answer.json() if answer.body() else None


def stories(page: Page) -> list[dict[str, Any]]:
    return list(ask(page, "GET", "/library/stories?sort=created")["stories"])


def wait_for_texts(page: Page, *texts: str) -> None:
    """Until the library holds just these texts."""
    held = page.evaluate(
        """async ({ wanted, patience }) => {
          const get = async (path) => (await fetch(path)).json();
          const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
          const read = async () => {
            const { stories } = await get("/library/stories");
            const whole = await Promise.all(stories.map(({ id }) => get(`/library/stories/${id}`)));
            return whole.map(({ text }) => text).sort();
          };
          let held = [];
          for (const end = performance.now() + patience; performance.now() < end; await frame()) {
            held = await read().catch(() => []);
            if (JSON.stringify(held) === JSON.stringify(wanted.sort())) break;
          }
          return held;
        }""",
        {"wanted": list(texts), "patience": SLOW_MS / 3},
    )
    assert held == sorted(texts)


def refuse(page: Page, *methods: str) -> None:
    """Let no such request through, until ``page.unroute_all()``."""

    def decide(route: Route) -> None:
        if route.request.method in methods:
            route.abort()
        else:
            route.continue_()

    page.route("**/library/stories**", decide)


# --- everything that is written is in it ----------------------------------------------------------


def test_what_is_typed_is_in_the_library_by_itself(desk: Desk) -> None:
    desk.put("Ada ran.\r\nBo sat. 🌙")
    wait_for_texts(desk.page, desk.text)
    desk.page.keyboard.insert_text(" The end. ")
    wait_for_texts(desk.page, desk.text)


def test_a_story_is_one_story_through_reloads_and_its_title_stays(desk: Desk) -> None:
    desk.put("Ada ran.")
    desk.page.get_by_label("Title", exact=True).fill("The \"tide\" / <b>'s'</b>")
    desk.page.reload()
    expect(desk.story).to_contain_text("Ada ran.")
    expect(desk.page.get_by_label("Title", exact=True)).to_have_value("The \"tide\" / <b>'s'</b>")
    desk.story.click()
    desk.page.keyboard.press("ControlOrMeta+End")
    desk.page.keyboard.insert_text(" Bo too.")

    wait_for_texts(desk.page, "Ada ran. Bo too.")
    expect(desk.page).to_have_title(re.compile("tide"))
    assert [story["title"] for story in stories(desk.page)] == ["The \"tide\" / <b>'s'</b>"]


@pytest.fixture
def alone(page: Page, tmp_path: Path, demo_model_path: Path) -> Iterator[Desk]:
    """A desk at a server that no other test has."""
    with starting(tmp_path, demo_model_path) as site:
        yield Desk(page, site.address).open()


def test_a_generation_is_a_version_and_the_story_before_stays_whole(alone: Desk) -> None:
    desk = alone
    desk.put("My own words.")
    wait_for_texts(desk.page, "My own words.")
    told = desk.write(max_words=30)
    wait_for_texts(desk.page, "My own words.", told)
    desk.page.locator("#versions-button").click()

    expect(desk.page.locator("#versions-list li")).to_have_count(1)
    expect(desk.page.locator("#versions-list")).to_contain_text("Written by the model")
    desk.page.keyboard.press("Escape")
    desk.button("Undo").click()
    assert desk.text == "My own words."
    desk.story.click()
    desk.page.keyboard.press("ControlOrMeta+End")
    desk.page.keyboard.insert_text(" And more.")
    wait_for_texts(desk.page, "My own words. And more.", told)


def test_the_way_to_the_library_and_back_costs_no_word(desk: Desk) -> None:
    desk.put("Typed a moment ago.")
    desk.page.keyboard.press("Alt+l")
    shelf = Shelf(desk.page, desk.address.split("/?")[0])
    expect(shelf.titles).to_have_text(["Typed a moment ago."])
    shelf.titles.get_by_role("link").click()

    expect(desk.story).to_have_text("Typed a moment ago.")
    expect(desk.page).to_have_url(re.compile(r"/$"))


def test_a_new_story_leaves_the_old_one_on_the_shelf(desk: Desk) -> None:
    desk.put("The first.")
    desk.page.locator("#settings .to-library").click()
    desk.page.get_by_role("link", name="New story").click()
    expect(desk.page.locator("#welcome")).to_be_visible()
    desk.put("The second.")

    wait_for_texts(desk.page, "The first.", "The second.")


def test_opening_another_story_leaves_unsaved_words_to_the_library(desk: Desk, served: Site) -> None:
    other = ask(desk.page, "POST", "/library/stories", {"text": "The other.", "title": "Other"})["id"]
    refuse(desk.page, "PUT", "POST")
    desk.put("Not saved yet.")
    expect(desk.note).to_contain_text("Your text is safe in this browser.")
    desk.page.unroute_all()
    desk.page.goto(f"{served.origin}/?story={other}")

    expect(desk.story).to_have_text("The other.")
    expect(desk.page.get_by_label("Title", exact=True)).to_have_value("Other")
    wait_for_texts(desk.page, "The other.", "Not saved yet.")


# --- two windows ----------------------------------------------------------------------------------


@pytest.fixture
def two(desk: Desk, context: BrowserContext, served: Site) -> tuple[Desk, Desk]:
    """Two windows on one story."""
    desk.put("Once.")
    wait_for_texts(desk.page, "Once.")
    story = stories(desk.page)[0]["id"]
    other = Desk(context.new_page(), f"{served.origin}/?story={story}").open()
    expect(other.story).to_have_text("Once.")
    return desk, other


def test_an_unchanged_window_shows_what_the_other_wrote(two: tuple[Desk, Desk]) -> None:
    first, other = two
    first.put("Once upon a time.")

    expect(other.story).to_have_text("Once upon a time.")
    expect(other.note).to_contain_text("Another window went on")
    other.put("Once upon a time. The end.")
    expect(first.story).to_have_text("Once upon a time. The end.")


def test_two_windows_that_both_wrote_keep_both(two: tuple[Desk, Desk], context: BrowserContext) -> None:
    first, other = two
    held = "**/library/stories/*"
    other.page.route(held, lambda route: route.abort())
    other.put("Once. Theirs.")
    first.put("Once. Mine.")
    wait_for_texts(first.page, "Once. Mine.")
    other.page.unroute(held)

    wait_for_texts(first.page, "Once. Mine.", "Once. Theirs.")
    expect(other.note).to_contain_text("(another window)")
    expect(other.story).to_have_text("Once. Theirs.")
    expect(other.page.get_by_label("Title", exact=True)).to_have_value(re.compile(r"\(another window\)$"))
    with context.expect_page() as opened:
        other.page.get_by_role("link", name="Open the other").click()
    expect(opened.value.get_by_role("textbox", name="Story")).to_have_text("Once. Mine.")


# --- a server that goes ---------------------------------------------------------------------------


def test_a_server_killed_in_mid_typing_costs_nothing(
    context: BrowserContext, tmp_path: Path, demo_model_path: Path
) -> None:
    with starting(tmp_path, demo_model_path) as site:
        desk = Desk(context.new_page(), site.address).open()
        desk.put("Before.")
        wait_for_texts(desk.page, "Before.")
    desk.put("Before. While it was away.")
    expect(desk.note).to_contain_text("stays on this page", timeout=SLOW_MS)
    port = site.origin.rsplit(":", 1)[1]

    with starting(tmp_path, demo_model_path, "--port", port):
        expect(desk.note).not_to_contain_text("stays on this page", timeout=SLOW_MS)
        wait_for_texts(desk.page, "Before. While it was away.")


def test_a_library_that_cannot_be_written_says_so_until_it_can(desk: Desk) -> None:
    desk.put("Ada.")
    wait_for_texts(desk.page, "Ada.")
    full = {"code": "disk_full", "message": "There is no room left on the disk.", "field": None}
    desk.page.route("**/library/stories/*", lambda route: route.fulfill(status=507, json=full))
    desk.put("Ada ran.")
    expect(desk.note).to_have_text(
        "Not saved yet: There is no room left on the disk. Your text is safe in this browser."
    )
    desk.page.unroute_all()

    expect(desk.note).to_be_hidden(timeout=SLOW_MS)
    wait_for_texts(desk.page, "Ada ran.")


def test_words_that_are_nowhere_are_called_unsaved_and_hold_the_tab(desk: Desk) -> None:
    page = desk.page
    desk.put("Ada.")
    wait_for_texts(page, "Ada.")
    page.evaluate(
        """() => {
          const { setItem } = Storage.prototype;
          Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
          window.makeRoom = () => void (Storage.prototype.setItem = setItem);
        }"""
    )
    refuse(page, "PUT", "POST")
    desk.put("Ada ran.")
    sentence = "Not saved, and this browser has no room: copy your text somewhere safe."
    expect(desk.note).to_have_text(sentence)
    expect(page.locator("#announce-error")).to_have_text(sentence)
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    page.evaluate("makeRoom()")
    page.unroute_all()

    expect(desk.note).to_be_hidden(timeout=SLOW_MS)
    expect(page.locator("#announce-state")).to_have_text("Saved again.")
    wait_for_texts(page, "Ada ran.")


# --- versions -------------------------------------------------------------------------------------


def test_a_version_is_looked_at_named_brought_back_and_undone(desk: Desk) -> None:
    desk.put("Ada ran home.")
    wait_for_texts(desk.page, "Ada ran home.")
    story = stories(desk.page)[0]["id"]
    ask(desk.page, "POST", f"/library/stories/{story}/versions", {"reason": "pause"})
    desk.put("Ada walked home.")
    desk.fill_settings(names="Bo", genre="War")
    wait_for_texts(desk.page, "Ada walked home.")
    desk.page.locator("#versions-button").click()
    dialog = desk.page.get_by_role("dialog", name="Versions of this story")
    expect(dialog.locator("del")).to_have_text("ran")
    expect(dialog.locator("ins")).to_have_text("walked")
    dialog.get_by_label("Name of the version").fill("The fast one")
    dialog.get_by_role("button", name="Save name").click()
    expect(dialog.get_by_role("button", name="The fast one")).to_be_visible()
    dialog.get_by_role("button", name="Bring it back").click()

    expect(dialog).to_be_hidden()
    expect(desk.story).to_have_text("Ada ran home.")
    expect(desk.story).to_be_focused()
    wait_for_texts(desk.page, "Ada ran home.")
    expect(desk.page.get_by_label("Genre")).to_have_value("Adventure")
    desk.button("Bring yours back").click()
    expect(desk.page.get_by_label("Genre")).to_have_value("War")
    expect(desk.page.locator("#aside")).to_be_hidden()
    desk.button("Close settings").click()
    desk.page.locator("#versions-button").click()
    expect(dialog.locator("#versions-list")).to_contain_text("Before another was brought back")
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("#versions-button")).to_be_focused()
    desk.button("Undo").click()
    assert desk.text == "Ada walked home."
    wait_for_texts(desk.page, "Ada walked home.")


# --- the shelf ------------------------------------------------------------------------------------


def test_an_empty_library_says_what_will_be_in_it(shelf: Shelf) -> None:
    shelf.open()
    expect(shelf.page.get_by_role("heading", name="Nothing on the shelf yet")).to_be_visible()
    expect(shelf.page.locator("#none").get_by_role("link", name="Write a story")).to_be_visible()


@pytest.fixture
def filled(shelf: Shelf) -> Shelf:
    """Three stories on the shelf."""
    for title, text, tags in (
        ("Tide", "The sea came home.", ["sea"]),
        ("Salt", "The siege was long, and the salt ran out.", ["war", "sea"]),
        ("", "A baker without a name.", []),
    ):
        ask(shelf.page, "POST", "/library/stories", {"title": title, "text": text, "tags": tags})
    return shelf.open()


def test_stories_are_found_by_their_words_tags_and_order(filled: Shelf) -> None:
    expect(filled.titles).to_have_text(["A baker without a name.", "Salt", "Tide"])
    filled.search.press_sequentially("sie")
    expect(filled.titles).to_have_text(["Salt"])
    expect(filled.books.locator("mark")).to_have_text("siege")
    filled.search.fill("?!<xyz>")
    expect(filled.standing).to_have_text("No story has “?!<xyz>” in it.")
    filled.search.fill("")
    filled.page.locator("#tags").get_by_role("button", name="sea").click()
    expect(filled.titles).to_have_text(["Salt", "Tide"])
    filled.page.locator("#tags").get_by_role("button", name="sea").click()
    filled.page.get_by_label("Sort by").select_option("Longest")
    expect(filled.titles.first).to_have_text("Salt")


def test_a_story_gets_a_title_and_tags(filled: Shelf) -> None:
    filled.do("A baker without a name.", "Rename")
    filled.page.get_by_label("Title", exact=True).fill("The baker")
    filled.page.get_by_role("textbox", name="Tags").fill("bread, War, war")
    filled.button("Save").click()

    expect(filled.titles.filter(has_text="The baker")).to_be_visible()
    expect(filled.told).to_have_text("“The baker” is saved.")
    expect(filled.page.locator("#tags")).to_contain_text("bread")
    expect(filled.book("The baker").get_by_role("button", name=re.compile("^Rename"))).to_be_focused()


def test_the_trash_gives_back_and_forgets_only_when_asked_twice(filled: Shelf) -> None:
    filled.do("Salt", "Move to trash")
    expect(filled.titles).to_have_text(["A baker without a name.", "Tide"])
    filled.button("Undo").click()
    expect(filled.titles).to_have_count(3)
    filled.do("Salt", "Move to trash")
    filled.do("Tide", "Move to trash")
    filled.page.get_by_role("link", name="Trash").click()
    expect(filled.titles).to_have_count(2)
    filled.do("Tide", "Put back")
    expect(filled.titles).to_have_text(["Salt"])
    filled.button("Empty the trash").click()
    expect(filled.page.get_by_role("dialog")).to_contain_text("Delete 1 story for ever?")
    filled.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(filled.titles).to_have_text(["Salt"])
    filled.button("Empty the trash").click()
    filled.page.get_by_role("dialog").get_by_role("button", name="Empty the trash").click()

    expect(filled.standing).to_have_text("The trash is empty.")
    filled.page.get_by_role("link", name="Back to the library").click()
    expect(filled.titles).to_have_count(2)


def test_files_are_brought_in_and_what_is_refused_says_why(shelf: Shelf, tmp_path: Path) -> None:
    shelf.open()
    (tmp_path / "tide.txt").write_text("The tide came back.\n", encoding="utf-8")
    (tmp_path / "not.docx").write_bytes(b"no Word file")
    shelf.page.locator("#import").set_input_files([tmp_path / "tide.txt", tmp_path / "not.docx"])

    expect(shelf.books).to_have_count(1)
    expect(shelf.books).to_contain_text("The tide came back.")
    expect(shelf.page.locator("#refused li")).to_contain_text("not.docx")
    shelf.button("All right").click()
    expect(shelf.page.locator("#outcome")).to_be_hidden()


def test_a_story_and_everything_go_out_as_files(filled: Shelf, tmp_path: Path) -> None:
    filled.book("Tide").locator("summary").click()
    for label, ending in (("Text", ".txt"), ("Markdown", ".md"), ("Word", ".docx")):
        with filled.page.expect_download() as download:
            filled.book("Tide").get_by_role("link", name=re.compile(f"^Export as {label}")).click()
        assert download.value.suggested_filename == f"Tide{ending}"
    with filled.page.expect_download() as download:
        filled.page.get_by_role("link", name="Export everything").click()
    assert re.fullmatch(r"storaiteller-library-\d{4}-\d\d-\d\d\.zip", download.value.suggested_filename)


def test_a_library_that_cannot_be_read_says_so_and_tries_again(filled: Shelf) -> None:
    filled.page.route("**/library/stories?*", lambda route: route.abort())
    filled.search.fill("tide")
    expect(filled.page.locator("#failed")).to_contain_text("Your stories are safe on this computer")
    filled.page.unroute_all()
    filled.button("Try again").click()
    expect(filled.titles).to_have_text(["Tide"])
    expect(filled.page.locator("#failed")).to_be_hidden()


def test_more_stories_than_a_page_are_shown_on_demand(shelf: Shelf) -> None:
    for number in range(53):
        ask(shelf.page, "POST", "/library/stories", {"title": f"Story {number}", "text": "Words."})
    shelf.open()
    expect(shelf.books).to_have_count(50)
    shelf.button("Show more").click()
    expect(shelf.books).to_have_count(53)
    expect(shelf.titles.nth(50).get_by_role("link")).to_be_focused()
    expect(shelf.button("Show more")).to_be_hidden()


def test_a_story_that_is_put_into_the_trash_says_so_where_it_is_written(
    desk: Desk, context: BrowserContext, served: Site
) -> None:
    desk.put("Ada ran.")
    wait_for_texts(desk.page, "Ada ran.")
    shelf = Shelf(context.new_page(), served.origin).open()
    shelf.do("Ada ran.", "Move to trash")
    expect(desk.note).to_contain_text("in the library's trash")
    shelf.button("Undo").click()

    expect(desk.note).not_to_contain_text("trash")


def test_a_file_that_is_dropped_on_the_page_is_brought_in(shelf: Shelf) -> None:
    shelf.open()
    shelf.page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          const file = new File(["# Tide\\n\\nThe sea came home."], "tide.md", { type: "text/markdown" });
          dataTransfer.items.add(file);
          const drag = (type) => {
            const how = { dataTransfer, bubbles: true, cancelable: true };
            document.dispatchEvent(new DragEvent(type, how));
          };
          drag("dragover");
          if (document.querySelector("#dropping").hidden) throw new Error("nothing says it can be dropped");
          drag("drop");
        }"""
    )

    expect(shelf.books).to_have_count(1)
    expect(shelf.books).to_contain_text("The sea came home.")
    expect(shelf.page.locator("#dropping")).to_be_hidden()
