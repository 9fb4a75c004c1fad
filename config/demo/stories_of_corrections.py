"""Two approved reports of the tour's officer with a fault: one was corrected, the other waits for its correction."""

from datetime import date
from decimal import Decimal

from config.demo import book
from config.demo.book import clock
from config.demo.stories import loan_of, told
from config.demo.visits import Story, amend, approve, reviewer_of, visit
from followups.actions import open_report_correction
from followups.models import CorrectionReason, CorrectionState, ReportCorrection, ReportState, VisitReport, VisitTask
from people.models import FinancialProfile


def reported(day: date, serial: int) -> None:
    """A new job with less pay, as it was typed; approved the same day."""
    task = told(serial, "JOB_CHANGE", day, "客户来电告知已换单位")
    now = {
        "employer": "江城新材股份有限公司", "change_cause": "换工作", "monthly_income": _income(task, 85),
    }  # fmt: skip
    story = Story("WATCH", "已换单位，收入较前低15%，按期还款。", now, measure="PROOF", verified_by="PAYSLIP")
    approve(visit(task, clock(day, 10), story), clock(day, 17))


def opened(day: date, serial: int, code: CorrectionReason, words: str) -> None:
    """The manager opens the approved report for correction."""
    report = VisitReport.objects.filter(visit__task__loan=loan_of(serial), state=ReportState.APPROVED).latest("id")
    open_report_correction(
        report_id=report.pk, code=code, words=words, by=reviewer_of(report.visit.task), at=clock(day, 9, 40)
    )


def corrected(day: date) -> None:
    """The officer amends the income; the manager approves the version that takes the place of the first."""
    made = ReportCorrection.objects.get(visit__task__loan=loan_of(book.CORRECTED), state=CorrectionState.OPEN)
    task = VisitTask.objects.select_related("assigned_to", "branch", "loan").get(pk=made.visit.task_id)
    less = {"monthly_income": _income(task, 92)}
    text = "已换单位，客户补交三个月工资流水：收入较前低8%，按期还款。"
    approve(amend(task, clock(day, 10, 30), less, text), clock(day, 16, 20), "流水与更正内容一致，同意。")


def _income(task: VisitTask, percent: int) -> str:
    """So much of what the borrower was taken over with."""
    known = FinancialProfile.objects.filter(party_id=task.loan.borrower_id).order_by("id").first()
    assert known is not None and known.monthly_income is not None
    return f"{(known.monthly_income * percent / 100).quantize(Decimal('1'))}.00"
