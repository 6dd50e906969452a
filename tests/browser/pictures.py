"""``make pictures``: what the README shows, taken from the real page with the real demo model."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from storaiteller import demo_model
from storaiteller.feedback import FeedbackLedger
from tests.browser.conftest import QUIET, Site, serving
from tests.browser.desk import SLOW_MS, Desk
from tests.browser.install import find_chromium
from tests.learning.stories import style_stories

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "web" / "pictures"

STORY = (
    "Ada lived in a crooked lighthouse at the edge of the sea. Every night she polished the great lamp and "
    "hummed to the moon. Her friend Bo, who was afraid of the dark, came to sit beside her on the stairs.\n\n"
    "One evening the tide did not come back. The sand lay bare for miles, and a small silver door stood in "
    "the middle of it. Ada took the lamp and Bo took her hand.\n\n"
    "Behind the door they found the moon asleep in a bed of shells. Bo whispered her name, and the sea came "
    "home again."
)
PASSAGE = "The sand lay bare for miles, and a small silver door stood in the middle of it."


def begin(desk: Desk) -> None:
    """A new writer, and the settings of a story."""
    desk.fill_settings(names="Ada, Bo", keywords="moon, tide, lighthouse", max_words=160)


def writing(desk: Desk) -> None:
    """A story in mid-stream."""
    begin(desk)
    desk.primary.click()
    desk.until_begun(words=40)  # not every story has many more


def written(desk: Desk) -> None:
    """A whole story, kept as a good one."""
    desk.write(max_words=160)
    desk.page.locator("#good").click()
    expect(desk.page.locator("#good")).to_have_attribute("aria-pressed", "true")


def put(desk: Desk) -> None:
    """Our story on the page, and the settings out of the way."""
    desk.put(STORY)
    if desk.button("Close settings").is_visible():
        desk.button("Close settings").click()


def selecting(desk: Desk) -> None:
    """A passage, and the toolbar with all that it offers."""
    put(desk)
    desk.select(PASSAGE)
    desk.button("More ways").click()
    expect(desk.button("Shorter")).to_be_visible()


def takes(desk: Desk) -> None:
    """Three takes of a passage side by side, compared with what is there."""
    selecting(desk)
    desk.page.get_by_role("radio", name="3").check()
    desk.button("More vivid").click()
    desk.button("Side by side", desk.suggestion).click()
    expect(desk.page.locator("#takes-stop")).to_be_hidden(timeout=SLOW_MS)


def words(desk: Desk) -> None:
    """The words that the model thought of."""
    put(desk)
    desk.select("door")
    desk.button("Other words").click()
    expect(desk.page.locator(".word-choice").first).to_be_focused(timeout=SLOW_MS)


def origins(desk: Desk) -> None:
    """Who wrote what."""
    desk.write(max_words=120)
    desk.story.press("ControlOrMeta+End")
    desk.page.keyboard.type(" And that, Bo thought, was that.")
    desk.page.keyboard.press("Alt+o")


def rewriting(desk: Desk) -> None:
    """The second suggestion for a passage."""
    put(desk)
    desk.rewrite(PASSAGE, "more mysterious")
    desk.button("Another take", desk.suggestion).click()
    desk.until_suggested()


def choosing(desk: Desk) -> None:
    """The models to choose from."""
    put(desk)
    desk.page.locator("#model-button").click()
    expect(desk.page.locator("#models")).to_be_visible()


SHELF: tuple[tuple[str, str, list[str]], ...] = (
    ("The moon asleep", STORY, ["sea", "for Ada"]),
    (
        "Salt",
        "In the third winter of the siege the salt ran out, and with it the patience of the queen.",
        ["war"],
    ),
    ("", "The baker of Nulle had never seen snow that fell upwards, and he told nobody.", []),
    (
        "What the tide owed",
        "Nobody in the village could say when the tide had begun to keep accounts.",
        ["sea"],
    ),
)


def library(desk: Desk) -> None:
    """The shelf with some stories."""
    for title, text, tags in SHELF:
        body = {"title": title, "text": text, "tags": tags}
        desk.page.request.post(
            f"{origin_of(desk)}/library/stories", data=body, headers={"Origin": origin_of(desk)}
        )
    desk.page.goto(f"{origin_of(desk)}/library")
    expect(desk.page.get_by_role("heading", name="Salt").first).to_be_visible()


def versions(desk: Desk) -> None:
    """What changed since an earlier version."""
    put(desk)
    desk.rewrite(PASSAGE, "more mysterious")
    desk.button("Accept", desk.suggestion).click()
    desk.put(
        STORY.replace("a small silver door", "a silver door no taller than a child").replace(" for miles", "")
    )
    expect(desk.page.locator("#versions-button")).to_have_attribute("aria-disabled", "false")
    desk.page.locator("#versions-button").click()
    expect(desk.page.locator("#diff ins").first).to_be_visible()


def learned(desk: Desk) -> None:
    """What a night came to."""
    desk.page.goto(f"{origin_of(desk)}/learned")
    expect(desk.page.get_by_role("heading", name="v1")).to_be_visible()


def report(desk: Desk) -> None:
    """The report of that night."""
    desk.page.goto(f"{origin_of(desk)}/learning/versions/v1/report")


def origin_of(desk: Desk) -> str:
    return desk.address.partition("/?")[0]


SCENES: dict[str, Callable[[Desk], None]] = {
    "settings": begin, "writing": writing, "written": written,
    "selecting": selecting, "rewriting": rewriting, "takes": takes, "words": words,
    "origins": origins, "models": choosing,
    "library": library, "versions": versions,
    "learned": learned, "report": report,
}  # fmt: skip
SIZES = {"wide": (1440, 900), "phone": (390, 844)}


def take(browser: Browser, site: Site, scene: str, size: str, scheme: str, folder: Path) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        is_mobile=size == "phone",
        has_touch=size == "phone",
    )
    desk = Desk(context.new_page(), site.address).open()
    SCENES[scene](desk)
    desk.page.wait_for_timeout(300)  # for the eye only: let focus rings and fonts settle
    desk.page.screenshot(path=folder / f"{scene}-{size}-{scheme}.png")
    context.close()


FOR_THE_README = (
    ("written", "wide", "light"), ("rewriting", "wide", "light"), ("writing", "wide", "dark"),
    ("settings", "phone", "light"), ("rewriting", "phone", "dark"),
    ("takes", "wide", "light"), ("words", "wide", "dark"),
    ("selecting", "phone", "light"), ("origins", "phone", "dark"),
    ("library", "wide", "light"), ("versions", "wide", "dark"),
)  # fmt: skip
OF_LEARNING = (
    ("learned", "wide", "light"), ("report", "wide", "light"),
)  # fmt: skip


def learn(data: Path) -> None:
    """A real night with sixty-four stories."""
    ledger = FeedbackLedger(data / "datastories.csv")
    for story in style_stories(64):
        ledger.save(story)
    command = ["-m", "finetune", "--data-dir", str(data), "--engine", "embedded", "nightly"]
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True)


def main() -> None:
    """Take all pictures, or those of the page or of learning alone: ``pictures [page|learning]``."""
    what = sys.argv[1:] or ["page", "learning"]
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        (data / "models").mkdir()
        (data / "models" / demo_model.FILE_NAME).symlink_to(ROOT / "data" / "models" / demo_model.FILE_NAME)
        if "page" in what:
            take_all(data, FOR_THE_README)
        if "learning" in what:
            learn(data)
            take_all(data, OF_LEARNING)


def take_all(data: Path, pictures: Sequence[tuple[str, str, str]]) -> None:
    with serving(data, "--engine", "embedded") as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        for scene, size, scheme in pictures:
            take(browser, site, scene, size, scheme, PICTURES)
        browser.close()


if __name__ == "__main__":
    main()
