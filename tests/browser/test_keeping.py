"""Nothing a writer has is lost: closed tabs, two tabs, a server that goes, strangers at the door."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Site, serving
from tests.browser.desk import SLOW_MS, Desk

pytestmark = [pytest.mark.browser, pytest.mark.model]


def test_a_reloaded_tab_has_its_text_and_settings(desk: Desk) -> None:
    desk.put("Ada ran. 🌙")
    desk.fill_settings(names="Cleo", keywords="salt", max_words=77, genre="War")
    kept = desk.text
    desk.page.reload()

    expect(desk.story).to_contain_text("Ada ran. 🌙")
    assert desk.text == kept
    desk.open_settings()
    expect(desk.page.get_by_label("Maximum number of words")).to_have_value("77")
    expect(desk.page.get_by_label("Genre")).to_have_value("War")
    expect(desk.button("Remove Cleo")).to_be_visible()


def test_the_story_before_is_in_reach_after_a_reload_too(desk: Desk) -> None:
    desk.put("My own three thousand words.")
    told = desk.write(max_words=30)
    desk.page.reload()
    expect(desk.story).to_contain_text(told[:20])
    assert desk.text == told

    desk.button("Undo").click()
    assert desk.text == "My own three thousand words."
    desk.button("Redo").click()
    assert desk.text == told


def test_an_error_is_gone_when_it_is_over(desk: Desk, site: Site) -> None:
    desk.put("Ada ran.")
    ledger = site.data_dir / "datastories.csv"
    ledger.unlink(missing_ok=True)
    ledger.write_text("somebody,elses\n")
    desk.page.locator("#good").click()
    expect(desk.note).to_contain_text("not a ledger")
    ledger.unlink()
    desk.page.locator("#good").click()

    expect(desk.page.locator("#good")).to_have_attribute("aria-pressed", "true")
    expect(desk.note).not_to_contain_text("not a ledger")


def test_a_closed_tab_comes_back_in_a_new_one(desk: Desk, context: BrowserContext, site: Site) -> None:
    desk.put("Not to be lost.")
    desk.page.close(run_before_unload=False)

    again = Desk(context.new_page(), site.origin).open()

    expect(again.story).to_contain_text("Not to be lost.")


def test_two_tabs_never_touch_each_others_story(desk: Desk, context: BrowserContext, site: Site) -> None:
    desk.put("The first tab's.")
    assert desk.text == "The first tab's."
    other = Desk(context.new_page(), site.origin).open()
    expect(other.story).not_to_contain_text("first")

    other.put("The second tab's.")
    desk.page.reload()
    other.page.reload()

    expect(desk.story).to_have_text("The first tab's.")
    expect(other.story).to_have_text("The second tab's.")


def test_a_server_that_goes_away_leaves_the_story_and_says_so(
    context: BrowserContext, site: Site, browser: Browser
) -> None:
    page = context.new_page()
    with serving(site.data_dir, "--engine", "embedded", STORAITELLER_TOKEN="t" * 32) as short_lived:
        desk = Desk(page, short_lived.address).open()
        desk.fill_settings(max_words=2_000)
        desk.primary.click()
        desk.until_begun(words=10)
    expect(desk.note).to_contain_text("Your text stays on this page", timeout=SLOW_MS)
    written = desk.text
    assert written
    port = short_lived.origin.rsplit(":", 1)[1]

    with serving(site.data_dir, "--engine", "embedded", "--port", port, STORAITELLER_TOKEN="t" * 32) as back:
        assert back.origin == short_lived.origin
        desk.button("Continue").click()
        desk.until_begun(words=len(written.split()) + 5)
        desk.primary.click()
        desk.until_written()

    assert desk.text.startswith(written)


def test_a_stranger_is_told_where_the_key_is(page: Page, browser: Browser, site: Site) -> None:
    context = browser.new_context()
    stranger = context.new_page()
    answer = stranger.goto(site.origin)

    assert answer is not None
    assert answer.status == 401
    expect(stranger.locator("body")).to_contain_text("terminal")
    context.close()


def test_the_token_does_not_stay_in_the_address(desk: Desk, site: Site) -> None:
    assert "token" not in desk.page.url
    cookies = desk.page.context.cookies()
    assert [(cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies] == [(True, "Strict")]


def test_a_password_lets_in_who_knows_it(browser: Browser, site: Site) -> None:
    with serving(site.data_dir, "--engine", "embedded", STORAITELLER_PASSWORD="open sesame") as guarded:
        context = browser.new_context()
        page = context.new_page()
        page.goto(guarded.origin)
        page.get_by_label("Password").fill("open barley")
        page.get_by_role("button").click()
        expect(page.locator("body")).to_contain_text("not", ignore_case=True)
        page.get_by_label("Password").fill("open sesame")
        page.get_by_role("button").click()

        expect(page.get_by_role("textbox", name="Story")).to_be_visible()
        context.close()
