"""A clean phone visit by keyboard alone, its answers counted; returned, amended, approved (S2.4, S2.14, S2.18)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser
MOST_ANSWERS = 12
# The question in which the keyboard stands: how it is answered, and whether it still has to be.
STANDING = """() => {
    const at = document.activeElement;
    const box = at?.closest('#i-conclusion, .item');
    if (!box || !at.matches('input[type=radio]')) return null;
    const name = at.name;
    const asked = box.classList.contains('todo') || !box.classList.contains('item');
    const done = document.querySelector(`input[name="${CSS.escape(name)}"]:checked`) !== null;
    return {name, value: at.value, todo: asked && !done,
            same: box.querySelector('input[value=SAME]') !== null};
}"""


def call_by_keyboard(page: Any) -> int:
    """The call's outcome where calls are recorded: one answer, which the form then shows."""
    for _step in range(80):
        if page.evaluate("document.activeElement?.matches('#attempt button[value=REACHED]')"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#i-contact_outcome")).to_contain_text("接通本人")
    return 1


def answers_by_keyboard(page: Any, conclusion: str = "NO_CONCERN") -> int:
    """Goes through the form with Tab, Space, the arrows and U; how many answers that took. No mouse is used."""
    count = call_by_keyboard(page) if page.locator("#i-contact_outcome a").count() else 0
    page.keyboard.press("Alt+1")
    for _step in range(400):
        here = page.evaluate(STANDING)
        if here is None or not here["todo"]:
            if page.evaluate("document.activeElement?.name") == "conclusion_text":
                break
            page.keyboard.press("Tab")
            continue
        if here["name"] == "conclusion":
            assert here["value"] == conclusion, "the first choice is the clean one"
        page.keyboard.press("u" if here["same"] else "Space")
        expect(page.locator(f"input[name='{here['name']}']:checked")).to_have_count(1)
        count += 1
    return count


def submit_by_keyboard(page: Any, site: Site) -> None:
    expect(page.locator("#missing")).to_contain_text("已齐")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#preview[open] [data-submit]:enabled")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))


def test_a_clean_phone_visit_takes_at_most_twelve_answers_and_no_mouse(site: Site, open_as: Callable[..., Any]) -> None:
    officer, task = open_as("officer"), site.tasks["clean"]
    officer.goto(f"{site.url}/tasks/{task}/")
    officer.locator("button", has_text="开始回访").focus()
    officer.keyboard.press("Enter")
    officer.wait_for_selector("#visit-form")
    officer.add_init_script("addEventListener('pointerdown', () => sessionStorage.setItem('clicked', '1'), true)")
    officer.reload()
    answers = answers_by_keyboard(officer)
    assert 3 <= answers <= MOST_ANSWERS
    assert officer.evaluate("sessionStorage.getItem('clicked')") is None
    submit_by_keyboard(officer, site)

    manager = open_as("manager")
    manager.goto(f"{site.url}/review/")
    manager.keyboard.press("b")
    manager.locator("#return label", has_text="就业").click()
    manager.locator("#return label", has_text="核实不足").click()
    manager.fill("#return-reason", "工作单位请补充核实方式")
    manager.click("#return button.btn-primary")
    manager.wait_for_url(f"{site.url}/review/")

    officer.goto(f"{site.url}/tasks/{task}/visit/")
    expect(officer.locator("#lock-line")).to_contain_text("工作单位请补充核实方式")
    officer.locator("input[name='choice.employer'][value=CHANGED]").check()
    officer.fill("input[name='now.employer']", "江城恒信机电集团")
    officer.select_option("select[name='verified.employer']", "SOCIAL_SECURITY")
    officer.fill("textarea[name=conclusion_text]", "单位更名，已凭社保记录核实。")
    submit_by_keyboard(officer, site)

    manager.goto(f"{site.url}/review/")
    expect(manager.locator("#report")).to_contain_text("与上一版的不同")
    expect(manager.locator("#report")).to_contain_text("江城恒信机电集团")
    manager.keyboard.press("a")
    manager.click("#approve button.btn-primary")
    manager.wait_for_url(f"{site.url}/review/")
    assert "已通过" in manager.inner_text(".notes")
    officer.goto(f"{site.url}/tasks/{task}/")
    expect(officer.locator("#content").first).to_contain_text("办结")
