"""Past visits are opened for a decision: which reports were read, by whom and for what, stays on record (S2.19)."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from followups.models import Decision, ReportReference, VisitReport, VisitTask
from followups.queries.reuse import VISITS, PastVisits, may_open, past_visits
from journal.actions import record
from journal.errors import ActionRefused
from loans.models import ContractChange, Fee, Loan, Refund
from loans.queries import require_business_date
from people.actions import require
from people.models import Staff
from risk.models import Signal

TRIED_OUT = (Decision.CHANGE, Decision.PREPAYMENT, Decision.REFUND, Decision.LOAN)


class DecisionUnknown(ActionRefused):
    code = "decision_unknown"

    def __init__(self) -> None:
        super().__init__(_("没有这项决定，或与该贷款无关。"), field="decision")


@transaction.atomic
def open_past_visits(
    *, loan_id: int, decision: str, decision_id: int | None, by: Staff, at: datetime
) -> tuple[Loan, PastVisits]:
    """What visits found of the loan's borrower; each report shown is referenced once a person, decision and day."""
    if not may_open(by, decision, decision_id):
        require(by, VISITS)
    loan = Loan.objects.visible_to(by).select_related("borrower").get(pk=loan_id)
    _require_decision(loan, decision, decision_id, by)
    found, today = past_visits(loan, by), require_business_date()
    what = {"loan": loan, "decision": decision, "decision_id": decision_id, "by": by, "business_date": today}
    known = set(ReportReference.objects.filter(**what).values_list("report_id", flat=True))
    fresh = [past.report for past in found.reports if past.report.pk not in known]
    if fresh:
        rows = [ReportReference(report=report, at=at, **what) for report in fresh]
        ReportReference.objects.bulk_create(rows, ignore_conflicts=True)
        record(
            kind="followups.reports_referenced", subject_type="loan", subject_id=loan.pk, loan_id=loan.pk,
            by=by.staff_no, at=at, business_date=today,
            data={"loan_id": loan.pk, "decision": decision, "decision_id": decision_id,
                  "reports": [report.pk for report in fresh]},
        )  # fmt: skip
    return loan, found


def _require_decision(loan: Loan, decision: str, decision_id: int | None, by: Staff) -> None:
    """A decision of this very loan; what is only tried out has no number yet."""
    if decision_id is None:
        is_known = decision in TRIED_OUT
    else:
        found = _decided_on(loan, by).get(decision)
        is_known = found is not None and found.filter(pk=decision_id).exists()
    if not is_known:
        raise DecisionUnknown


def _decided_on(loan: Loan, by: Staff) -> dict[str, QuerySet[Any]]:
    """What may be decided on by decision: rows of this loan, as far as this person sees them."""
    changes, tasks = ContractChange.objects.filter(loan=loan), VisitTask.objects.visible_to(by).filter(loan=loan)
    return {
        Decision.CHANGE: changes,
        Decision.PREPAYMENT: changes,
        Decision.REVIEW: VisitReport.objects.visible_to(by).filter(visit__task__loan=loan),
        Decision.REFUND: Refund.objects.filter(loan=loan),
        Decision.WAIVER: Fee.objects.filter(loan=loan),
        Decision.SIGNAL: Signal.objects.visible_to(by).filter(loan=loan),
        Decision.SKIP: tasks.filter(skips__isnull=False),
        Decision.REASSIGN: tasks.filter(reassigns__isnull=False),
        Decision.RESUME: tasks.filter(paused_until__isnull=False),
    }
