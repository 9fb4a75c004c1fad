"""The main road in a real browser: sign in, worklist, a visit, submit, approve, PDF, all on the loan's timeline."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser
CLIPPED = """() => [...document.querySelectorAll('table.desk-table td, table.desk-table th')]
    .filter(cell => cell.offsetParent && cell.scrollWidth > cell.clientWidth).map(cell => cell.innerText)"""

# Puts a large amount into each cell that holds one; how many there were.
GROWN = r"""() => [...document.querySelectorAll('.sheet td.num')].filter(cell => /\.\d\d$/.test(cell.innerText))
    .map(cell => { cell.textContent = '9,999,999,999.99'; }).length"""
CUT = r"""() => [...document.querySelectorAll('.sheet td')]
    .filter(cell => cell.offsetParent && /\d{4}-\d\d-\d\d|\.\d\d/.test(cell.innerText))
    .filter(cell => cell.scrollWidth > cell.clientWidth + 1).map(cell => cell.innerText)"""


def answer_clean(page: Any) -> int:
    """Answers what is required as an officer with nothing to report would; how many answers that took."""
    count = 0
    page.click("#attempt button[value=REACHED]")
    expect(page.locator("#i-contact_outcome")).to_contain_text("接通本人")
    count += 1
    for key in page.evaluate("[...document.querySelectorAll('.item.todo')].map(item => item.id.slice(2))"):
        same = page.locator(f"input[name='choice.{key}'][value=SAME]")
        if same.count():
            same.check()
        else:
            page.locator(f"#i-{key} .choices label").first.click()
        count += 1
    page.locator("input[name=conclusion][value=NO_CONCERN]").check()
    return count + 1


def wait_saved(page: Any) -> None:
    expect(page.locator("#missing")).to_contain_text("已齐")


def test_officer_visits_and_manager_approves(site: Site, open_as: Callable[..., Any]) -> None:
    page, task, loan = open_as("officer"), site.tasks["clean"], site.loans["clean"]
    assert site.names["clean"] in page.inner_text("table.desk-table")
    page.locator(f"tr[data-task='{task}'] td.line").click()
    page.wait_for_selector(f"#drawer form[action='/tasks/{task}/start/']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/tasks/{task}/")
    page.click("text=开始回访")
    page.wait_for_url(f"{site.url}/tasks/{task}/visit/")
    answers = answer_clean(page)
    assert answers <= 12
    wait_saved(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#preview[open] [data-submit]:enabled")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))
    assert "等待审核" in page.inner_text(".notes")

    manager = open_as("manager")
    manager.goto(f"{site.url}/review/")
    assert "没有变化" in manager.inner_text("#report")
    manager.keyboard.press("a")
    manager.fill("#approve-note", "同意")
    manager.click("#approve button.btn-primary")
    manager.wait_for_url(f"{site.url}/review/")
    assert "已通过" in manager.inner_text(".notes")

    page.goto(f"{site.url}/loans/{loan}/")
    page.wait_for_selector("#timeline ol.time")
    timeline = page.inner_text("#timeline")
    for step in ("生成任务", "开始回访", "提交报告", "审核通过"):
        assert step in timeline
    page.locator("#timeline a.link").first.click()
    page.wait_for_selector("text=审核通过")
    pdf = page.context.request.get(site.url + page.get_attribute("a[href$='report.pdf']", "href"))
    assert pdf.ok and pdf.body().startswith(b"%PDF")


@pytest.mark.parametrize(("width", "how"), [(1440, "click"), (390, "tap"), (1440, "Enter"), (1440, "Control+Enter")])
def test_the_button_and_enter_preview_and_submit_nothing(
    site: Site, open_as: Callable[..., Any], width: int, how: str
) -> None:
    page = open_as("officer", width=width, height=844, has_touch=how == "tap")
    page.goto(f"{site.url}/tasks/{site.tasks['clean']}/")
    page.click("text=开始回访")
    page.wait_for_selector("#visit-form")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    if how == "click":
        page.click("footer.submit [data-preview]")
    elif how == "tap":
        page.tap("footer.submit [data-preview]")
    else:
        note = page.locator("input[name='now.request_note']")
        note.fill("希望提前还款")
        note.press(how)
    page.wait_for_selector("#preview[open] #preview-box h2")
    assert "还缺" in page.inner_text("#preview")
    page.wait_for_timeout(1500)
    assert [url for url in sent if not url.endswith(("/draft/", "/hold/"))] == []
    assert page.locator("#lock-line .conflict").count() == 0
    assert page.url.endswith("/visit/")


def test_a_second_window_reads_until_it_takes_over_and_the_first_keeps_its_text(
    site: Site, open_as: Callable[..., Any]
) -> None:
    first = open_as("officer")
    first.goto(f"{site.url}/tasks/{site.tasks['clean']}/")
    first.click("text=开始回访")
    first.wait_for_selector("#visit-form")
    expect(first.locator("[name=tab]").first).not_to_have_value("")
    first.fill("textarea[name=conclusion_text]", "第一页写的")
    expect(first.locator("#version")).to_have_value("2")
    second = first.context.new_page()
    second.goto(first.url)
    expect(second.locator("#lease")).to_contain_text("林晓舟")
    expect(second.locator("#lease")).to_contain_text("本页只读")
    expect(second.locator("textarea[name=conclusion_text]")).not_to_be_editable()
    second.click("text=接管填写")
    expect(second.locator("textarea[name=conclusion_text]")).to_be_editable()
    expect(second.locator("textarea[name=conclusion_text]")).to_have_value("第一页写的")
    first.fill("textarea[name=conclusion_text]", "第一页又写的")
    expect(first.locator("#lock-line .conflict")).to_contain_text("林晓舟")
    expect(first.locator("textarea[name=conclusion_text]")).not_to_be_editable()
    expect(first.locator("textarea[name=conclusion_text]")).to_have_value("第一页又写的")
    second.fill("textarea[name=conclusion_text]", "第二页写的")
    expect(second.locator("#version")).to_have_value("3")
    second.reload()
    expect(second.locator("textarea[name=conclusion_text]")).to_be_editable()
    assert second.input_value("textarea[name=conclusion_text]") == "第二页写的"


def test_many_quick_edits_in_one_tab_never_conflict_with_themselves(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("officer")
    page.goto(f"{site.url}/tasks/{site.tasks['clean']}/")
    page.click("text=开始回访")
    page.wait_for_selector("#visit-form")
    answer_clean(page)
    for word in ("a", "b", "c", "d"):
        page.fill("textarea[name=conclusion_text]", f"客户情况与系统一致 {word}")
        page.wait_for_timeout(350)
        page.locator("input[name=conclusion][value=WATCH]").check()
        page.locator("input[name=conclusion][value=NO_CONCERN]").check()
    page.wait_for_timeout(2500)
    assert page.locator("#lock-line .conflict").count() == 0
    page.reload()
    assert page.input_value("textarea[name=conclusion_text]") == "客户情况与系统一致 d"


def test_a_field_visit_asks_for_a_second_visitor_and_a_change_opens_its_value(
    site: Site, open_as: Callable[..., Any]
) -> None:
    page = open_as("officer")
    page.goto(f"{site.url}/tasks/{site.tasks['field']}/")
    page.click("text=开始回访")
    page.wait_for_selector("#visit-form")
    assert "协办人" in page.inner_text("#i-second_visitor")
    value = page.locator("input[name='now.monthly_income']")
    assert not value.is_visible()
    page.locator("input[name='choice.monthly_income'][value=CHANGED]").check()
    assert value.is_visible()
    value.fill("9,800")
    page.select_option("select[name='verified.monthly_income']", "PAYSLIP")
    expect(page.locator("#effects")).to_contain_text("9,800.00")
    assert "月供收入比" in page.inner_text("#effects")


def test_keys_move_the_row_and_the_drawer(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("officer")
    names = page.locator("table.desk-table a.strong").all_inner_texts()
    page.keyboard.press("j")
    expect(page.locator("#drawer h2").first).to_have_text(names[1])
    page.keyboard.press("k")
    expect(page.locator("#drawer h2").first).to_have_text(names[0])
    page.keyboard.press("r")
    expect(page.locator("#reschedule")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#reschedule")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"


def test_no_cell_of_the_desk_is_clipped_at_1440(site: Site, open_as: Callable[..., Any]) -> None:
    for who in ("officer", "manager"):
        page = open_as(who)
        assert page.evaluate(CLIPPED) == [], who


def test_money_is_never_cut_and_no_page_grows_with_it(site: Site, open_as: Callable[..., Any]) -> None:
    """Every amount of a loan's tables as large as one gets: cells take their width, boxes scroll, pages do not."""
    loan = site.loans["clean"]
    for width in (1440, 1024, 390):
        page = open_as("officer", width=width)
        for path in (f"/loans/{loan}/", f"/loans/{loan}/contract/", f"/loans/{loan}/statement/", "/loans/"):
            page.goto(site.url + path)
            assert page.evaluate(GROWN) > 0, path
            assert page.evaluate(CUT) == [], (width, path)
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (width, path)


def test_nothing_scrolls_sideways_on_a_phone(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("officer", width=390, height=844)
    task, loan = site.tasks["clean"], site.loans["clean"]
    page.goto(f"{site.url}/tasks/{task}/")
    page.click("text=开始回访")
    page.wait_for_selector("#visit-form")
    for path in ("/", f"/tasks/{task}/", f"/tasks/{task}/visit/", "/loans/", f"/loans/{loan}/", "/nothing-here/"):
        page.goto(site.url + path)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, path
    page.goto(f"{site.url}/tasks/{task}/visit/")
    shown = page.locator(".answers section:visible").count()
    assert shown == 1
    page.locator(".sections a", has_text="就业").click()
    assert page.locator("#s-employment").is_visible()
    small = page.evaluate(
        "[...document.querySelectorAll('.answers section.current .pick > *')]"
        ".filter(e => e.offsetParent && e.clientHeight < 42).length"
    )
    assert small == 0


def test_what_is_wrong_is_said_at_its_field(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("officer")
    page.goto(f"{site.url}/tasks/{site.tasks['field']}/")
    page.click("text=开始回访")
    page.wait_for_selector("#visit-form")
    page.locator("input[name='choice.monthly_income'][value=CHANGED]").check()
    page.locator("input[name='now.monthly_income']").fill("-5")
    expect(page.locator("#i-monthly_income .why-wrong")).to_contain_text("请填写金额")
    expect(page.locator("input[name='now.monthly_income']")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#missing")).to_contain_text("1 项有误")
    page.locator("input[name='now.monthly_income']").fill("9800")
    page.select_option("select[name='verified.monthly_income']", "PAYSLIP")
    expect(page.locator("#i-monthly_income .why-wrong")).to_have_count(0)
    expect(page.locator("#effects")).to_contain_text("9,800.00")
    note = page.locator("input[name='now.measure_proposed'], input[name='now.request_note']").first
    note.fill("延期\u202e申请")
    expect(page.locator(".item.wrong .why-wrong")).to_contain_text("不可见")
    expect(page.locator("#effects")).to_contain_text("9,800.00")
    note.fill("延期申请")
    expect(page.locator(".item.wrong")).to_have_count(0)
    page.click("[data-take-draft]")
    text = page.locator("textarea[name=conclusion_text]")
    expect(text).to_have_value(page.inner_text("#drafted"))
    expect(page.locator("[data-take-draft]")).to_be_hidden()


def test_a_ticked_box_is_seen_and_the_batch_line_keeps_its_height(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("manager")
    box = page.locator("tbody input[name=task]").first
    ground = "box => getComputedStyle(box).backgroundColor + getComputedStyle(box).backgroundImage.slice(0, 8)"
    empty = box.evaluate(ground)
    box.check()
    assert box.evaluate(ground) != empty
    assert "url(" in box.evaluate(ground)
    line = page.locator("#batch-form")
    expect(line).to_be_visible()
    assert line.locator("span").first.evaluate("line => line.getClientRects().length") == 1
    assert line.bounding_box()["height"] <= 40
