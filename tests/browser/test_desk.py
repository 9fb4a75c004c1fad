"""The desk by keyboard and mouse: every key, the line of buttons for ticked rows, Back to the row and the scroll."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser
# What the page would open, instead of leaving it: the number a device would dial, the window a form would print in.
CATCHES = """() => { window.opened = [];
    HTMLFormElement.prototype.submit = function () { window.opened.push(this.action); };
    document.addEventListener('submit', (event) => { if (event.submitter?.formTarget === '_blank'
        || event.target.target === '_blank') { event.preventDefault();
        window.opened.push(event.submitter?.getAttribute('formaction') || event.target.action); } }, true); }"""


def test_each_key_does_what_the_table_of_keys_says(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("officer")
    page.evaluate(CATCHES)
    rows = page.locator("table.desk-table tbody tr[data-task]")
    names = page.locator("table.desk-table a.strong").all_inner_texts()
    assert len(names) == 3
    heading = page.locator("#drawer h2").first
    for key, name in (("j", names[1]), ("j", names[2]), ("k", names[1]), ("k", names[0])):
        page.keyboard.press(key)
        expect(heading).to_have_text(name)
    expect(page.locator("#drawer [data-place]")).to_have_text("1 / 3")
    page.keyboard.press("x")
    expect(page.locator("#batch-form")).to_be_visible()
    expect(page.locator("#batch-form [data-count]")).to_have_text("1")
    page.keyboard.press("x")
    expect(page.locator("#batch-form")).to_be_hidden()
    page.keyboard.press("r")
    expect(page.locator("#reschedule")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#reschedule")).to_be_hidden()
    with page.expect_response(lambda reply: reply.url.endswith("/dial/")) as dialled:
        page.keyboard.press("c")
    assert dialled.value.status in (200, 422)
    # Whatever takes the number to be dialled may take the keyboard with it.
    page.bring_to_front()
    page.keyboard.press("p")
    page.wait_for_function("window.opened.some(where => where.includes('forms.pdf'))")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.bring_to_front()
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.press("Tab")
    page.evaluate("document.activeElement.blur()")
    first = rows.first.get_attribute("data-task")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/tasks/{first}/")


def test_back_comes_to_the_row_that_was_open(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("officer", height=420)
    names = page.locator("table.desk-table a.strong").all_inner_texts()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#drawer h2").first).to_have_text(names[2])
    opened = page.locator("tr.on").get_attribute("data-task")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/tasks/{opened}/")
    page.go_back()
    expect(page.locator("#drawer h2").first).to_have_text(names[2])
    assert page.locator("tr.on").get_attribute("data-task") == opened
    expect(page.locator("tr.on")).to_be_in_viewport()


def test_words_beside_the_name_never_push_the_drawers_buttons_out(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("officer")
    page.keyboard.press("j")
    shut = page.locator("#drawer [data-shut]")
    expect(shut).to_be_visible()
    page.evaluate(
        """() => document.querySelector("#drawer h2").insertAdjacentHTML("afterend",
             '<span class="word red">Review past its limit by 12 workday(s)</span>')"""
    )
    edge, box = page.locator("#drawer").bounding_box(), shut.bounding_box()
    assert box["x"] + box["width"] <= edge["x"] + edge["width"]


def test_a_card_on_a_phone_dials_and_finds_the_way(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("officer", width=390, height=844)
    buttons = page.locator("tr[data-task]").first.locator("button[data-dials]")
    expect(buttons).to_have_count(2)
    for button in buttons.all():
        box = button.bounding_box()
        assert box is not None and box["height"] >= 42
    with page.expect_response(lambda reply: reply.url.endswith("/dial/")) as dialled:
        buttons.first.click()
    assert dialled.value.status in (200, 422)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_ticked_rows_are_acted_on_and_each_refusal_is_said(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("officer")
    page.locator("[data-all]").check()
    expect(page.locator("#batch-form [data-count]")).to_have_text("3")
    page.click("[data-opens=of-close]")
    page.fill("#of-close input[name=note]", "已核对")
    page.click("#of-close button.btn-primary")
    expect(page.locator(".notes")).to_contain_text("不是非现场检查")
    assert page.locator(".notes .note").count() == 3
