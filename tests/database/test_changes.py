"""Changes of contract kind by kind, from preview through the evenings: what was previewed is applied and billed."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from journal.models import Entry
from loans.actions.changes import (
    ChangeAboveAuthority,
    ChangeIsStale,
    ChangeRefused,
    EvidenceRefused,
    MakerIsNotChecker,
    decide_change,
    preview_of,
    propose_change,
)
from loans.models import ContractChange, Installment, LedgerLine, Loan, Posting, Pricing, Terms
from people.models import Staff
from tests.changing import (
    PDF,
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
    sign,
    signed,
)
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db
OPEN = date(2026, 11, 30)

KINDS: list[tuple[str, dict[str, str]]] = [
    ("PREPAYMENT", {"amount": "50000.00", "effect": "SHORTEN_TERM"}),
    ("METHOD", {"method": "EQUAL_PRINCIPAL"}),
    ("METHOD", {"method": "INTEREST_ONLY"}),
    ("DUE_DAY", {"due_day": "5"}),
    ("DUE_DAY", {"due_day": "31", "first_due_on": "2026-12-31"}),
    ("SPREAD", {"spread_bp": "-30"}),
    ("INTEREST_PAUSE", {"from": "2026-12-10", "to": "2027-01-25"}),
    ("DEFERRAL", {"installments": "3", "extend": "no"}),
    ("DEFERRAL", {"installments": "3", "extend": "yes"}),
    ("EXTENSION", {"installments": "352"}),
    ("RESTRUCTURING", {"annual_rate_percent": "2.9", "deferral": "2", "installments": "350"}),
    ("RESTRUCTURING", {"method": "EQUAL_PRINCIPAL"}),
]


@pytest.mark.parametrize(("kind", "asked"), KINDS)
def test_each_kind_is_applied_and_billed_as_previewed(kind: str, asked: dict[str, str]) -> None:
    loan, who = e1_loan(disbursed_on=date(2026, 4, 20), matures_on=date(2055, 11, 20)), People()
    before = rows_of(loan)
    change = signed(loan, kind, who, who.risk, **asked)
    quoted = preview_of(change)
    assert rows_of(loan) == before == shown(quoted.rows_before)
    if quoted.needed:
        pay(loan, quoted.needed, OPEN, "1")
    apply(change, who)
    assert rows_of(loan) == shown(quoted.rows_after) != before
    terms = Terms.objects.filter(loan_id=loan.pk).order_by("-version").first()
    assert terms is not None
    after = (terms.schedule_sha256, terms.source, terms.source_id, terms.version)
    assert after == (change.result["after_terms"]["sha256"], "CHANGE", change.pk, 2)
    assert sum(row.principal for row in quoted.rows_after) == position(loan).unbilled_principal
    assert quoted.rows_after[-1].balance == 0
    assert Loan.objects.get(pk=loan.pk).matures_on == quoted.rows_after[-1].due_on
    all_is_well()
    for day in (row.due_on for row in quoted.rows_after[:4]):
        open_next(day)
        close(day)
        owed = sum(row.interest + row.principal for row in Installment.objects.filter(settled_on__isnull=True))
        if owed:
            pay(loan, owed, day, f"{day}")
    billed = Installment.objects.filter(loan_id=loan.pk).order_by("number")
    assert [(row.number, row.due_on, row.principal, row.interest) for row in billed] == shown(quoted.rows_after[:4])
    all_is_well()


def test_more_changes_of_one_period_stand_together() -> None:
    """A prepayment, a new method and another due day before the next installment: each from what the last signed."""
    loan, who = e1_loan(), People()
    for n, (kind, asked) in enumerate(
        [
            ("PREPAYMENT", {"amount": "50000.00", "effect": "SHORTEN_TERM"}),
            ("METHOD", {"method": "EQUAL_PRINCIPAL"}),
            ("DUE_DAY", {"due_day": "28"}),
            ("PREPAYMENT", {"amount": "60000.00", "effect": "LOWER_INSTALLMENT"}),
        ]
    ):
        change = signed(loan, kind, who, who.risk, **asked)
        quoted = preview_of(change)
        if quoted.needed:
            pay(loan, quoted.needed, OPEN, f"{n}")
        apply(change, who)
        assert rows_of(loan) == shown(quoted.rows_after)
    assert position(loan).principal_balance == Decimal("871133.31")
    open_next(date(2027, 1, 29))
    billed = Installment.objects.filter(loan_id=loan.pk).order_by("number")
    assert [(row.number, row.due_on, row.principal, row.interest) for row in billed] == shown(quoted.rows_after[:2])
    all_is_well()


def test_a_new_cycle_is_a_new_pricing_and_the_schedule_stays() -> None:
    loan, who = e1_loan(), People()
    rows, old = rows_of(loan), Pricing.objects.get(loan_id=loan.pk)
    change = signed(loan, "REPRICING_CYCLE", who, cycle_months="3", anchor="LOAN_DAY")
    quoted = preview_of(change)
    assert (quoted.pricing_before["cycle_months"], quoted.pricing_after["cycle_months"]) == (12, 3)
    apply(change, who)
    first, second = Pricing.objects.filter(loan_id=loan.pk).order_by("in_force")
    assert (first.pk, first.in_force.upper, second.in_force.lower) == (old.pk, OPEN, OPEN)
    assert (second.cycle_months, second.anchor, second.spread_bp) == (3, "LOAN_DAY", old.spread_bp)
    assert (str(position(loan).next_repricing_on), rows_of(loan)) == (quoted.pricing_after["next_repricing_on"], rows)
    assert Terms.objects.filter(loan_id=loan.pk).count() == 1
    with pytest.raises(ChangeRefused, match="没有变化"):
        propose(loan, "REPRICING_CYCLE", who, cycle_months="3", anchor="LOAN_DAY")
    with pytest.raises(ChangeRefused) as caught:
        propose(loan, "REPRICING_CYCLE", who, cycle_months="4", anchor="LOAN_DAY")
    assert (caught.value.field, caught.value.code) == ("cycle_months", "not_a_choice")
    all_is_well()


def test_a_cycle_that_comes_round_after_the_end_reprices_no_more() -> None:
    loan, who = e1_loan(matures_on=date(2027, 3, 20)), People()
    apply(signed(loan, "REPRICING_CYCLE", who, cycle_months="12", anchor="LOAN_DAY"), who)
    assert position(loan).next_repricing_on is None
    all_is_well()


def test_a_new_spread_is_a_new_pricing_and_a_new_rate() -> None:
    loan, who = e1_loan(), People()
    old = Pricing.objects.get(loan_id=loan.pk)
    change = signed(loan, "SPREAD", who, spread_bp=str(old.spread_bp - 20))
    apply(change, who)
    assert position(loan).annual_rate_percent == Decimal("3.4000")
    new = Pricing.objects.get(loan_id=loan.pk, in_force__contains=OPEN)
    assert (new.spread_bp, new.cycle_months) == (old.spread_bp - 20, old.cycle_months)
    assert Terms.objects.get(loan_id=loan.pk, version=2).effective_on == OPEN


# ── Restructuring and its observation ────────────────────────────────────────────────────────────


def pay_off(loan: Loan, day: date) -> None:
    """Pays what is billed, so that the loan has no arrears."""
    owed = sum(
        row.principal + row.interest - row.principal_paid - row.interest_paid
        for row in Installment.objects.filter(loan_id=loan.pk, settled_on__isnull=True)
    )
    if owed:
        pay(loan, owed + 50, day, f"P{loan.pk}{day}")


def live_on_time(loan: Loan, until: date, missing: tuple[date, ...] = ()) -> None:
    """Evenings in which every installment is paid on its due day, but for some."""
    from loans.queries import require_business_date

    while (day := require_business_date()) < until:
        due_on = position(loan).next_due_on
        if due_on == day and day not in missing:
            pay(loan, "6000.00", day, f"O{loan.pk}{day}")
        close(day)


def test_more_time_for_a_loan_in_arrears_is_a_restructuring_that_is_watched() -> None:
    loan, who = book_loan(days_past_due=12, matures_on=date(2050, 1, 20)), People()
    change = propose(loan, "EXTENSION", who, installments="300")
    assert (change.is_restructuring, preview_of(change).class_floor) == (True, "SPECIAL_MENTION")
    with pytest.raises(ChangeAboveAuthority):
        decide_change(change_id=change.pk, approve=True, note="", version=1, by=who.manager, at=AT)
    since = position(loan).overdue_since
    apply(sign(change, who, who.risk), who)
    change.refresh_from_db()
    after = position(loan)
    assert (change.state, after.overdue_since, after.class_floor) == ("OBSERVED", since, "SPECIAL_MENTION")
    assert (change.observed_from, change.observed_until) == (date(2026, 11, 20), date(2027, 11, 20))
    pay_off(loan, date(2026, 11, 1))
    assert position(loan).overdue_since is None
    close(date(2026, 11, 1))
    assert position(loan).five_class == "SPECIAL_MENTION"
    all_is_well()
    # The installment of January is missed: the observation starts anew with February's.
    live_on_time(loan, date(2027, 1, 24), missing=(date(2027, 1, 20),))
    change.refresh_from_db()
    assert (change.observed_from, change.observed_until) == (date(2027, 2, 20), date(2028, 2, 20))
    kinds = list(Entry.objects.filter(loan_id=loan.pk).values_list("kind", flat=True))
    assert kinds.count("loans.observation_restarted") == 1
    pay(loan, "6200.00", date(2027, 1, 24), "late")
    live_on_time(loan, date(2028, 2, 22))
    change.refresh_from_db()
    assert (change.state, change.ended_on, position(loan).class_floor) == ("APPLIED", date(2028, 2, 20), "")
    assert position(loan).five_class == "PASS"
    all_is_well()


def test_a_second_restructuring_under_observation_is_at_least_substandard() -> None:
    loan, who = book_loan(days_past_due=12, matures_on=date(2050, 1, 20)), People()
    first = apply(signed(loan, "DEFERRAL", who, who.risk, installments="3", extend="no"), who)
    second = signed(loan, "RESTRUCTURING", who, who.risk, annual_rate_percent="3.0")
    assert preview_of(second).class_floor == "SUBSTANDARD"
    apply(second, who)
    first.refresh_from_db()
    assert (first.state, position(loan).class_floor) == ("APPLIED", "SUBSTANDARD")
    assert ContractChange.objects.filter(loan_id=loan.pk, state="OBSERVED").count() == 1
    close(date(2026, 11, 1))
    assert position(loan).five_class == "SUBSTANDARD"


def test_a_non_performing_loan_keeps_its_class_until_the_test_of_an_upgrade() -> None:
    loan, who = book_loan(days_past_due=200, matures_on=date(2050, 1, 20)), People()
    apply(signed(loan, "RESTRUCTURING", who, who.risk, annual_rate_percent="3.0"), who)
    assert position(loan).class_floor == "SUBSTANDARD"
    pay(loan, "60000.00", date(2026, 11, 1), "all")
    assert position(loan).overdue_since is None
    live_on_time(loan, date(2027, 5, 20))
    assert position(loan).class_floor == "SUBSTANDARD"
    close(date(2027, 5, 20))
    assert position(loan).class_floor == "SPECIAL_MENTION"


def test_a_loan_in_order_is_extended_without_observation() -> None:
    loan, who = e1_loan(disbursed_on=date(2026, 4, 20)), People()
    change = apply(signed(loan, "EXTENSION", who, installments="352"), who)
    assert (change.state, change.is_restructuring, position(loan).class_floor) == ("APPLIED", False, "")


@pytest.mark.parametrize(
    ("kind", "asked", "code"),
    [
        ("EXTENSION", {"installments": "361"}, "beyond_the_longest_term"),
        ("EXTENSION", {"installments": "348"}, "not_longer"),
        ("EXTENSION", {"installments": "481"}, "out_of_range"),
        ("METHOD", {"method": "EQUAL_INSTALLMENT"}, "same_method"),
        ("DUE_DAY", {"due_day": "20"}, "same_due_day"),
        ("DUE_DAY", {"due_day": "32"}, "out_of_range"),
        ("DUE_DAY", {"due_day": "5", "first_due_on": "2027-02-05"}, "first_due_too_late"),
        ("DUE_DAY", {"due_day": "5", "first_due_on": "2026-12-06"}, "not_on_the_due_day"),
        ("INTEREST_PAUSE", {"from": "2026-11-29", "to": "2026-12-05"}, "pause_in_the_past"),
        ("INTEREST_PAUSE", {"from": "2026-12-05", "to": "2026-12-04"}, "ends_before_start"),
        ("DEFERRAL", {"installments": "348", "extend": "no"}, "out_of_range"),
        ("SPREAD", {"spread_bp": "-400"}, "rate_beyond_limit"),
        ("SPREAD", {"spread_bp": "1e2"}, "not_a_spread"),
        ("RESTRUCTURING", {}, "nothing_asked"),
        ("RESTRUCTURING", {"annual_rate_percent": "36.1"}, "rate_beyond_limit"),
        ("WRITE_OFF", {}, "not_accelerated"),
        ("EXTENSION", {"installments": "350", "effective_on": "2027-12-01"}, "effective_too_far_ahead"),
    ],
)
def test_what_is_not_possible_is_refused_and_nothing_changes(kind: str, asked: dict[str, str], code: str) -> None:
    loan, who = e1_loan(), People()
    before = everything()
    with pytest.raises(ChangeRefused) as caught:
        propose(loan, kind, who, **asked)
    assert caught.value.code == code
    assert everything() == before


# ── Acceleration and write-off ───────────────────────────────────────────────────────────────────


def accelerated() -> tuple[Loan, People]:
    loan, who = book_loan(days_past_due=400), People()
    apply(signed(loan, "ACCELERATION", who, who.risk), who)
    return loan, who


def write_off(loan: Loan, who: People) -> ContractChange:
    change = propose_change(
        loan_id=loan.pk, kind="WRITE_OFF", asked={}, reason="法院裁定终结执行", evidence=("裁定书.pdf", PDF),
        by=who.officer, at=AT,
    )  # fmt: skip
    return sign(change, who, who.risk)


def test_acceleration_bills_the_whole_rest_and_resets_nothing() -> None:
    loan, who = book_loan(days_past_due=100), People()
    before = position(loan)
    change = signed(loan, "ACCELERATION", who, who.risk)
    apply(change, who)
    after = position(loan)
    last = Installment.objects.filter(loan_id=loan.pk).order_by("-number").first()
    assert last is not None
    assert (last.number, last.due_on, last.principal) == (
        before.next_number, date(2026, 11, 1), before.unbilled_principal
    )  # fmt: skip
    days = (date(2026, 11, 1) - date(2026, 10, 20)).days
    assert last.interest == (before.unbilled_principal * Decimal("0.036") * days / 360).quantize(Decimal("0.01"))
    assert (after.unbilled_principal, after.next_number, after.next_due_on) == (0, None, None)
    assert (after.overdue_since, after.accelerated_on) == (before.overdue_since, date(2026, 11, 1))
    assert after.principal_balance == before.principal_balance
    close(date(2026, 11, 1))
    all_is_well()


def test_a_write_off_takes_the_balance_off_and_leaves_the_claim() -> None:
    loan, who = accelerated()
    owed = {row.number: (row.principal, row.interest) for row in Installment.objects.filter(loan_id=loan.pk)}
    with pytest.raises(EvidenceRefused):
        propose(loan, "WRITE_OFF", who)
    balance = position(loan).principal_balance
    apply(write_off(loan, who), who)
    after = position(loan)
    assert (after.principal_balance, after.written_off_on) == (0, date(2026, 11, 1))
    left = {row.number: (row.principal, row.interest) for row in Installment.objects.filter(loan_id=loan.pk)}
    assert left == owed
    posting = Posting.objects.get(kind="WRITE_OFF")
    lines = {line.account: line.amount for line in LedgerLine.objects.filter(posting_id=posting.pk)}
    assert lines == {"WRITE_OFF": balance, "PRINCIPAL": -balance}
    with pytest.raises(ChangeRefused, match="已核销"):
        propose(loan, "SETTLEMENT", who)
    close(date(2026, 11, 1))
    all_is_well()
    pay(loan, "1000.00", date(2026, 11, 2), "recovered")
    assert position(loan).principal_balance == 0


def test_a_payment_before_the_write_off_makes_it_stale() -> None:
    loan, who = accelerated()
    change = write_off(loan, who)
    pay(loan, "5000.00", date(2026, 11, 1), "1")
    before = everything()
    with pytest.raises(ChangeIsStale, match="收到还款"):
        apply(change, who)
    assert everything() == before


# ── Who may decide ───────────────────────────────────────────────────────────────────────────────


def decide(change: ContractChange, by: Staff) -> Any:
    return decide_change(change_id=change.pk, approve=True, note="", version=1, by=by, at=AT)


def test_nobody_decides_what_he_proposed_or_what_is_above_his_authority() -> None:
    branch = make_branch()
    both = make_staff(["LOAN_OFFICER", "BRANCH_MANAGER"], branch)
    who = People(branch)
    small, large = e1_loan(), e1_loan(outstanding=Decimal("3000000.01"), principal_original=Decimal("4000000.00"))
    own = propose_change(
        loan_id=small.pk, kind="METHOD", asked={"method": "EQUAL_PRINCIPAL"}, reason="客户申请办理", evidence=None,
        by=both, at=AT,
    )  # fmt: skip
    with pytest.raises(MakerIsNotChecker):
        decide(own, both)
    other = propose(large, "METHOD", who, method="EQUAL_PRINCIPAL")
    before = everything()
    with pytest.raises(ChangeAboveAuthority):
        decide(other, who.manager)
    assert everything() == before
    assert decide(other, who.risk).state == "APPROVED"
    assert decide(own, who.manager).state == "APPROVED"


@pytest.mark.parametrize("kind", ["RESTRUCTURING", "ACCELERATION"])
def test_what_the_risk_department_keeps_is_decided_there(kind: str) -> None:
    loan, who = e1_loan(), People()
    change = propose(loan, kind, who, **({"annual_rate_percent": "3.0"} if kind == "RESTRUCTURING" else {}))
    with pytest.raises(ChangeAboveAuthority):
        decide(change, who.manager)
    assert decide(change, who.risk).state == "APPROVED"


def test_a_rejection_says_why_and_ends_the_change() -> None:
    loan, who = e1_loan(), People()
    change = propose(loan, "METHOD", who, method="EQUAL_PRINCIPAL")
    with pytest.raises(ChangeRefused):
        decide_change(change_id=change.pk, approve=False, note="", version=1, by=who.manager, at=AT)
    done = decide_change(change_id=change.pk, approve=False, note="收入证明不足", version=1, by=who.manager, at=AT)
    assert (done.state, done.end_reason) == ("REJECTED", "收入证明不足")


@pytest.mark.parametrize(
    ("name", "content"), [("a.exe", b"MZ\x90"), ("a.pdf", b"<html>"), ("a.png", b""), ("a.pdf", PDF + b"0" * 10485760)]
)
def test_evidence_of_another_type_or_size_is_refused(name: str, content: bytes) -> None:
    loan, who = e1_loan(), People()
    with pytest.raises(EvidenceRefused):
        propose_change(
            loan_id=loan.pk, kind="METHOD", asked={"method": "EQUAL_PRINCIPAL"}, reason="客户申请办理",
            evidence=(name, content), by=who.officer, at=AT,
        )  # fmt: skip
    assert not ContractChange.objects.exists()


# ── The evening ──────────────────────────────────────────────────────────────────────────────────


def test_the_day_end_applies_on_the_day_and_twice_is_once() -> None:
    from config.day_end import run
    from followups.queries.timeline import timeline
    from loans import batch

    loan, who = e1_loan(), People()
    change = signed(loan, "PREPAYMENT", who, amount="50000.00", effect="SHORTEN_TERM", effective_on="2026-12-02")
    quoted = preview_of(change)
    pay(loan, quoted.needed, OPEN, "1")
    run(through=date(2026, 12, 1), at_clock=lambda: AT)
    change.refresh_from_db()
    assert change.state == "SIGNED"
    run(through=date(2026, 12, 2), at_clock=lambda: AT)
    change.refresh_from_db()
    assert (change.state, change.applied_on, rows_of(loan)) == (
        "APPLIED", date(2026, 12, 2), shown(quoted.rows_after)
    )  # fmt: skip
    before = everything()
    batch.apply_changes(as_of=date(2026, 12, 2), at=AT)
    batch.watch_changes(as_of=date(2026, 12, 2), at=AT)
    assert everything() == before
    told = [row.text for row in timeline(loan)]
    assert "合同变更（部分提前还款）生效" in told
    all_is_well()


@pytest.mark.parametrize(("approved", "words"), [(False, "未审批"), (True, "未签署")])
def test_what_nobody_decided_or_signed_in_time_ends(approved: bool, words: str) -> None:
    loan, who = e1_loan(date(2026, 11, 21)), People()
    change = propose(loan, "METHOD", who, method="EQUAL_PRINCIPAL")
    if approved:
        decide(change, who.manager)
    open_next(change.expires_on)
    change.refresh_from_db()
    assert change.state in ("PROPOSED", "APPROVED")
    close(change.expires_on)
    change.refresh_from_db()
    assert change.state == "EXPIRED" and words in change.end_reason


def test_what_is_still_to_come_is_not_applied_before_its_day() -> None:
    from loans.actions.changes import ChangeWaits

    loan, who = e1_loan(), People()
    change = signed(loan, "METHOD", who, method="EQUAL_PRINCIPAL", effective_on="2026-12-25")
    assert preview_of(change).rows_after[0].number == rows_of(loan)[1][0]
    with pytest.raises(ChangeWaits, match="未到"):
        apply(change, who)
    pay(loan, "6000.00", date(2026, 12, 20), "1")
    open_next(date(2026, 12, 26))
    change.refresh_from_db()
    assert (change.state, rows_of(loan)) == ("APPLIED", shown(preview_of(change).rows_after))
