"""``make pictures``: what the README shows, taken from the real page with the real demo model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from storaiteller import demo_model
from tests.browser.conftest import QUIET, Site, serving
from tests.browser.desk import Desk
from tests.browser.install import find_chromium

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
    desk.until_begun(words=60)


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
    """A passage, and the toolbar that asks what to do with it."""
    put(desk)
    desk.select(PASSAGE)
    expect(desk.toolbar).to_be_visible()


def rewriting(desk: Desk) -> None:
    """The second suggestion for a passage."""
    put(desk)
    desk.rewrite(PASSAGE, "more mysterious")
    desk.button("Try again", desk.suggestion).click()
    desk.until_suggested()


def choosing(desk: Desk) -> None:
    """The models to choose from."""
    put(desk)
    desk.page.locator("#model-button").click()
    expect(desk.page.locator("#models")).to_be_visible()


SCENES: dict[str, Callable[[Desk], None]] = {
    "settings": begin, "writing": writing, "written": written,
    "selecting": selecting, "rewriting": rewriting, "models": choosing,
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
)  # fmt: skip


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        models.mkdir()
        (models / demo_model.FILE_NAME).symlink_to(ROOT / "data" / "models" / demo_model.FILE_NAME)
        with serving(Path(folder), "--engine", "embedded") as site, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
            for scene, size, scheme in FOR_THE_README:
                take(browser, site, scene, size, scheme, PICTURES)
            browser.close()


if __name__ == "__main__":
    main()
