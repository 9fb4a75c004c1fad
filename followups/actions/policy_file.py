"""Hands out what a dry run found as workbooks: the loans whose next visit it changes, and the workload of every officer
by week and of every branch by month; who took it stands in the journal."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from followups.actions.desk_file import DeskList, on_disk
from followups.actions.policy_refusals import TooManyLoans
from followups.models.policy import PolicyRun, PolicyRunLoan
from followups.policy_wording import CHANGE_WORDS, method_words
from followups.queries.policy import visible_loans
from followups.queries.policy_load import OfficerYear, Pair, Workload
from journal.actions import record
from loans import statement_xlsx
from loans.actions.pricing_documents import DOCUMENT_LANGUAGE
from loans.actions.report_documents import MEDIA_TYPES
from loans.actions.statements import Document
from loans.models import Loan
from loans.queries import require_business_date
from loans.statement_xlsx import Cell, Sheet
from people.actions import require
from people.models import Branch, Staff

# A workbook is made in memory; longer lists are streamed as CSV.
MOST_ROWS = 50_000
# The weeks of so many officers are read and written at a time.
_AT_ONCE = 200


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


@transaction.atomic
def take_workload(*, run: PolicyRun, branch: Branch | None, by: Staff, at: datetime) -> DeskList:
    """The page's tables as a whole: years of officers, their weeks, the weeks above the ceiling, months of branches."""
    require(by, "followups.view_policy")
    load = Workload(run, by, branch.pk if branch else None)
    with override(DOCUMENT_LANGUAGE):
        officers = load.officers(limit=None)
        beside = [_weeks(load, officers), _above(load), _months(load)]
        file = on_disk(_officers(run, branch, officers), at=at, beside=beside)
    record(
        kind="followups.policy_load_taken", subject_type="followup_policy", subject_id=run.policy_id, by=by.staff_no,
        at=at, business_date=require_business_date(),
        data={
            "run": run.pk, "branch": branch.code if branch else "", "rows": len(officers),
            "sha256": file.sha256.hexdigest(),
        },
    )  # fmt: skip
    return DeskList(f"policy-v{run.policy.version}-run-{run.pk}-load.xlsx", file, file.rewind())


def _pair_heads() -> list[str]:
    return [_("原户数"), _("现户数"), _("原实地"), _("现实地"), _("原工时"), _("现工时")]


def _both(*pairs: Pair) -> list[Cell]:
    return [each for pair in pairs for each in (pair.before, pair.after)]


def _who(officer: Staff | None, branch: Branch | None) -> list[Cell]:
    return [
        officer.staff_no if officer else "", officer.name if officer else "", branch.name if branch else "",
    ]  # fmt: skip


def _who_heads() -> list[str]:
    return [_("工号"), _("主办人"), _("机构")]


def _officers(run: PolicyRun, branch: Branch | None, years: list[OfficerYear]) -> Sheet:
    heads = [*_who_heads(), *_pair_heads(), _("原最忙一周"), _("现最忙一周"), _("原超限周数"), _("现超限周数")]
    versions = {"before": run.against_version, "after": run.policy.version}
    facts: tuple[tuple[str, Cell], ...] = (
        (_("策略"), _("v%(before)s 与 v%(after)s 比较") % versions), (_("营业日"), run.as_of),
        (_("机构"), branch.name if branch else _("全部机构")), (_("每人每周上限"), Workload.ceiling_of(run)),
    )  # fmt: skip
    rows = (
        [
            *_who(year.officer, year.branch),
            *_both(year.visits, year.in_field, year.hours, year.busiest, year.weeks_above),
        ]
        for year in years
    )
    return Sheet(_("主办人一年"), facts, heads, rows, (), ())


def _weeks(load: Workload, years: list[OfficerYear]) -> Sheet:
    def rows() -> Iterator[list[Cell]]:
        for start in range(0, len(years), _AT_ONCE):
            part = years[start : start + _AT_ONCE]
            weeks = load.weeks_by([year.officer_id for year in part])
            for year in part:
                who = _who(year.officer, year.branch)
                for week in weeks.get(year.officer_id, []):
                    yield [*who, week.starts_on, *_both(week.visits, week.in_field, week.hours), load.over(week)]

    return Sheet(_("每人每周"), (), [*_who_heads(), _("周"), *_pair_heads(), _("超上限")], rows(), (), ())


def _above(load: Workload) -> Sheet:
    heads = [*_who_heads(), _("周"), _("原户数"), _("现户数"), _("超上限")]
    rows = (
        [*_who(each.officer, each.branch), each.monday, *_both(each.visits), each.over] for each in load.above(None)
    )
    return Sheet(_("超出上限"), (), heads, rows, (), ())


def _months(load: Workload) -> Sheet:
    months, years = load.months()
    rows = (
        [
            year.branch.code if year.branch else "", year.branch.name if year.branch else "", f"{month:%Y-%m}",
            *_both(cell.visits, cell.in_field, cell.hours),
        ]
        for year in years
        for month, cell in zip(months, year.months, strict=True)
        if cell
    )  # fmt: skip
    return Sheet(_("每机构每月"), (), [_("机构号"), _("机构"), _("月份"), *_pair_heads()], rows, (), ())
