"""A real server with the demo model, and a real Chromium."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.desk import Desk
from tests.browser.install import find_chromium

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass(frozen=True)
class Site:
    """A running app: the address that lets a browser in, and where it keeps its files."""

    address: str
    data_dir: Path

    @property
    def origin(self) -> str:
        return self.address.split("/?")[0]


@contextmanager
def serving(data_dir: Path, *options: str, **environment: str) -> Iterator[Site]:
    """Serve the app from a process of its own, on a free port."""
    command = [sys.executable, "-m", "storaiteller", "serve", "--no-browser", "--port", "0"]
    with subprocess.Popen(
        [*command, "--data-dir", str(data_dir), *options],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert "Open " in line, "the server did not start; see its words above"
            yield Site(line.split("Open ")[1].strip(), data_dir)
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, demo_model_path: Path) -> Iterator[Site]:
    """The app on the demo model."""
    data_dir = tmp_path_factory.mktemp("data")
    (data_dir / "models").mkdir()
    (data_dir / "models" / demo_model_path.name).symlink_to(demo_model_path)
    with serving(data_dir, "--engine", "embedded") as site:
        yield site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=10_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser nobody has used yet."""
    context = browser.new_context(viewport={"width": 1180, "height": 800}, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab in which nothing may go wrong unseen: no error on the console, no script that fails."""
    page = context.new_page()
    wrong: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        refused = message.text.startswith("Failed to load resource")  # what a test provokes
        if message.type in ("error", "warning") and not refused:
            wrong.append(f"{message.text} {message.location}")

    page.on("console", listen)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    assert not wrong


@pytest.fixture
def desk(page: Page, site: Site) -> Desk:
    return Desk(page, site.address).open()
