"""The page *What it has learned*, and the line on the first page that leads to it, as a writer meets them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from storaiteller.feedback import FeedbackLedger
from storaiteller.registry import Registry
from tests.browser.conftest import Site, serving
from tests.browser.desk import Desk
from tests.versions import IN_OLLAMA, add, ended, keep, seed, story_ids

pytestmark = [pytest.mark.browser, pytest.mark.model]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, demo_model_path: Path) -> Iterator[Site]:
    """The app on a data folder of its own: what lies in there is read anew at each request."""
    data_dir = tmp_path_factory.mktemp("learned")
    (data_dir / "models").mkdir()
    (data_dir / "models" / demo_model_path.name).symlink_to(demo_model_path)
    with serving(data_dir, "--engine", "embedded") as site:
        yield site


@pytest.fixture
def bare(served: Site) -> Site:
    """Nothing was liked yet, and nothing learned."""
    for folder in ("versions", "runs"):
        shutil.rmtree(served.data_dir / folder, ignore_errors=True)
    for file in ("registry.json", "datastories.csv"):
        (served.data_dir / file).unlink(missing_ok=True)
    return served


@pytest.fixture
def registry(bare: Site) -> Registry:
    """Four versions; v3 writes."""
    return seed(bare.data_dir)


class Learned:
    """The page of one tab."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site
        self.versions = page.locator("#versions > li")
        self.slider = page.get_by_role("slider", name="How much of it you hear")
        self.said = page.locator("#announce-state")

    def open(self) -> Learned:
        self.page.goto(self.site.address)
        self.page.goto(f"{self.site.origin}/learned")
        expect(self.page.locator("#learned")).to_have_attribute("aria-busy", "false")
        return self

    def version(self, name: str) -> Locator:
        return self.versions.filter(has=self.page.get_by_role("heading", name=name, exact=True))

    def write_with(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=f"Write with this version, {name}")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def unfold(self, name: str) -> None:
        for fold in self.version(name).locator(".folds > details > summary").all():
            fold.click()


@pytest.fixture
def learned(page: Page, registry: Registry, bare: Site) -> Learned:
    return Learned(page, bare).open()


# --- the line of descent --------------------------------------------------------------------------


def test_versions_stand_in_a_line_from_the_newest_to_the_base(learned: Learned) -> None:
    expect(learned.versions.locator("h3")).to_have_text(["v4", "v3", "v2", "v1", "The base model"])
    marks = ["Kept, not promoted", "Writes now", "Kept, not promoted", "Promoted", ""]
    expect(learned.versions.locator(".version-mark")).to_have_text(marks)
    active = learned.page.locator("#versions > li[aria-current=true]")
    expect(active.locator("h3")).to_have_text("v3")
    expect(active).to_contain_text("Learned from 31 stories on 3 November 2026")
    expect(active).to_contain_text("It was tried against v1")
    expect(active).to_contain_text("Your liked stories surprise it 34 % less than the base model.")
    expect(active).to_contain_text("Promoted, because stories of yours that it had not seen surprise it")
    expect(learned.version("v4")).to_contain_text("Not promoted, because it is not surely better than v3")


def test_a_version_that_learned_from_what_was_taken_back_says_so(learned: Learned) -> None:
    expect(learned.version("v3")).to_contain_text(
        "2 of its 31 stories were taken back since; the next run learns without them."
    )
    expect(learned.version("v4")).to_contain_text("1 of its 30 stories was taken back since")
    expect(learned.version("v1").get_by_text("taken back")).to_have_count(0)


def test_a_version_that_was_not_tried_cannot_be_chosen_yet(
    page: Page, registry: Registry, bare: Site
) -> None:
    add(registry, parent="v3")
    learned = Learned(page, bare).open()
    expect(learned.version("v5")).to_contain_text("Not tried yet")
    expect(learned.write_with("v5")).to_have_count(0)


# --- promoting and rolling back -------------------------------------------------------------------


def test_a_version_is_promoted_and_that_is_taken_back(learned: Learned, registry: Registry) -> None:
    learned.write_with("v1").click()
    expect(learned.version("v1")).to_contain_text("Writes now")
    assert registry.read().active == "v1"
    expect(learned.said).to_have_text("v1 writes from the next story on.")
    expect(learned.version("v1").locator("h3")).to_be_focused()
    expect(learned.write_with("v3")).to_be_visible()

    learned.button("Back to v3").click()
    expect(learned.version("v3")).to_contain_text("Writes now")
    assert registry.read().active == "v3"
    expect(learned.said).to_have_text("v3 writes from the next story on.")
    expect(learned.button("Back to v1")).to_be_visible()


def test_rolling_back_to_the_base_model_is_one_press(learned: Learned, registry: Registry) -> None:
    learned.button("Back to the base model").first.click()
    expect(learned.version("The base model")).to_contain_text("Writes now")
    assert registry.read().active is None
    expect(learned.said).to_have_text("The base model writes from the next story on.")
    expect(learned.slider).to_be_disabled()
    expect(learned.page.get_by_text("nothing to weaken or strengthen")).to_be_visible()
    learned.button("Back to v3").click()
    expect(learned.slider).to_be_enabled()
    assert registry.read().active == "v3"


def test_what_cannot_be_done_is_said_and_nothing_changes(learned: Learned, registry: Registry) -> None:
    registry.adapter("v1").unlink()
    learned.write_with("v1").click()
    expect(learned.page.get_by_role("alert")).to_contain_text("The file of version v1 is gone")
    expect(learned.version("v3")).to_contain_text("Writes now")
    expect(learned.write_with("v1")).to_have_attribute("aria-disabled", "false")
    assert registry.read().active == "v3"


def test_what_is_open_stays_open_when_another_version_writes(learned: Learned) -> None:
    learned.unfold("v3")
    expect(learned.version("v3").locator(".sample-writer").first).to_be_visible()
    learned.write_with("v4").click()
    expect(learned.version("v4")).to_contain_text("Writes now")
    expect(learned.version("v3").locator(".sample-writer").first).to_be_visible()


def test_a_version_promoted_elsewhere_is_seen_on_coming_back(learned: Learned, registry: Registry) -> None:
    registry.activate("v1")
    add(registry, parent="v1")
    learned.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(learned.versions.locator("h3").first).to_have_text("v5")
    expect(learned.version("v1")).to_contain_text("Writes now")


def test_a_version_learned_on_another_model_waits_and_is_not_said_to_write(
    page: Page, registry: Registry, bare: Site
) -> None:
    add(registry, base=IN_OLLAMA, ollama="storaiteller:v5", status="promoted")
    learned = Learned(page, bare).open()
    assert page.request.get(f"{bare.origin}/models").ok  # from then on the app's own model is settled
    learned.write_with("v5").click()
    why = "v5 was learned on llama3.2; SmolLM2-135M-Instruct.Q4_1 writes now."
    expect(learned.said).to_have_text(why)
    expect(page.locator("#standing")).to_contain_text(why)
    expect(learned.version("v5").locator(".version-mark")).to_have_text("Waits")
    expect(learned.versions.get_by_text("Writes now")).to_have_count(0)
    expect(learned.slider).to_be_disabled()
    expect(page.get_by_text("v5 waits: there is nothing to weaken or strengthen.")).to_be_visible()
    learned.button("Back to v3").click()
    expect(learned.version("v3").locator(".version-mark")).to_have_text("Writes now")
    expect(learned.slider).to_be_enabled()


# --- strength -------------------------------------------------------------------------------------


def test_the_strength_is_set_by_keyboard(learned: Learned, registry: Registry) -> None:
    expect(learned.slider).to_have_attribute("aria-valuetext", "as learned")
    learned.slider.focus()
    for _ in range(3):
        learned.page.keyboard.press("ArrowRight")
    expect(learned.said).to_have_text("You hear 115 % of what it learned from the next story on.")
    assert registry.read().strength == 1.15
    learned.page.keyboard.press("End")
    expect(learned.said).to_have_text("You hear 120 % of what it learned from the next story on.")
    learned.page.keyboard.press("Home")
    expect(learned.page.locator("#strength-words")).to_have_text("the base model")
    expect(learned.said).to_have_text("You hear the base model from the next story on.")
    assert registry.read().strength == 0
    expect(learned.slider).to_be_focused()

    learned.open()
    expect(learned.slider).to_have_value("0")
    expect(learned.slider).to_have_attribute("aria-valuetext", "the base model")


def test_a_version_that_ollama_runs_has_no_slider(page: Page, registry: Registry, bare: Site) -> None:
    def as_with_ollama(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=response.json() | {"slider": False})

    page.route("**/learning", as_with_ollama)
    learned = Learned(page, bare).open()
    expect(learned.slider).to_be_disabled()
    expect(page.get_by_text("v3 is run by Ollama, which has no such slider.")).to_be_visible()


# --- figures, samples, reports --------------------------------------------------------------------


def test_figures_are_drawn_and_told_in_words(learned: Learned) -> None:
    version = learned.version("v3")
    version.get_by_text("Figures and tests").click()
    expect(version.get_by_role("img")).to_have_count(2)
    losses = version.get_by_role("img", name=re.compile("3.48 before the first pass and 3.07 after pass 2"))
    expect(losses).to_be_visible()
    expect(losses.locator("circle.plot-point")).to_have_count(4)
    expect(losses.locator("rect.plot-point")).to_have_count(3)
    expect(version).to_contain_text("Against v1: 14 % less surprise")
    expect(version).to_contain_text("Prose that is not yours surprises it 2 % more than the base model.")
    expect(version).to_contain_text("Its word pairs vary 2 % less than the base model's.")
    expect(version).to_contain_text("0.4 % of its runs of eight words stand in your stories too")
    expect(version.locator(".gate")).to_have_count(3)


def test_what_a_version_did_not_pass_is_marked_by_more_than_colour(learned: Learned) -> None:
    version = learned.version("v4")
    version.get_by_text("Figures and tests").click()
    failed = version.locator(".gate.is-failed")
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text("✗")
    expect(failed).to_contain_text("Not passed: Held-out stories")


def test_a_version_without_figures_says_so(page: Page, bare: Site) -> None:
    add(Registry(bare.data_dir), status="kept")
    learned = Learned(page, bare).open()
    learned.unfold("v1")
    expect(learned.version("v1")).to_contain_text("No figures were kept of it.")


def test_samples_stand_side_by_side_and_are_only_text(learned: Learned) -> None:
    version = learned.version("v3")
    version.get_by_text("Samples: the same prompt").click()
    first = version.locator(".sample").first
    expect(first.locator("h4")).to_have_text(["The base model", "Before, v1", "This version, v3"])
    expect(first).to_contain_text("The keeper <b>hummed</b> to lamp 0, and the tide listened.")
    expect(first.locator("b")).to_have_count(0)
    tops = [section.bounding_box() for section in first.locator(".sample-writer").all()]
    assert len({box["y"] for box in tops if box}) == 1
    first.get_by_text("Your own story").click()
    expect(first).to_contain_text("The keeper lit lamp 0, and the sea came home.")

    older = learned.version("v1")
    older.get_by_text("Samples: the same prompt").click()
    expect(older.locator(".sample").first.locator("h4")).to_have_text(["The base model", "This version, v1"])


def test_samples_that_cannot_be_read_are_said_and_can_be_asked_for_again(
    learned: Learned, registry: Registry
) -> None:
    file = registry.folder("v3") / "samples.json"
    whole = file.read_text()
    file.write_text("{")
    fold = learned.version("v3").get_by_text("Samples: the same prompt")
    fold.click()
    expect(learned.version("v3").get_by_role("alert")).to_contain_text("cannot be read")
    file.write_text(whole)
    fold.click()
    fold.click()
    expect(learned.version("v3").locator(".sample")).to_have_count(2)


def test_a_report_opens_in_a_tab_of_its_own_and_runs_no_script(learned: Learned) -> None:
    with learned.page.context.expect_page() as opening:
        learned.version("v3").get_by_role("link", name="Full report").click()
    report = opening.value
    expect(report.get_by_role("heading", name="Report on v3")).to_be_visible()
    assert report.url.endswith("/learning/versions/v3/report")
    assert report.title() == "Report on v3"  # its script would have said otherwise
    assert report.locator("body").evaluate("body => getComputedStyle(body).color") == "rgb(1, 2, 3)"


# --- nothing there, or something wrong ------------------------------------------------------------


def test_before_anything_was_learned_the_way_there_is_shown(page: Page, bare: Site) -> None:
    ledger = FeedbackLedger(bare.data_dir / "datastories.csv")
    keep(ledger, story_ids(7))
    learned = Learned(page, bare).open()
    expect(page.get_by_role("heading", name="Nothing learned yet")).to_be_visible()
    expect(page.locator("#none")).to_contain_text("You have kept 7 good stories. With 13 more")
    expect(page.get_by_role("progressbar", name="Good stories so far")).to_have_attribute("value", "7")
    for command in ("make learn", "storaiteller-finetune schedule install --at 03:00"):
        expect(page.get_by_text(command)).to_be_visible()
    expect(learned.slider).to_have_count(0)

    keep(ledger, story_ids(20))
    learned.open()
    expect(page.get_by_role("heading", name="Ready to learn")).to_be_visible()


def test_a_damaged_list_is_said_and_is_there_again_once_mended(learned: Learned, registry: Registry) -> None:
    registry.path.write_bytes(registry.path.read_bytes()[:80])
    learned.open()
    expect(learned.page.get_by_text("storaiteller-finetune status --mend")).to_be_visible()
    expect(learned.page.get_by_text("Your stories are not affected")).to_be_visible()
    expect(learned.page.locator("#none")).to_be_hidden()
    registry.mend()
    learned.button("Try again").click()
    expect(learned.versions).to_have_count(5)
    expect(learned.version("The base model")).to_contain_text("Writes now")
    expect(learned.button("Try again")).to_have_count(0)


def test_while_it_is_read_and_when_it_cannot_be_the_page_says_so(
    page: Page, registry: Registry, bare: Site
) -> None:
    """The answer is held back, then refused, as by a server that goes away."""
    with page.expect_response("**/learning"):  # the first page asks for news
        page.goto(bare.address)
    held: list[Route] = []
    page.route("**/learning", lambda route: held.append(route))
    page.goto(f"{bare.origin}/learned")
    expect(page.get_by_text("Reading what it has learned…")).to_be_visible()
    held[0].abort()
    expect(page.get_by_text("StorAIteller does not answer").first).to_be_visible()
    expect(page.locator("#told")).to_be_hidden()
    page.unroute("**/learning")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#versions > li")).to_have_count(5)


# --- eye and hand ---------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.usefixtures("registry")
def test_nothing_scrolls_sideways(browser: Browser, bare: Site, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 740}, reduced_motion="reduce")
    learned = Learned(context.new_page(), bare).open()
    learned.unfold("v3")
    learned.write_with("v1").click()
    expect(learned.button("Back to v3")).to_be_visible()
    expect(learned.version("v3").locator(".sample-writer").first).to_be_visible()

    assert learned.page.evaluate("document.scrollingElement.scrollWidth") <= width
    context.close()


def test_nothing_moves_when_it_arrives_or_when_another_version_writes(learned: Learned) -> None:
    learned.page.add_init_script(
        """window.shifted = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) window.shifted += entry.value;
        }).observe({type: "layout-shift", buffered: true});"""
    )
    learned.open()
    before = learned.version("v2").bounding_box()
    learned.write_with("v4").click()
    expect(learned.version("v4")).to_contain_text("Writes now")

    assert learned.version("v2").bounding_box() == before
    assert learned.page.evaluate("window.shifted") < 0.01


@pytest.mark.usefixtures("registry")
def test_the_page_is_dark_where_the_system_is_and_where_it_was_chosen(browser: Browser, bare: Site) -> None:
    for scheme, presses, is_dark in (("dark", 0, True), ("light", 0, False), ("light", 2, True)):
        context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
        learned = Learned(context.new_page(), bare).open()
        for _ in range(presses):
            learned.page.locator("#theme").click()
        paper = learned.page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        assert (max(map(int, re.findall(r"\d+", paper)[:3])) < 60) == is_dark
        context.close()


def test_the_whole_page_by_keyboard(learned: Learned, registry: Registry) -> None:
    """From the top with Tab alone: to the story, the slider, and each version's button, folds and report."""
    press = learned.page.keyboard.press
    reached = []
    for _ in range(60):
        press("Tab")
        focused = learned.page.evaluate(
            """() => {
              const element = document.activeElement;
              return element.getAttribute("aria-label") || element.innerText || element.id;
            }"""
        )
        reached.append(focused.strip())
        if focused.startswith("Write with this version, v1"):
            break
    assert [name for name in reached if "version, " in name] == [
        f"Write with this version, {name}" for name in ("v4", "v2", "v1")
    ]
    assert {"Write a story", "Back to your story"} & set(reached)  # as there is one in this tab or not
    assert "strength" in reached
    assert reached.count("Figures and tests") == 3
    press("Enter")
    expect(learned.version("v1")).to_contain_text("Writes now")
    press("Tab")
    expect(learned.version("v1").get_by_text("Figures and tests")).to_be_focused()
    press("Enter")
    expect(learned.version("v1").get_by_role("img")).to_have_count(2)
    assert registry.read().active == "v1"


def test_every_control_has_a_name(learned: Learned) -> None:
    learned.unfold("v3")
    expect(learned.version("v3").locator(".sample")).to_have_count(2)
    learned.write_with("v1").click()
    expect(learned.button("Back to v3")).to_be_visible()
    unnamed = [
        control.evaluate("element => element.outerHTML")
        for role in ("button", "slider", "link", "img")
        for control in learned.page.get_by_role(role).all()
        if not control.aria_snapshot().split("\n")[0].count('"')
    ]

    assert unnamed == []


# --- the first page -------------------------------------------------------------------------------


@pytest.fixture
def morning(page: Page, registry: Registry, bare: Site) -> Desk:
    """The first page after a night of learning. The base writes: v3 is no real model."""
    registry.activate(None)
    ended(bare.data_dir, "20261103-030000", "promoted", "Promoted, because it wrote better.")
    return Desk(page, bare.address).open()


NEWS = "Learned from 31 good stories; promoted, because it wrote better."


def test_the_morning_after_one_line_tells_what_was_learned(morning: Desk, bare: Site) -> None:
    news = morning.page.locator("#news")
    expect(news).to_contain_text(NEWS)
    news.get_by_role("link", name="See what it has learned").click()
    expect(morning.page.get_by_role("heading", name="What it has learned")).to_be_visible()
    morning.page.get_by_role("link", name="Back to your story").click()
    expect(morning.story).to_be_visible()
    expect(news).to_be_hidden()


def test_news_stays_until_it_is_put_away_and_then_stays_away(morning: Desk, bare: Site) -> None:
    news = morning.page.locator("#news")
    expect(news).to_contain_text(NEWS)
    morning.page.reload()
    expect(news).to_contain_text(NEWS)
    morning.button("Put this news away").click()
    expect(news).to_be_hidden()
    expect(morning.primary).to_be_focused()
    with morning.page.expect_response("**/learning"):
        morning.page.reload()
    expect(morning.story).to_be_visible()
    expect(news).to_be_hidden()

    ended(bare.data_dir, "20261104-030000", "kept", "Not promoted, because it copied.")
    morning.page.reload()
    expect(news).to_contain_text("Learned from 30 good stories; not promoted, because it copied.")


def test_news_moves_nothing_on_the_page(morning: Desk) -> None:
    places = """['#story', '#dock', '#primary'].map((name) =>
      JSON.stringify(document.querySelector(name).getBoundingClientRect()))"""
    expect(morning.page.locator("#news")).to_be_visible()
    morning.page.evaluate("document.fonts.ready.then(() => true)")
    before = morning.page.evaluate(places)
    morning.button("Put this news away").click()
    expect(morning.page.locator("#news")).to_be_hidden()
    assert morning.page.evaluate(places) == before


def test_on_a_phone_news_and_a_sentence_about_the_story_do_not_lie_on_each_other(
    browser: Browser, morning: Desk, bare: Site
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    desk = Desk(context.new_page(), bare.address).open()
    news = desk.page.locator("#news")
    expect(news).to_be_visible()
    assert desk.page.evaluate("document.scrollingElement.scrollWidth") <= 390
    desk.put("Ada ran along the shore.")
    expect(desk.button("Continue")).to_be_visible()
    expect(news).to_be_hidden()
    context.close()


def test_the_page_is_always_one_press_away_and_never_costs_a_story(morning: Desk) -> None:
    link = morning.page.locator("#settings .to-learned")
    expect(link).to_have_text("What it has learned")
    expect(link).to_have_attribute("target", "")
    morning.fill_settings(max_words=400)
    morning.primary.click()
    expect(morning.primary).to_have_text("Stop")
    morning.page.locator("#model-button").click()
    with morning.page.context.expect_page() as opening:
        morning.page.locator("#models .to-learned").click()
    expect(opening.value.get_by_role("link", name="Write a story")).to_be_visible()
    morning.page.keyboard.press("Escape")
    expect(morning.primary).to_have_text("Stop")
    morning.page.keyboard.press("Escape")
    expect(link).to_have_attribute("target", "")
