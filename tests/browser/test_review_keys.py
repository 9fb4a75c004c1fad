"""The review desk by keyboard alone: moving, evidence, note, return, approving and moving on (users.md 3 C)."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site
from tests.browser.test_keyboard import answers_by_keyboard, submit_by_keyboard

pytestmark = pytest.mark.browser


def hand_in(officer: Any, site: Site, task: int) -> None:
    officer.goto(f"{site.url}/tasks/{task}/")
    officer.locator("button", has_text="开始回访").click()
    officer.wait_for_selector("#visit-form")
    answers_by_keyboard(officer)
    submit_by_keyboard(officer, site)


def shows(page: Any, name: str) -> None:
    """The report of this borrower is there, and its page is done loading: its keys act."""
    expect(page.locator("#report h1")).to_have_text(name)
    page.wait_for_load_state()


def test_a_manager_reviews_without_the_mouse(site: Site, open_as: Callable[..., Any]) -> None:
    officer = open_as("officer")
    for key in ("clean", "other"):
        hand_in(officer, site, site.tasks[key])
    page = open_as("manager")
    page.goto(f"{site.url}/review/")
    page.evaluate("""() => { window.clicks = 0;
        addEventListener('pointerdown', () => (window.clicks += 1), true); }""")
    names = [row.strip() for row in page.locator("a.q b").all_inner_texts()]
    assert sorted(names) == sorted([site.names["clean"], site.names["other"]])
    shows(page, names[0])

    evidence = page.locator("#evidence")
    page.keyboard.press("Space")
    expect(evidence).to_have_attribute("open", "")
    page.keyboard.press("Space")
    expect(evidence).not_to_have_attribute("open", "")

    page.keyboard.press("j")
    shows(page, names[1])
    page.keyboard.press("k")
    shows(page, names[0])

    page.keyboard.press("n")
    expect(page.locator("#approve-note")).to_be_focused()
    page.keyboard.type("j")
    # Keys are text while a note is written.
    expect(page.locator("#approve-note")).to_have_value("j")
    page.keyboard.press("Escape")
    expect(page.locator("#approve")).to_be_hidden()

    page.keyboard.press("b")
    expect(page.locator("#return")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.locator("#approve-note")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".notes")).to_contain_text("已通过")
    shows(page, names[1])
    expect(page.locator("a.q")).to_have_count(1)
    assert page.evaluate("window.clicks") in (0, None)


def test_clean_reports_are_ticked_by_keyboard_once_they_were_opened(site: Site, open_as: Callable[..., Any]) -> None:
    officer = open_as("officer")
    for key in ("clean", "other"):
        hand_in(officer, site, site.tasks[key])
    page = open_as("manager")
    page.goto(f"{site.url}/review/?chip=clean")
    boxes = page.locator(".qrow input[type=checkbox]")
    expect(boxes).to_have_count(2)
    expect(boxes.nth(1)).to_be_disabled()
    page.keyboard.press("x")
    expect(boxes.nth(0)).to_be_checked()
    page.keyboard.press("j")
    page.wait_for_url("**report=**")
    page.wait_for_load_state()
    expect(page.locator(".q.on")).to_have_count(1)
    expect(boxes.nth(1)).to_be_enabled()
    expect(boxes.nth(0)).to_be_checked()
    page.keyboard.press("x")
    expect(page.locator("[data-count]")).to_have_text("2")
    page.locator("[data-go]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".notes")).to_contain_text("已批量通过 2 份报告")
    expect(page.locator("a.q")).to_have_count(0)


def test_on_a_phone_the_names_of_ratios_stand_in_words_beside_their_figures(
    site: Site, open_as: Callable[..., Any]
) -> None:
    hand_in(open_as("officer"), site, site.tasks["clean"])
    page = open_as("manager", width=390, height=844)
    page.goto(f"{site.url}/review/")
    table = page.locator("table", has_text="月供收入比").first
    table.wait_for()
    name, last = table.locator("tbody td").first.bounding_box(), table.locator("tbody tr td").nth(4).bounding_box()
    assert name["width"] >= 60 and last["x"] + last["width"] <= 390
