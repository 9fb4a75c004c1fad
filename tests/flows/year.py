"""A year in the life of a book: what falls due is paid, late, in part or not; money is reversed, comes late, is told
twice; borrowers prepay, settle, change their terms; loans are accelerated and written off; 1 January reprices.

Everything goes through the actions that people and files use. The seed decides; the same seed lives the same year.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from config import day_end, receipts_made
from journal.errors import ActionRefused
from loans.actions import ReceiptRow, post_receipts, reverse_receipt
from loans.actions import changes as contract_changes
from loans.actions.lpr import decide_lpr, propose_lpr
from loans.actions.repricing import decide_repricing, propose_repricing
from loans.models import Loan, LprRate, Position, Receipt, ReceiptState
from loans.queries import require_business_date
from loans.rules.money import parse_amount
from people.models import Branch, Staff
from people.queries import may
from tests import factories

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass
class People:
    """Who makes and who checks."""

    officer: Staff
    manager: Staff
    risk: Staff
    operations: Staff
    checker: Staff


def people() -> People:
    root = Branch.objects.get(parent__isnull=True)
    return People(
        officer=factories.make_staff("OPERATIONS", root),
        manager=factories.make_staff("RISK_MANAGER", root),
        risk=factories.make_staff("RISK_MANAGER", root),
        operations=factories.make_staff("OPERATIONS", root),
        checker=factories.make_staff("RISK_MANAGER", root),
    )


@dataclass
class Year:
    """One run: counts of what happened, and of what the rules refused with which code."""

    seed: int
    staff: People
    say: Callable[[str], None] = lambda _line: None
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def live(self, through: date) -> None:
        """Lives from the open business date to the close of `through`, a fortnight at a time."""
        while (day := require_business_date()) <= through:
            until = min(through, day + timedelta(days=13))
            random = Random(f"{self.seed}/{day}")
            self._pay(day, until)
            self._reprice(day)
            self._reverse(random)
            self._pay_late(random, day)
            self._change(random, day)
            day_end.run(through=until, at_clock=lambda: self.clock(require_business_date()))
            self.say(f"{until} {dict(self.done)}")

    def clock(self, day: date) -> datetime:
        return datetime.combine(day, time(21, 0), SHANGHAI)

    @property
    def at(self) -> datetime:
        return datetime.combine(require_business_date(), time(10, 0), SHANGHAI)

    def _pay(self, day: date, until: date) -> None:
        told = receipts_made.make_receipts(open_day=day, through=until, seed=self.seed)
        rows = [
            ReceiptRow(each.loan, parse_amount(each.amount), each.value_on, each.channel, each.serial) for each in told
        ]
        for start in range(0, len(rows), 2000):
            result = post_receipts(rows=rows[start : start + 2000], by="system", at=self.at)
            self.done["receipts"] += result.posted + result.waiting
            self.refused["receipts"] += result.refused

    def _attempt(self, name: str, act: Callable[[], Any]) -> Any:
        try:
            found = act()
        except ActionRefused as refusal:
            self.refused[f"{name}: {refusal.code}"] += 1
            return None
        self.done[name] += 1
        return found

    def _reverse(self, random: Random) -> None:
        posted = list(
            Receipt.objects.filter(state=ReceiptState.POSTED).order_by("-id").values_list("pk", flat=True)[:400]
        )
        for pk in random.sample(posted, min(len(posted), max(1, len(posted) // 60))):
            self._attempt("reversals", partial(self._reverse_one, pk))

    def _reverse_one(self, pk: int) -> Receipt:
        return reverse_receipt(receipt_id=pk, reason="渠道退票，原路退回", by=self.staff.operations, at=self.at)

    def _pay_late(self, random: Random, day: date) -> None:
        """Money that came days ago and was told today; it lies before things that happened since."""
        overdue = Position.objects.filter(overdue_since__isnull=False).order_by("loan_id")
        ids = list(overdue.values_list("loan_id", "loan__loan_note_no", "installment_amount"))
        rows = []
        for loan_id, note, amount in random.sample(ids, min(len(ids), 1 + len(ids) // 10)):
            value_on = day - timedelta(days=random.randint(1, 40))
            told = max(Decimal("0.01"), (amount * random.randint(20, 220) / 100).quantize(Decimal("0.01")))
            rows.append(ReceiptRow(note, told, value_on, "LATE", f"{self.seed}-L-{loan_id}-{day:%Y%m%d}"))
        if rows:
            result = post_receipts(rows=rows, by="system", at=self.at)
            self.done["late receipts"] += result.posted
            self.refused["late receipts"] += result.refused

    # ── Changes of contract ──────────────────────────────────────────────────────────────────────

    def _change(self, random: Random, day: date) -> None:
        running = list(
            Loan.objects.filter(position__next_number__isnull=False).order_by("id").values_list("pk", flat=True)
        )
        late = list(
            Position.objects.filter(overdue_since__lt=day - timedelta(days=60), next_number__isnull=False)
            .order_by("loan_id").values_list("loan_id", flat=True)
        )  # fmt: skip
        count = max(2, len(running) // 400)
        for pk in random.sample(running, min(len(running), 6 * count)):
            kind, asked = random.choice(_ASKED)(random, pk, day)
            self._carry_through(pk, kind, asked, day)
        for pk in random.sample(late, min(len(late), count)):
            kind = random.choice(("RESTRUCTURING", "ACCELERATION"))
            self._carry_through(pk, kind, {"installments": "120"} if kind == "RESTRUCTURING" else {}, day)
        gone = Position.objects.filter(
            accelerated_on__isnull=False, written_off_on__isnull=True, principal_balance__gt=0
        )
        for pk in list(gone.order_by("loan_id").values_list("loan_id", flat=True)[:count]):
            self._carry_through(pk, "WRITE_OFF", {}, day)

    def _carry_through(self, loan_id: int, kind: str, asked: dict[str, str], day: date) -> None:
        """Propose, fund, decide, sign; the evening applies."""
        evidence = ("裁定书.pdf", b"%PDF-1.4 evidence") if kind == "WRITE_OFF" else None
        change = self._attempt(
            f"{kind} proposed",
            lambda: contract_changes.propose_change(
                loan_id=loan_id, kind=kind, asked=asked, reason="借款人书面申请，经客户经理核实", evidence=evidence,
                by=self.staff.officer, at=self.at,
            ),
        )  # fmt: skip
        if change is None:
            return
        total = change.principal + change.interest + change.charges + change.fee
        if total:
            note = Loan.objects.get(pk=loan_id).loan_note_no
            row = ReceiptRow(note, total, day, "COUNTER", f"{self.seed}-C-{change.pk}")
            post_receipts(rows=[row], by="system", at=self.at)
        decided = self._attempt(
            f"{kind} approved",
            lambda: contract_changes.decide_change(
                change_id=change.pk, approve=True, note="同意", version=change.version, by=self.staff.risk, at=self.at
            ),
        )
        if decided is not None:
            decided.refresh_from_db()
            self._attempt(
                f"{kind} signed",
                lambda: contract_changes.sign_change(
                    change_id=change.pk, note="柜面面签", version=decided.version, by=self.staff.officer, at=self.at
                ),
            )

    def _publish(self, published_on: date, rate: Decimal) -> None:
        proposed = propose_lpr(
            tenor="Y5", published_on=published_on, rate_percent=rate, source="全国银行间同业拆借中心公告",
            by=self.staff.operations, at=self.at,
        )  # fmt: skip
        decide_lpr(lpr_id=proposed.pk, approve=True, by=self.staff.checker, at=self.at)
        self.done["rates published"] += 1

    def _reprice(self, day: date) -> None:
        """Late in a month for the days of the next one, at the rates published until then."""
        for published_on, rate in PUBLISHED:
            if published_on < day and not LprRate.objects.filter(tenor="Y5", published_on=published_on).exists():
                self._publish(published_on, rate)
        if day.day <= 14:
            return
        first = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        run = self._attempt(
            "repricing runs",
            lambda: propose_repricing(from_on=first, to_on=last, by=self.staff.operations, at=self.at),
        )
        if run is not None:
            assert may(self.staff.checker, "loans.approve_repricing")
            self._attempt(
                "repricing approved",
                lambda: decide_repricing(
                    run_id=run.pk,
                    approve=True,
                    note="",
                    content_sha256=run.content_sha256,
                    by=self.staff.checker,
                    at=self.at,
                ),
            )


# Two cuts of the five-year rate.
PUBLISHED = ((date(2026, 12, 21), Decimal("3.40")), (date(2027, 6, 21), Decimal("3.25")))


def _prepayment(random: Random, loan_id: int, day: date) -> tuple[str, dict[str, str]]:
    amount = random.randint(10_000, 120_000)
    return "PREPAYMENT", {"amount": f"{amount}.00", "effect": random.choice(("LOWER_INSTALLMENT", "SHORTEN_TERM"))}


def _settlement(random: Random, loan_id: int, day: date) -> tuple[str, dict[str, str]]:
    return "SETTLEMENT", {}


def _extension(random: Random, loan_id: int, day: date) -> tuple[str, dict[str, str]]:
    position = Position.objects.get(pk=loan_id)
    left = position.last_number - (position.next_number or position.last_number) + 1
    return "EXTENSION", {"installments": str(min(480, left + random.randint(6, 60)))}


def _method(random: Random, loan_id: int, day: date) -> tuple[str, dict[str, str]]:
    return "METHOD", {"method": random.choice(("EQUAL_PRINCIPAL", "EQUAL_INSTALLMENT"))}


def _due_day(random: Random, loan_id: int, day: date) -> tuple[str, dict[str, str]]:
    return "DUE_DAY", {"due_day": str(random.randint(1, 31))}


def _cycle(random: Random, loan_id: int, day: date) -> tuple[str, dict[str, str]]:
    return "REPRICING_CYCLE", {
        "cycle_months": random.choice(("3", "6", "12")),
        "anchor": random.choice(("JANUARY_1", "LOAN_DAY")),
    }


def _pause(random: Random, loan_id: int, day: date) -> tuple[str, dict[str, str]]:
    first = day + timedelta(days=random.randint(1, 40))
    return "INTEREST_PAUSE", {"from": f"{first}", "to": f"{first + timedelta(days=random.randint(5, 70))}"}


def _deferral(random: Random, loan_id: int, day: date) -> tuple[str, dict[str, str]]:
    return "DEFERRAL", {"installments": str(random.randint(2, 6)), "extend": random.choice(("yes", "no"))}


def _spread(random: Random, loan_id: int, day: date) -> tuple[str, dict[str, str]]:
    return "SPREAD", {"spread_bp": str(random.randint(-60, 60))}


_ASKED: tuple[Callable[[Random, int, date], tuple[str, dict[str, str]]], ...] = (
    _prepayment,
    _prepayment,
    _prepayment,
    _settlement,
    _extension,
    _method,
    _due_day,
    _cycle,
    _pause,
    _deferral,
    _spread,
)
