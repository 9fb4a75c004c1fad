"""A loan whose plan has ended or was turned back, on its pages: no payment where none is left, the day, who and why."""

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from loans.actions import reverse_receipt
from loans.actions.changes import reverse_change
from loans.forms import asked_of, in_order, value_words
from loans.models import Fee, Loan, Receipt
from loans.queries import current_payment, maturity_in_force
from tests.changing import AMOUNT, People, apply, e1_loan, pay, signed
from tests.factories import AT, make_branch, make_staff

TODAY = date(2026, 11, 30)


@pytest.fixture
def branch(db: None) -> Any:
    return make_branch()


@pytest.fixture
def who(branch: Any) -> People:
    return People(branch)


@pytest.fixture
def loan(branch: Any, who: People) -> Loan:
    return e1_loan(branch=branch, officer=who.officer)


def page_of(staff: Any, name: str, pk: int, **query: str) -> str:
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    reply = client.get(reverse(f"loans:{name}", args=[pk]), query)
    assert reply.status_code == 200, (name, reply.status_code)
    return str(reply.content.decode())


def fresh(loan: Loan) -> Loan:
    return Loan.objects.select_related("position").get(pk=loan.pk)


def test_a_settled_loan_says_so_asks_for_nothing_and_takes_no_fee(loan: Loan, who: People, branch: Any) -> None:
    change = signed(loan, "SETTLEMENT", who, who.risk)
    pay(loan, change.result["taken"], TODAY, "SETTLES")
    apply(change, who)
    now = fresh(loan)
    assert current_payment(now) is None and maturity_in_force(now) == TODAY < now.matures_on
    page = page_of(who.officer, "contract", loan.pk)
    assert f"已结清 {TODAY}" in page and f"原约定 {now.matures_on}" in page
    assert f"{now.position.installment_amount:,.2f}</dd>" not in page
    operations = make_staff("OPERATIONS", branch)
    assert "再收的钱全部转入暂收款" in page_of(operations, "payment", loan.pk)
    form = page_of(operations, "fee_charge", loan.pk)
    assert "不能再收费" in form and 'name="amount"' not in form
    assert not Fee.objects.exists()


def test_a_loan_declared_due_early_is_due_on_that_day(loan: Loan, who: People) -> None:
    apply(signed(loan, "ACCELERATION", who, who.risk), who)
    now = fresh(loan)
    assert maturity_in_force(now) == TODAY and current_payment(now) is None
    page = page_of(who.officer, "contract", loan.pk)
    assert f'<span class="word orange">已宣布提前到期 {TODAY}</span>' in page and f"到期 {TODAY}" in page


def test_interest_only_shows_its_interest_as_payment_and_the_last_principal(loan: Loan, who: People) -> None:
    change = signed(loan, "METHOD", who, who.risk, method="INTEREST_ONLY")
    asked = page_of(who.officer, "change", change.pk)
    assert "末期还本" in asked and "981,133.31 <span" in asked
    apply(change, who)
    page = page_of(who.officer, "contract", loan.pk)
    # 981,133.31 × 3.6 % ÷ 12.
    assert "<dd>2,943.40</dd>" in page and "下期应还 2,943.40" in page
    assert page.count("<dd>0.00</dd>") == 0


def test_the_version_of_a_reversal_says_what_it_undoes(loan: Loan, who: People) -> None:
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="LOWER_INSTALLMENT")
    pay(loan, change.result["taken"], TODAY, "AHEAD")
    apply(change, who)
    assert "撤销合同变更" not in page_of(who.officer, "contract", loan.pk)
    reverse_change(change_id=change.pk, reason="客户要求撤回", by=who.manager, at=AT)
    page = page_of(who.officer, "contract", loan.pk)
    assert page.count(f"撤销合同变更 #{change.pk}") == 1
    assert page.count(f"部分提前还款 #{change.pk}</a>") == 1


def test_a_receipt_that_a_change_used_leads_to_the_change(loan: Loan, who: People, branch: Any) -> None:
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="LOWER_INSTALLMENT")
    pay(loan, change.result["taken"], TODAY, "AHEAD")
    apply(change, who)
    receipt = Receipt.objects.get(serial="AHEAD")
    page = page_of(make_staff("OPERATIONS", branch), "reverse_receipt", receipt.pk)
    assert reverse("loans:change", args=[change.pk]) in page and "确认冲正" not in page


def test_a_reversed_receipt_says_who_and_why(loan: Loan, branch: Any) -> None:
    pay(loan, "10.00", TODAY, "TWICE")
    receipt = Receipt.objects.get(serial="TWICE")
    clerk = make_staff("OPERATIONS", branch, name="罗静")
    reverse_receipt(receipt_id=receipt.pk, reason="渠道重复划款", by=clerk, at=AT)
    page = page_of(clerk, "reverse_receipt", receipt.pk)
    assert "罗静 <span" in page and "渠道重复划款" in page and clerk.staff_no + " <" not in page


def test_numbers_of_a_change_fold_as_amounts_do() -> None:
    assert asked_of("SPREAD", {"spread_bp": "－１０．５"}) == {"spread_bp": "-10.5"}
    assert asked_of("DUE_DAY", {"due_day": "１５"})["due_day"] == "15"
    assert asked_of("SPREAD", {"spread_bp": "十"}) == {"spread_bp": "十"}


def test_what_was_asked_is_read_in_order() -> None:
    asked = {"to": "2027-01-01", "from": "2026-12-01", "extend": "no", "effective_on": "2026-11-30"}
    assert [name for name, _value in in_order("INTEREST_PAUSE", asked)] == ["effective_on", "from", "to", "extend"]


@pytest.mark.parametrize(("stored", "said"), [("10.00", "10"), ("-30", "-30"), ("12.50", "12.5"), ("0.00", "0"),
                                              ("100", "100"), ("–", "–")])  # fmt: skip
def test_a_spread_has_no_idle_zeros(stored: str, said: str) -> None:
    assert value_words("spread_bp", stored) == said
