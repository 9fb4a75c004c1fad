"""Changes of contract in a real browser, each from its page to what is stored: asked, decided, signed, applied."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import HOME, Ready, Site
from tests.changing import PDF
from tests.factories import PASSWORD

pytestmark = pytest.mark.browser
REASON = "客户申请办理"


@pytest.fixture
def bank(site: Site) -> Site:
    """The site with risk, operations, and loans that have room for changes; the second of a month is their due day."""
    from people.models import Staff
    from tests.factories import book_loan, make_party, make_staff

    officer = Staff.objects.get(staff_no=site.staff["officer"])
    site.staff["risk"] = make_staff("RISK_MANAGER", officer.branch, name="秦岚").staff_no
    site.staff["operations"] = make_staff("OPERATIONS", officer.branch, name="罗静").staff_no
    plain = {"disbursed_on": date(2023, 1, 2), "matures_on": date(2043, 1, 2), "due_day": 2}
    for key, name, late in (("first", "顾丽娟", 0), ("second", "梁伟", 0), ("late", "冯勇", 40), ("lost", "范娟", 400)):
        loan = book_loan(officer.branch, officer=officer, borrower=make_party(name=name), days_past_due=late, **plain)
        site.loans[key], site.names[key] = loan.pk, name
    return site


@pytest.fixture
def evening(ready: Ready) -> Callable[[date], None]:
    """Closes the dates up to one in a process of its own, as operations do."""

    def close(through: date) -> None:
        command = [sys.executable, "manage.py", "day_end", "--through", str(through)]
        subprocess.run(command, cwd=HOME, env=ready.env, check=True, capture_output=True)

    return close


def state_of(page: Any) -> Any:
    return page.locator("main h1 ~ .word").first


def hand_in(page: Any) -> str:
    """Presses the button below a preview; the path of the change."""
    page.fill("#change-preview textarea[name=reason]", REASON)
    page.locator("#change-preview form button.btn-primary").click()
    page.wait_for_url(re.compile(r"/changes/\d+/$"))
    expect(state_of(page)).to_have_text("待审批")
    return re.sub(r"^https?://[^/]+", "", page.url)


def ask(bank: Site, page: Any, loan: str, kind: str, *, file: bool = False, **typed: str) -> str:
    """From the contract page to a proposed change."""
    page.goto(f"{bank.url}/loans/{bank.loans[loan]}/contract/")
    page.locator(".tabs a", has_text="申请变更").click()
    page.locator("ul.kinds a.strong").get_by_text(kind, exact=True).click()
    for name, text in typed.items():
        field = page.locator(f"form.entry-form [name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(text)
        else:
            field.fill(text)
    if not page.locator("#change-preview textarea[name=reason]").count():
        page.locator("form.entry-form button").click()
        page.wait_for_selector("#change-preview textarea[name=reason]")
    if file:
        evidence = {"name": "呆账认定书.pdf", "mimeType": "application/pdf", "buffer": PDF}
        page.set_input_files("#change-preview input[name=evidence]", files=[evidence])
    return hand_in(page)


def approve(bank: Site, page: Any, path: str) -> None:
    page.goto(bank.url + path)
    page.locator("button[value=approve]").click()
    expect(state_of(page)).to_have_text("待签署")


def sign(bank: Site, page: Any, path: str) -> None:
    page.goto(bank.url + path)
    page.fill("#sign-note", "柜面签署补充协议")
    page.get_by_role("button", name="登记已签署").click()
    expect(state_of(page)).to_have_text("待生效")


def apply(page: Any, then: str) -> None:
    page.get_by_role("button", name="现在生效").click()
    expect(state_of(page)).to_have_text(then)


def teller(bank: Site, page: Any) -> Any:
    """A page of operations, whose first page is another than the others'."""
    other = page.context.browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN").new_page()
    other.goto(f"{bank.url}/sign-in/")
    other.fill("form.enter input[name=username]", bank.staff["operations"])
    other.fill("form.enter input[name=password]", PASSWORD)
    other.click("form.enter button[type=submit]")
    other.wait_for_url(lambda url: "/sign-in/" not in url)
    return other


def take(bank: Site, page: Any, loan: str, amount: str) -> None:
    page.goto(f"{bank.url}/loans/{bank.loans[loan]}/payment/")
    page.fill("input[name=amount]", amount)
    button = page.locator("form.confirm button.btn-primary")
    expect(button).to_contain_text(f"入账 {amount}")
    # Held as long as a hand does: leaving the field must not exchange the button beneath it.
    button.click(delay=400)
    page.wait_for_url(re.compile(r"/postings/\?receipt="))


def test_an_extension_waits_for_its_day_and_a_stale_change_is_refused_by_name(
    bank: Site, open_as: Callable[..., Any], evening: Callable[[date], None]
) -> None:
    officer, manager = open_as("officer"), open_as("manager")
    stale = ask(bank, officer, "second", "变更还款方式", method="EQUAL_PRINCIPAL")
    path = ask(bank, officer, "first", "展期", installments="240", effective_on="2026-11-02")
    approve(bank, manager, path)
    sign(bank, officer, path)
    expect(officer.locator("main")).to_contain_text("2026-11-02 日终自动生效")
    contract = f"{bank.url}/loans/{bank.loans['first']}/contract/"
    officer.goto(contract)
    expect(officer.locator("main .fault")).to_contain_text("展期）待生效，拟于 2026-11-02 生效")

    # The form is open while the evening bills the installment that the change was simulated before.
    manager.goto(bank.url + stale)
    manager.fill("#decide-note", "同意办理")
    evening(date(2026, 11, 2))
    manager.locator("button[value=approve]").click()
    expect(manager.locator("main .fault")).to_contain_text("第 46 期已出账")
    expect(manager.locator("#decide-note")).to_have_value("同意办理")
    expect(manager.locator("button[value=approve]")).to_have_count(0)
    expect(state_of(manager)).to_have_text("待审批")

    officer.goto(bank.url + path)
    expect(state_of(officer)).to_have_text("已生效")
    officer.goto(contract)
    expect(officer.locator("main .fault")).to_have_count(0)
    # 240 left after the installment of 2 November.
    expect(officer.locator(".lhead")).to_contain_text("到期 2046-11-02")
    expect(officer.locator("main")).to_contain_text("合同变更 展期")


def test_risk_approves_a_restructuring_and_its_observation_is_shown(bank: Site, open_as: Callable[..., Any]) -> None:
    officer, manager, risk = open_as("officer"), open_as("manager"), open_as("risk")
    path = ask(bank, officer, "late", "重组", annual_rate_percent="3.0")
    manager.goto(bank.url + path)
    expect(manager.locator("main")).to_contain_text("超出您的审批权限")
    expect(manager.locator("button[value=approve]")).to_have_count(0)
    approve(bank, risk, path)
    sign(bank, officer, path)
    apply(officer, "观察期")
    expect(officer.locator("main dl.kv")).to_contain_text("2026-11-02 – 2027-11-02")
    officer.goto(f"{bank.url}/loans/{bank.loans['late']}/contract/")
    expect(officer.locator("main .fault")).to_contain_text("重组观察期")
    expect(officer.locator("main .fault")).to_contain_text("2026-11-02 至 2027-11-02")


def test_a_claim_is_written_off_with_its_evidence(bank: Site, open_as: Callable[..., Any]) -> None:
    officer, risk = open_as("officer"), open_as("risk")
    accelerated = ask(bank, officer, "lost", "宣布提前到期")
    approve(bank, risk, accelerated)
    sign(bank, officer, accelerated)
    apply(officer, "已生效")
    path = ask(bank, officer, "lost", "核销", file=True)
    risk.goto(bank.url + path)
    expect(risk.locator("main .compare")).to_contain_text("账销案存的债权")
    with risk.expect_download() as download:
        risk.locator("a", has_text="呆账认定书.pdf").click()
    with open(download.value.path(), "rb") as file:
        assert file.read() == PDF
    approve(bank, risk, path)
    officer.goto(bank.url + path)
    officer.locator("a", has_text="打印").click()
    expect(officer.locator("dl.facts")).to_contain_text(bank.names["lost"])
    sign(bank, officer, path)
    apply(officer, "已生效")
    officer.goto(f"{bank.url}/loans/{bank.loans['lost']}/")
    for told in ("下载合同变更（核销）的依据", "打印合同变更（核销）", "贷款核销"):
        expect(officer.locator("#timeline")).to_contain_text(told)
    officer.goto(f"{bank.url}/loans/{bank.loans['lost']}/postings/?kind=WRITE_OFF")
    expect(officer.locator("main table")).to_contain_text("核销损失")
    officer.goto(f"{bank.url}/loans/{bank.loans['lost']}/contract/")
    expect(officer.locator("main .hfacts div", has_text="贷款余额").first).to_contain_text("0.00")


def _prepay(bank: Site, page: Any, loan: str, effect: str) -> str:
    page.goto(f"{bank.url}/loans/{bank.loans[loan]}/contract/")
    page.locator(".tabs a", has_text="提前还款").click()
    page.fill("input[name=amount]", "１００，０００")
    page.locator(f"a[href*='effect={effect}']").click()
    page.wait_for_selector("#change-preview textarea[name=reason]")
    return hand_in(page)


def _fund_and_apply(bank: Site, officer: Any, teller_page: Any, path: str, loan: str) -> None:
    """Refused while the money is missing, applied once it is there."""
    officer.goto(bank.url + path)
    officer.get_by_role("button", name="现在生效").click()
    expect(officer.locator("main .fault")).to_contain_text("还差")
    needed = officer.locator(".payable .total dd").inner_text().strip()
    take(bank, teller_page, loan, needed)
    officer.goto(bank.url + path)
    apply(officer, "已生效")


def test_prepayments_and_a_settlement_are_paid_applied_and_one_is_taken_back(
    bank: Site, open_as: Callable[..., Any]
) -> None:
    officer, manager = open_as("officer"), open_as("manager")
    money = teller(bank, officer)
    versions = {}
    for loan, effect in (("first", "LOWER_INSTALLMENT"), ("second", "SHORTEN_TERM")):
        path = _prepay(bank, officer, loan, effect)
        approve(bank, manager, path)
        sign(bank, officer, path)
        _fund_and_apply(bank, officer, money, path, loan)
        versions[loan] = path
        officer.goto(f"{bank.url}/loans/{bank.loans[loan]}/contract/")
        expect(officer.locator("main")).to_contain_text("合同变更 部分提前还款")

    officer.goto(bank.url + versions["first"])
    expect(officer.locator("#reverse-reason")).to_have_count(0)
    manager.goto(bank.url + versions["first"])
    manager.locator("summary", has_text="冲正这项变更").click()
    manager.fill("#reverse-reason", "客户操作失误")
    manager.get_by_role("button", name="确认冲正").click()
    expect(state_of(manager)).to_have_text("已冲正")
    expect(manager.locator("main dl.kv dt", has_text="已冲正").locator("+ dd")).to_contain_text("何建平")

    settled = ask(bank, officer, "second", "提前结清")
    approve(bank, manager, settled)
    sign(bank, officer, settled)
    _fund_and_apply(bank, officer, money, settled, "second")
    officer.goto(f"{bank.url}/loans/{bank.loans['second']}/contract/")
    expect(officer.locator("main .hfacts div", has_text="贷款余额").first).to_contain_text("0.00")
