"""The visit's page while it is scrolled: what stays in view, and what a system fact says of itself."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests import pictures
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser
TOP = "document.querySelector('#effects').getBoundingClientRect().top"


def begun(site: Site, open_as: Callable[..., Any], width: int) -> Any:
    page = open_as("officer", width=width, height=640)
    page.goto(f"{site.url}/tasks/{site.tasks['clean']}/")
    page.click("text=开始回访")
    page.wait_for_selector("#visit-form")
    page.wait_for_load_state("load")
    return page


def test_ratios_and_signals_stay_in_view(site: Site, open_as: Callable[..., Any]) -> None:
    page = begun(site, open_as, 1440)
    before = page.evaluate(TOP)
    page.evaluate("window.scrollTo(0, 700)")
    page.wait_for_function("window.scrollY > 640")
    strip = page.evaluate("document.querySelector('.vstrip').getBoundingClientRect().bottom")
    assert 90 < strip < before and abs(page.evaluate(TOP) - strip) <= 1
    expect(page.locator("#effects")).to_be_in_viewport(ratio=0.8)


@pytest.mark.parametrize("width", [1440, 390])
def test_a_system_fact_says_where_and_when_it_was_read(site: Site, open_as: Callable[..., Any], width: int) -> None:
    page = begun(site, open_as, width)
    page.evaluate("document.querySelector('.answers').classList.remove('one-at-a-time')")
    source = page.locator("#i-property_value .how")
    expect(source).to_be_visible()
    expect(source).to_contain_text("评估")
    expect(source.locator("a")).to_have_attribute("href", f"/loans/{site.loans['clean']}/#collateral")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


PDF = {"name": "在职证明.pdf", "mimeType": "application/pdf", "buffer": pictures.PDF}


# S2.14
@pytest.mark.parametrize("width", [1440, 390])
def test_a_file_is_added_at_the_row_of_its_question_by_keyboard(
    site: Site, open_as: Callable[..., Any], width: int
) -> None:
    page = begun(site, open_as, width)
    # The browser keeps dialogs to itself until somebody listens, and takes a moment to know it.
    page.on("filechooser", lambda _dialog: None)
    page.evaluate("document.querySelector('.answers').classList.remove('one-at-a-time')")
    page.evaluate("document.querySelectorAll('.answers section').forEach(each => each.classList.add('current'))")
    link = page.locator("#i-employer .attach")
    expect(link).to_have_accessible_name("添加佐证：工作单位")
    link.focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(PDF)
    expect(page.locator("#f-employer")).to_contain_text("在职证明.pdf")
    expect(page.locator("#files li")).to_contain_text("工作单位")
    expect(page.locator("#f-monthly_income")).to_be_hidden()
    assert page.evaluate("document.activeElement.dataset.proves") == "employer", "the keyboard stays at the row"
    page.locator("#files .assigns summary").click()
    page.select_option("#files .assigns select", "monthly_income")
    page.locator("#files .assigns button").click()
    expect(page.locator("#f-monthly_income")).to_contain_text("在职证明.pdf")
    expect(page.locator("#f-employer")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_dialog_that_is_shut_leaves_the_general_upload_as_it_was(site: Site, open_as: Callable[..., Any]) -> None:
    page = begun(site, open_as, 1440)
    page.evaluate("HTMLInputElement.prototype.click = function () { this.dispatchEvent(new Event('cancel')); }")
    page.locator("#i-employer .attach").click()
    assert page.evaluate("document.querySelector('#files form select[name=item]:not(.assigns *)').value") == ""


def test_what_follows_an_answer_appears_with_it_and_goes_again(site: Site, open_as: Callable[..., Any]) -> None:
    page = begun(site, open_as, 1440)
    date, proof, tenant = (page.locator(f"#i-{key}") for key in ("work_changed_on", "work_change_proof", "tenant"))
    for hidden in (date, proof, tenant):
        expect(hidden).to_be_hidden()
    page.locator("input[name='choice.employer'][value=CHANGED]").check()
    expect(date).to_be_visible()
    expect(proof).to_be_visible()
    page.locator("input[name='choice.employer'][value=SAME]").check()
    expect(date).to_be_hidden()
    page.locator("input[name='choice.occupancy'][value=CHANGED]").check()
    page.select_option("select[name='now.occupancy']", "LET")
    page.select_option("select[name='verified.occupancy']", "ORAL")
    expect(tenant).to_be_visible()
    page.locator("input[name='choice.tenant'][value=CHANGED]").check()
    page.fill("input[name='now.tenant']", "李四")
    page.select_option("select[name='verified.tenant']", "ORAL")
    expect(page.locator("#saved")).to_contain_text("已保存")
    page.select_option("select[name='now.occupancy']", "VACANT")
    expect(page.locator("#i-monthly_rent")).to_be_hidden()
    expect(tenant).to_be_visible()
