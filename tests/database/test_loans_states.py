"""Whatever is done to a live, accelerated, written-off or settled loan is refused and changes nothing, or the claims
hold and the history rebuilds the rows."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random

import pytest
from django.db import transaction

from journal.errors import ActionRefused
from loans import batch
from loans.actions import charge_fee, close_business_date, decide_refund, propose_refund, reverse_receipt, waive_fee
from loans.actions.changes import propose_change, reverse_change
from loans.models import ContractChange, Fee, LedgerLine, Loan, Posting, Receipt, Refund
from loans.queries import require_business_date
from loans.replay import LoanWrittenOff
from people.models import Staff
from tests.changing import PDF, People, all_is_well, apply, close, everything, pay, position, sign, signed
from tests.factories import AT, book_loan, make_staff

pytestmark = pytest.mark.django_db
OPEN = date(2026, 11, 1)
REASON = "渠道重复划款"
SEEDS = int(os.environ.get("SEEDS", "3"))


@dataclass
class Case:
    """A loan in one state, people who act on it, and the receipts that came while it got there."""

    loan: Loan
    who: People
    teller: Staff
    checker: Staff
    days: list[date] = field(default_factory=list)

    @property
    def today(self) -> date:
        return require_business_date()

    def take(self, amount: str, serial: str, on: date | None = None) -> None:
        pay(self.loan, amount, on or self.today, serial)

    def reverse(self, serial: str) -> None:
        receipt = Receipt.objects.get(serial=serial, loan=self.loan)
        reverse_receipt(receipt_id=receipt.pk, reason=REASON, by=self.teller, at=AT)

    def charge(self, amount: str = "300.00") -> Fee:
        return charge_fee(
            loan_id=self.loan.pk, code="NOTARY", amount=Decimal(amount), reason="公证费用", by=self.teller, at=AT
        )

    def waive(self) -> None:
        fee = Fee.objects.get(loan=self.loan, settled_on=None)
        waive_fee(fee_id=fee.pk, reason="客户投诉减免", by=self.checker, at=AT)

    def propose_refund(self, amount: str) -> None:
        propose_refund(loan_id=self.loan.pk, amount=Decimal(amount), reason=REASON, by=self.teller, at=AT)

    def approve_refund(self) -> None:
        asked = Refund.objects.get(loan=self.loan, state="PROPOSED")
        decide_refund(refund_id=asked.pk, approve=True, note="", by=self.checker, at=AT)

    def change(self, kind: str, checker: Staff | None = None, **asked: str) -> ContractChange:
        return apply(signed(self.loan, kind, self.who, checker, **asked), self.who)

    def write_off_signed(self) -> ContractChange:
        change = propose_change(
            loan_id=self.loan.pk, kind="WRITE_OFF", asked={}, reason="法院裁定终结执行", evidence=("裁定书.pdf", PDF),
            by=self.who.officer, at=AT,
        )  # fmt: skip
        return sign(change, self.who, self.who.risk)

    def next_day(self) -> None:
        close(self.today)


def case(**given: object) -> Case:
    who = People()
    branch = who.officer.branch
    loan = book_loan(branch=branch, **given)
    return Case(loan, who, make_staff("OPERATIONS", branch, "唐一"), make_staff("OPERATIONS", branch, "唐二"))


def live() -> Case:
    found = case(days_past_due=40)
    found.take("9000.00", "first")
    found.next_day()
    found.charge()
    found.take("700.00", "second")
    found.days = [OPEN, found.today]
    return found


def accelerated() -> Case:
    """Receipts before, on the morning of, and after the acceleration."""
    found = case(days_past_due=400)
    found.take("1500.00", "first")
    found.next_day()
    found.charge()
    found.take("4000.00", "morning")
    found.change("ACCELERATION", found.who.risk)
    found.take("60000.00", "second")
    found.days = [OPEN, found.today]
    found.next_day()
    return found


def written_off() -> Case:
    """Receipts on the day before, and on the day of the write-off before and after it."""
    found = case(days_past_due=400)
    found.change("ACCELERATION", found.who.risk)
    found.take("30000.00", "first")
    found.next_day()
    found.take("60000.00", "morning")
    found.charge()
    found.days = [OPEN, found.today]
    apply(found.write_off_signed(), found.who)
    found.take("5000.00", "second")
    return found


def written_off_a_day_late() -> Case:
    """Signed for a day, applied on the next, with receipts that came meanwhile and leave the same balance."""
    found = case(days_past_due=400)
    found.change("ACCELERATION", found.who.risk)
    found.take("60000.00", "first")
    change = found.write_off_signed()
    close_without_changes(found.today)
    found.reverse("first")
    # As much principal, a day later.
    found.take("60008.41", "morning")
    apply(change, found.who)
    found.take("5000.00", "second")
    found.days = [OPEN, found.today]
    return found


def close_without_changes(day: date) -> None:
    """An evening on which no change was applied."""
    for stage in (batch.bill, batch.post_waiting_receipts, batch.age, batch.classify):
        stage(as_of=day, at=AT)
    close_business_date(day=day, at=AT)


def settled() -> Case:
    """Settled ahead out of suspense; receipts before, on the day before and after the settlement."""
    found = case(outstanding=Decimal("30000.00"))
    found.take("20000.00", "first")
    found.next_day()
    found.take("15000.00", "morning")
    found.change("SETTLEMENT")
    found.take("400.00", "second")
    found.days = [OPEN, found.today]
    return found


def settled_a_day_late() -> Case:
    """Agreed for a day and carried out on the next, on which a fee took money that came again."""
    found = case(outstanding=Decimal("30000.00"))
    found.take("30100.00", "first")
    change = signed(found.loan, "SETTLEMENT", found.who)
    close_without_changes(found.today)
    found.charge("300.00")
    found.take("400.00", "morning")
    apply(change, found.who)
    found.take("200.00", "second")
    found.days = [OPEN, found.today]
    return found


def settled_by_recovery() -> Case:
    found = written_off()
    found.take("2000000.00", "all")
    assert position(found.loan).settled_on is not None
    return found


STATES: list[Callable[[], Case]] = [
    live, accelerated, written_off, written_off_a_day_late, settled, settled_a_day_late, settled_by_recovery
]  # fmt: skip


def _reverse_change(found: Case) -> None:
    change = ContractChange.objects.filter(loan=found.loan).latest("id")
    reverse_change(change_id=change.pk, reason=REASON, by=found.who.manager, at=AT)


# One public action each.
ACTIONS: dict[str, Callable[[Case], object]] = {
    "pay_today": lambda found: found.take("2500.00", "today"),
    "pay_on_the_first_day": lambda found: found.take("2500.00", "early", found.days[0]),
    "pay_on_the_last_day": lambda found: found.take("2500.00", "late", found.days[-1]),
    "pay_all": lambda found: found.take("3000000.00", "all of it"),
    "reverse_first": lambda found: found.reverse("first"),
    "reverse_morning": lambda found: found.reverse("morning"),
    "reverse_second": lambda found: found.reverse("second"),
    "charge": lambda found: found.charge("120.00"),
    "waive": lambda found: found.waive(),
    "propose_refund": lambda found: found.propose_refund("100.00"),
    "approve_refund": lambda found: found.approve_refund(),
    "reverse_change": _reverse_change,
    "next_day": lambda found: found.next_day(),
}


def _all_rows() -> list[object]:
    return [everything(), *(sorted(map(str, table.objects.values_list())) for table in (Fee, Refund, Receipt))]


def _is_done(found: Case, name: str) -> bool:
    """Was the action done? A refusal changes nothing."""
    before = _all_rows()
    try:
        with transaction.atomic():
            ACTIONS[name](found)
    except ActionRefused:
        assert _all_rows() == before, name
        return False
    except (Receipt.DoesNotExist, Fee.DoesNotExist, Refund.DoesNotExist, ContractChange.DoesNotExist):
        return False
    return True


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("state", STATES, ids=lambda each: each.__name__)
def test_what_is_done_to_a_loan_is_refused_or_leaves_the_claims_true(state: Callable[[], Case], name: str) -> None:
    found = state()
    all_is_well()
    _is_done(found, name)
    all_is_well()
    found.next_day()
    all_is_well()


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("state", STATES, ids=lambda each: each.__name__)
def test_one_thing_after_another_leaves_the_claims_true(state: Callable[[], Case], seed: int) -> None:
    found, random = state(), Random(seed)
    done = []
    for name in random.sample(sorted(ACTIONS), 8):
        if _is_done(found, name):
            done.append(name)
            all_is_well()
    assert done


def accounts_of(serial: str) -> set[str]:
    postings = Posting.objects.filter(receipt__serial=serial).values_list("pk", flat=True)
    return set(LedgerLine.objects.filter(posting_id__in=list(postings)).values_list("account", flat=True))


def test_the_order_of_posting_decides_on_the_day_of_the_write_off() -> None:
    """Posted before it a receipt stays; posted after it, it is a recovery that may be taken out again."""
    found = written_off()
    assert not _is_done(found, "reverse_first") and not _is_done(found, "reverse_morning")
    with pytest.raises(LoanWrittenOff, match="已于 2026-11-02 核销"):
        found.reverse("morning")
    assert _is_done(found, "reverse_second") and _is_done(found, "pay_on_the_last_day")
    assert "WRITE_OFF" in accounts_of("late") and position(found.loan).principal_balance == 0
    assert not Receipt.objects.filter(serial="early").exists()
    found.next_day()
    found.reverse("late")
    all_is_well()


def test_what_paid_before_a_write_off_stays_though_its_value_date_is_later() -> None:
    """The write-off is valued on the day it was signed for and posted on the next."""
    found = written_off_a_day_late()
    assert not _is_done(found, "reverse_morning")
    assert "PRINCIPAL" in accounts_of("morning") and "WRITE_OFF" not in accounts_of("morning")
    assert _is_done(found, "pay_on_the_first_day") or _is_done(found, "pay_on_the_last_day")
    all_is_well()
