"""Hands out the loans whose next visit a dry run changes, as a workbook; who took it stands in the journal."""

import hashlib
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from followups.actions.policy_refusals import TooManyLoans
from followups.models.policy import PolicyRun, PolicyRunLoan
from followups.policy_wording import CHANGE_WORDS, method_words
from followups.queries.policy import visible_loans
from journal.actions import record
from loans import statement_xlsx
from loans.actions.pricing_documents import DOCUMENT_LANGUAGE
from loans.actions.report_documents import MEDIA_TYPES
from loans.actions.statements import Document
from loans.models import Loan
from loans.queries import require_business_date
from loans.statement_xlsx import Cell, Sheet
from people.actions import require
from people.models import Staff

# A workbook is made in memory; longer lists are streamed as CSV.
MOST_ROWS = 50_000


@transaction.atomic
def take_changed_loans(*, run: PolicyRun, change: str, by: Staff, at: datetime) -> Document:
    """The list as it is shown, narrowed to one kind of change where one is named."""
    require(by, "followups.view_policy")
    rows = visible_loans(run, by)
    rows = rows.filter(change=change) if change in CHANGE_WORDS else rows
    found = list(rows.order_by("loan_id")[: MOST_ROWS + 1])
    if len(found) > MOST_ROWS:
        raise TooManyLoans(MOST_ROWS)
    with override(DOCUMENT_LANGUAGE):
        content = statement_xlsx.render(_sheet(run, found), made_at=at)
    record(
        kind="followups.policy_loans_taken", subject_type="followup_policy", subject_id=run.policy_id, by=by.staff_no,
        at=at, business_date=require_business_date(),
        data={"run": run.pk, "change": change, "rows": len(found), "sha256": hashlib.sha256(content).hexdigest()},
    )  # fmt: skip
    return Document(f"policy-v{run.policy.version}-run-{run.pk}.xlsx", MEDIA_TYPES["XLSX"], content)


def _sheet(run: PolicyRun, rows: list[PolicyRunLoan]) -> Sheet:
    notes = dict(Loan.objects.filter(pk__in=[row.loan_id for row in rows]).values_list("pk", "loan_note_no"))
    heads = [_("借据号"), _("变化"), _("原日期"), _("原方式"), _("原行"), _("新日期"), _("新方式"), _("新行")]
    told: list[list[Cell]] = [
        [
            notes[row.loan_id], str(CHANGE_WORDS[row.change]), row.before_on, method_words(row.before_method),
            row.before_line, row.after_on, method_words(row.after_method), row.after_line,
        ]
        for row in rows
    ]  # fmt: skip
    versions = {"before": run.against_version, "after": run.policy.version}
    facts = (
        (_("策略"), _("v%(before)s 与 v%(after)s 比较") % versions),
        (_("营业日"), run.as_of),
        (_("贷款笔数"), len(rows)),
    )
    sums: list[Cell] = [_("合计"), len(rows), None, None, None, None, None, None]
    return Sheet(_("下次回访有变的贷款"), facts, heads, told, sums, ())
