"""Past visits are opened for a decision: which reports were read, by whom and for what, stays on record (S2.19)."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from followups.models import Decision, ReportReference, VisitReport
from followups.queries.reuse import PastVisits, past_visits
from journal.actions import record
from journal.errors import ActionRefused
from loans.models import ContractChange, Loan
from loans.queries import require_business_date
from people.actions import require
from people.models import Staff


class DecisionUnknown(ActionRefused):
    code = "decision_unknown"

    def __init__(self) -> None:
        super().__init__(_("没有这项决定，或与该贷款无关。"), field="decision")


@transaction.atomic
def open_past_visits(
    *, loan_id: int, decision: str, decision_id: int | None, by: Staff, at: datetime
) -> tuple[Loan, PastVisits]:
    """What visits found of the loan's borrower; each report shown is referenced once a person, decision and day."""
    require(by, "followups.view")
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
    """A decision of this very loan; while a change is only tried out it has no number."""
    if decision in (Decision.CHANGE, Decision.PREPAYMENT):
        is_known = decision_id is None or ContractChange.objects.filter(pk=decision_id, loan=loan).exists()
    elif decision == Decision.REVIEW:
        reports = VisitReport.objects.visible_to(by).filter(visit__task__loan=loan)
        is_known = decision_id is not None and reports.filter(pk=decision_id).exists()
    else:
        is_known = decision == Decision.LOAN and decision_id is None
    if not is_known:
        raise DecisionUnknown
