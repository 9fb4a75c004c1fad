"""Prepayment and settlement from preview to the ledger: what was previewed is what is applied."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from psycopg2.extras import DateRange

from loans.actions.changes import (
    ChangeIsStale,
    ChangeMoved,
    ChangeNotInState,
    ChangeRefused,
    ChangeWaits,
    decide_change,
    preview_change,
    preview_of,
    reverse_change,
    withdraw_change,
)
from loans.actions.disbursement import disburse
from loans.actions.disclosure import ContingentFee
from loans.models import ContractChange, ContractParameter, Installment, LedgerLine, Posting
from tests.changing import (
    AMOUNT,
    People,
    all_is_well,
    apply,
    close,
    e1_loan,
    everything,
    open_next,
    pay,
    position,
    propose,
    rows_of,
    shown,
    signed,
)
from tests.contracts import contract_of, disclosure_of, operator
from tests.factories import AT, book_loan

pytestmark = pytest.mark.django_db

DUE = date(2026, 11, 20)


def test_a_preview_of_e7_and_e8_writes_nothing() -> None:
    loan, who = e1_loan(), People()
    before = everything()
    asked = {**AMOUNT, "effect": "LOWER_INSTALLMENT"}
    found = preview_change(loan_id=loan.pk, kind="PREPAYMENT", asked=asked, by=who.officer, at=AT)
    assert everything() == before
    assert (found.principal, found.interest, found.total) == (Decimal("200000.00"), Decimal("200.00"), 200200)
    assert (found.before.installment, found.after.installment) == (Decimal("4546.45"), Decimal("3619.68"))
    assert found.before.interest_left == Decimal("601033.56")
    assert found.interest_saved == Decimal("601033.56") - found.after.interest_left - Decimal("200.00")
    assert (len(found.rows_before), len(found.rows_after), found.months_saved) == (348, 348, 0)
    asked = {**AMOUNT, "effect": "SHORTEN_TERM"}
    found = preview_change(loan_id=loan.pk, kind="PREPAYMENT", asked=asked, by=who.officer, at=AT)
    assert (found.months_saved, found.after.installments_left) == (106, 242)


@pytest.mark.parametrize("effect", ["LOWER_INSTALLMENT", "SHORTEN_TERM"])
def test_what_was_previewed_is_what_is_applied_and_billed(effect: str) -> None:
    loan, who = e1_loan(), People()
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect=effect)
    quoted = preview_of(change)
    with pytest.raises(ChangeWaits, match="还差 200,200.00"):
        apply(change, who)
    pay(loan, quoted.needed, date(2026, 11, 30), "1")
    done = apply(change, who)
    assert (done.state, done.applied_on) == ("APPLIED", date(2026, 11, 30))
    assert rows_of(loan) == shown(quoted.rows_after)
    after = position(loan)
    assert (after.suspense, after.principal_balance) == (0, Decimal("781133.31"))
    assert (after.installment_amount, after.unbilled_principal) == (quoted.after.installment, Decimal("781133.31"))
    lines = LedgerLine.objects.filter(posting_id=Posting.objects.get(kind="PREPAYMENT").pk).order_by("line")
    assert [(line.account, line.amount) for line in lines] == [
        ("SUSPENSE", Decimal("200200.00")), ("PRINCIPAL", Decimal("-200000.00")),
        ("INTEREST_INCOME", Decimal("-200.00")),
    ]  # fmt: skip
    open_next(date(2027, 1, 21))
    billed = Installment.objects.filter(loan_id=loan.pk).order_by("number")
    assert [(row.number, row.due_on, row.principal, row.interest) for row in billed] == shown(quoted.rows_after[:2])
    all_is_well()


def test_on_the_due_date_the_installment_comes_first_and_the_quote_is_e7() -> None:
    """Proposed days before: the installment of the 20th is billed and paid first, then the prepayment."""
    # E1 with one installment more to come: after it the balance is 981,133.31.
    loan, who = e1_loan(DUE, outstanding=Decimal("982731.57")), People()
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="LOWER_INSTALLMENT", effective_on="2026-11-20")
    quoted = preview_of(change)
    assert (quoted.interest, quoted.due_first) == (0, rows_of(loan)[0][2] + rows_of(loan)[0][3])
    assert (quoted.before.first_due_on, quoted.before.balance) == (date(2026, 12, 20), Decimal("981133.31"))
    assert (quoted.after.installment, quoted.after.interest_left) == (Decimal("3619.68"), Decimal("478514.05"))
    assert quoted.interest_saved == Decimal("122519.51")
    with pytest.raises(ChangeWaits, match="日终出账"):
        apply(change, who)
    pay(loan, quoted.needed, DUE, "1")
    close(DUE)
    change.refresh_from_db()
    assert change.state == "APPLIED"
    assert rows_of(loan) == shown(quoted.rows_after)
    assert position(loan).suspense == 0


def test_a_payoff_of_e8_settles_and_its_reversal_restores() -> None:
    loan, who = e1_loan(), People()
    rows, before = rows_of(loan), position(loan)
    change = signed(loan, "SETTLEMENT", who)
    quoted = preview_of(change)
    assert (quoted.total, quoted.interest) == (Decimal("982114.44"), Decimal("981.13"))
    assert quoted.interest_saved == Decimal("601033.56") - Decimal("981.13")
    pay(loan, quoted.total, date(2026, 11, 30), "1")
    apply(change, who)
    after = position(loan)
    assert (after.principal_balance, after.unbilled_principal, after.next_number) == (0, 0, None)
    assert (after.settled_on, after.suspense, rows_of(loan)) == (date(2026, 11, 30), 0, [])
    reversed_ = reverse_change(change_id=change.pk, reason="客户误操作要求撤销", by=who.risk, at=AT)
    assert (reversed_.state, rows_of(loan)) == ("REVERSED", rows)
    again = position(loan)
    assert (again.suspense, again.settled_on) == (quoted.total, None)
    for name in ("principal_balance", "unbilled_principal", "next_number", "next_due_on", "last_number"):
        assert getattr(again, name) == getattr(before, name)
    sums = LedgerLine.objects.filter(loan_id=loan.pk).exclude(posting_id=Posting.objects.get(kind="OPENING").pk)
    assert {line.account for line in sums} == {"CASH", "SUSPENSE", "PRINCIPAL", "INTEREST_INCOME"}
    assert sum(line.amount for line in sums if line.account == "PRINCIPAL") == 0
    with pytest.raises(ChangeNotInState):
        reverse_change(change_id=change.pk, reason="客户误操作要求撤销", by=who.risk, at=AT)
    all_is_well()


def test_a_settlement_in_arrears_is_paid_in_full_by_one_receipt() -> None:
    loan, who = book_loan(days_past_due=40), People()
    owed = sum(row.principal + row.interest for row in Installment.objects.filter(loan_id=loan.pk))
    change = signed(loan, "SETTLEMENT", who, who.risk)
    quoted = preview_of(change)
    assert quoted.total > owed + quoted.rows_before[0].balance
    pay(loan, quoted.total - Decimal("0.01"), date(2026, 11, 1), "1")
    with pytest.raises(ChangeWaits, match="还差 0.01"):
        apply(change, who)
    pay(loan, "0.01", date(2026, 11, 1), "2")
    apply(change, who)
    after = position(loan)
    assert (after.principal_balance, after.suspense, after.settled_on) == (0, 0, date(2026, 11, 1))
    assert not Installment.objects.filter(loan_id=loan.pk, settled_on__isnull=True).exists()
    all_is_well()


def test_money_that_came_after_the_day_does_not_count_and_the_quote_lapses() -> None:
    loan, who = e1_loan(), People()
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="LOWER_INSTALLMENT")
    close(date(2026, 11, 30))
    pay(loan, "200200.00", date(2026, 12, 1), "1")
    with pytest.raises(ChangeWaits, match="还差 200,200.00"):
        apply(change, who)
    # Late news of money that was there in time counts.
    pay(loan, "200200.00", date(2026, 11, 30), "2")
    assert apply(change, who).state == "APPLIED"
    assert Posting.objects.get(kind="PREPAYMENT").value_on == date(2026, 11, 30)


def test_an_unfunded_quote_ends_with_its_reason() -> None:
    loan, who = e1_loan(date(2026, 11, 21)), People()
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="LOWER_INSTALLMENT")
    assert change.expires_on == date(2026, 12, 6)
    open_next(date(2026, 12, 6))
    change.refresh_from_db()
    assert change.state == "SIGNED"
    close(date(2026, 12, 6))
    change.refresh_from_db()
    assert (change.state, change.ended_on) == ("EXPIRED", date(2026, 12, 6))
    assert "还差 200" in change.end_reason
    assert propose(loan, "PREPAYMENT", who, **AMOUNT, effect="LOWER_INSTALLMENT").state == "PROPOSED"


def test_a_loan_that_moved_is_named_at_approval_and_in_the_evening() -> None:
    loan, who = e1_loan(date(2026, 11, 19)), People()
    proposed = propose(loan, "PREPAYMENT", who, **AMOUNT, effect="LOWER_INSTALLMENT")
    late = e1_loan(date(2026, 11, 19))
    waiting = signed(late, "PREPAYMENT", who, **AMOUNT, effect="LOWER_INSTALLMENT")
    open_next(date(2026, 11, 21))
    before = [ContractChange.objects.get(pk=proposed.pk).state, position(loan)]
    number = position(loan).next_number
    with pytest.raises(ChangeIsStale, match=f"第 {number - 1} 期已出账"):
        decide_change(change_id=proposed.pk, approve=True, note="", version=1, by=who.manager, at=AT)
    assert [ContractChange.objects.get(pk=proposed.pk).state, position(loan)] == before
    waiting.refresh_from_db()
    assert waiting.state == "EXPIRED"
    assert f"第 {number - 1} 期已出账" in waiting.end_reason


REFUSED = [
    ({"amount": "9999.99", "effect": "LOWER_INSTALLMENT"}, "below_the_minimum", "amount"),
    ({"amount": "981133.32", "effect": "LOWER_INSTALLMENT"}, "larger_than_the_payoff", "amount"),
    ({"amount": "981133.31", "effect": "SHORTEN_TERM"}, "settles_the_loan", "amount"),
    ({"amount": "20000.00"}, "required", "effect"),
    ({"amount": "20000.00", "effect": "BOTH"}, "not_a_choice", "effect"),
    ({"amount": "2e4", "effect": "SHORTEN_TERM"}, "not_an_amount", "amount"),
    ({"amount": "NaN", "effect": "SHORTEN_TERM"}, "not_an_amount", "amount"),
    ({"amount": "-20000.00", "effect": "SHORTEN_TERM"}, "not_an_amount", "amount"),
    ({"amount": "２００００", "effect": "SHORTEN_TERM"}, "not_an_amount", "amount"),
    ({"amount": "0.00", "effect": "SHORTEN_TERM"}, "amount_not_positive", "amount"),
    ({"amount": "20000.00", "effect": "SHORTEN_TERM", "fee": "1.00"}, "fee_not_agreed", "fee"),
    ({"amount": "20000.00", "effect": "SHORTEN_TERM", "effective_on": "2026-11-29"}, "effective_in_the_past",
     "effective_on"),
    ({"amount": "20000.00", "effect": "SHORTEN_TERM", "effective_on": "2026-12-16"}, "effective_too_far_ahead",
     "effective_on"),
    ({"amount": "20000.00", "effect": "SHORTEN_TERM", "effective_on": "2026-02-30"}, "no_such_day", "effective_on"),
    ({"amount": "20000.00", "effect": "SHORTEN_TERM", "more": "1"}, "unknown_field", "more"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "code", "field"), REFUSED)
def test_what_cannot_be_meant_is_refused_and_nothing_changes(asked: dict[str, str], code: str, field: str) -> None:
    loan, who = e1_loan(), People()
    before = everything()
    with pytest.raises(ChangeRefused) as caught:
        propose(loan, "PREPAYMENT", who, **asked)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert everything() == before


def test_a_loan_in_arrears_cannot_be_prepaid() -> None:
    loan, who = book_loan(days_past_due=40), People()
    with pytest.raises(ChangeRefused) as caught:
        propose(loan, "PREPAYMENT", who, amount="20000.00", effect="SHORTEN_TERM")
    assert caught.value.code == "loan_is_in_arrears"


def test_an_agreed_fee_is_charged_up_to_what_was_agreed() -> None:
    loan, who = e1_loan(), People()
    ContractParameter.objects.create(
        loan=loan, code="prepayment_fee", value="500.00", in_force=DateRange(date(2025, 10, 20), None), source="合同"
    )
    asked = {**AMOUNT, "effect": "SHORTEN_TERM"}
    with pytest.raises(ChangeRefused, match="500.00"):
        propose(loan, "PREPAYMENT", who, **asked, fee="500.01")
    change = signed(loan, "PREPAYMENT", who, **asked, fee="500.00")
    pay(loan, "200700.00", date(2026, 11, 30), "1")
    apply(change, who)
    assert LedgerLine.objects.get(account="FEE_INCOME").amount == Decimal("-500.00")
    assert position(loan).suspense == 0


@pytest.mark.parametrize(
    ("disclosed", "by_contract", "most"),
    [
        # (named on the disclosure with an amount, or without), the contract's parameter, what may be charged
        ((), None, None),
        ((), "500.00", None),
        ((50_000,), None, "500.00"),
        ((50_000,), "300.00", "300.00"),
        ((None,), None, None),
        ((None,), "300.00", "300.00"),
    ],
)
def test_a_fee_of_a_contract_that_is_disclosed_is_what_was_agreed(
    disclosed: tuple[int | None, ...], by_contract: str | None, most: str | None
) -> None:
    who, by = People(), operator()
    contract = contract_of(by.branch)
    named = tuple(
        ContingentFee("PREPAYMENT_FEE", "提前还款违约金", "贷款人", amount, "按本金的 1%") for amount in disclosed
    )
    found = disclosure_of(contract, by, contingent=named)
    loan = disburse(contract=replace(contract, disclosure=found.number), by=by, at=AT)
    if by_contract:
        ContractParameter.objects.create(
            loan=loan, code="prepayment_fee", value=by_contract, in_force=DateRange(date(2026, 11, 1), None), source="x"
        )
    before = everything()
    asked = {**AMOUNT, "effect": "SHORTEN_TERM"}
    with pytest.raises(ChangeRefused) as caught:
        propose(loan, "PREPAYMENT", who, **asked, fee=f"{Decimal(most or 0) + Decimal('0.01')}")
    assert (caught.value.code, everything()) == ("fee_above_agreed" if most else "fee_not_agreed", before)
    if most:
        change = signed(loan, "PREPAYMENT", who, **asked, fee=most)
        pay(loan, preview_of(change).needed, date(2026, 11, 1), "1")
        apply(change, who)
        assert LedgerLine.objects.get(account="FEE_INCOME").amount == -Decimal(most)


def test_after_a_shortened_term_the_loan_is_previewed_and_goes_on_as_it_stands() -> None:
    """The position in force is what the next preview starts from, on the same day and in the next period."""
    loan, who = e1_loan(), People()
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="SHORTEN_TERM")
    pay(loan, preview_of(change).needed, date(2026, 11, 30), "1")
    apply(change, who)
    for day in (date(2026, 11, 30), date(2026, 12, 21)):
        open_next(day)
        pay(loan, position(loan).installment_amount, day, f"m{day}")
        left = len(rows_of(loan))
        for kind, asked, more in (
            ("METHOD", {"method": "EQUAL_PRINCIPAL"}, 0),
            ("RESTRUCTURING", {"annual_rate_percent": "3.0000"}, 0),
            ("DEFERRAL", {"installments": "4", "extend": "yes"}, 4),
            ("EXTENSION", {"installments": str(left + 9)}, 9),
        ):
            found = preview_change(loan_id=loan.pk, kind=kind, asked=asked, by=who.officer, at=AT)
            assert shown(found.rows_before) == rows_of(loan)
            assert (found.before.installments_left, found.after.installments_left) == (left, left + more), (kind, day)
    restructured = signed(loan, "RESTRUCTURING", who, who.risk, annual_rate_percent="3.0000")
    apply(restructured, who)
    assert rows_of(loan) == shown(preview_of(restructured).rows_after)
    open_next(date(2027, 2, 21))
    all_is_well()


def test_a_stale_form_names_who_was_first() -> None:
    loan, who = e1_loan(), People()
    change = propose(loan, "PREPAYMENT", who, **AMOUNT, effect="SHORTEN_TERM")
    decide_change(change_id=change.pk, approve=True, note="", version=1, by=who.manager, at=AT)
    before = everything()
    with pytest.raises(ChangeMoved, match="顾明远"):
        decide_change(change_id=change.pk, approve=True, note="", version=1, by=who.risk, at=AT)
    with pytest.raises(ChangeNotInState, match="顾明远"):
        decide_change(change_id=change.pk, approve=True, note="", version=2, by=who.risk, at=AT)
    assert everything() == before


def test_one_open_change_a_loan_until_it_is_withdrawn() -> None:
    from loans.actions.changes import ChangeAlreadyOpen

    loan, who = e1_loan(), People()
    change = propose(loan, "PREPAYMENT", who, **AMOUNT, effect="SHORTEN_TERM")
    with pytest.raises(ChangeAlreadyOpen, match="方予安"):
        propose(loan, "SETTLEMENT", who)
    done = withdraw_change(change_id=change.pk, reason="客户改变主意", by=who.officer, at=AT)
    assert (done.state, done.end_reason) == ("WITHDRAWN", "客户改变主意")
    assert propose(loan, "SETTLEMENT", who).state == "PROPOSED"


def test_a_prepayment_is_reversed_only_while_nothing_was_billed() -> None:
    loan, who = e1_loan(date(2026, 12, 18), as_of=date(2026, 12, 17)), People()
    rows = rows_of(loan)
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="SHORTEN_TERM")
    pay(loan, preview_of(change).needed, date(2026, 12, 18), "1")
    apply(change, who)
    reverse_change(change_id=change.pk, reason="客户误操作要求撤销", by=who.manager, at=AT)
    assert rows_of(loan) == rows
    again = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="SHORTEN_TERM")
    apply(again, who)
    open_next(date(2026, 12, 21))
    before = everything()
    with pytest.raises(ChangeIsStale, match="出账"):
        reverse_change(change_id=again.pk, reason="客户误操作要求撤销", by=who.manager, at=AT)
    assert everything() == before


def test_what_was_tampered_with_is_never_applied() -> None:
    from loans.changing import NotWhatWasApproved

    loan, who = e1_loan(), People()
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="SHORTEN_TERM")
    pay(loan, "200200.00", date(2026, 11, 30), "1")
    ContractChange.objects.filter(pk=change.pk).update(result={**change.result, "taken": "1.00"})
    before = everything()
    with pytest.raises(NotWhatWasApproved):
        apply(change, who)
    assert everything() == before


def test_the_receipt_that_funded_a_prepayment_stays_until_the_prepayment_is_reversed() -> None:
    from journal.errors import ActionRefused
    from loans.actions import reverse_receipt
    from loans.models import Receipt
    from tests.factories import make_branch, make_staff

    loan, who = e1_loan(), People()
    somebody = make_staff("OPERATIONS", make_branch())
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="SHORTEN_TERM")
    pay(loan, "200200.00", date(2026, 11, 30), "1")
    apply(change, who)
    receipt = Receipt.objects.get(serial="1")
    before = everything()
    with pytest.raises(ActionRefused):
        reverse_receipt(receipt_id=receipt.pk, reason="渠道重复划款", by=somebody, at=AT)
    assert everything() == before
    reverse_change(change_id=change.pk, reason="渠道重复划款", by=who.manager, at=AT)
    reverse_receipt(receipt_id=receipt.pk, reason="渠道重复划款", by=somebody, at=AT)
    assert position(loan).suspense == 0
    all_is_well()


def test_a_late_payment_of_an_earlier_day_leaves_a_prepayment_as_it_was() -> None:
    """The installment of the 20th was told late: everything since is spread anew, the change stays."""
    loan, who = e1_loan(date(2026, 12, 19), as_of=date(2026, 12, 18)), People()
    close(date(2026, 12, 19))
    close(date(2026, 12, 20))
    pay(loan, "4546.45", date(2026, 12, 21), "1")
    change = signed(loan, "PREPAYMENT", who, **AMOUNT, effect="SHORTEN_TERM")
    pay(loan, preview_of(change).needed, date(2026, 12, 21), "2")
    apply(change, who)
    rows = rows_of(loan)
    pay(loan, "100.00", date(2026, 12, 20), "late")
    assert rows_of(loan) == rows
    assert position(loan).suspense == Decimal("100.00")
    close(date(2026, 12, 21))
    all_is_well()
