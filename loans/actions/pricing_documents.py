"""Hands out documents of pricing, and records who took them: notices of a run or of one loan, loans with a wide spread.

A paper for one customer bears the name in full for whoever hands it out (`loans.print_for_customer`, the portfolio
officer); a file of many only for `loans.export_names`. No telephone or address is in them: letters are addressed where
those are kept, by the number of the loan note.
"""

import csv
import hashlib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from journal.actions import record
from journal.errors import ActionRefused
from loans import pdf, statement_xlsx
from loans.actions.repricing import RepricingRefused
from loans.actions.statements import Document
from loans.models import Loan, RepaymentMethod, RepricingItem, RepricingRun, RepricingState
from loans.queries import open_business_date
from loans.queries.bank import require_business_date
from loans.queries.names import borrower_name, is_name_on_paper, name_on_paper
from loans.queries.pricing import above_new_loans, spread_gap_bounds
from loans.queries.repricing import items_seen
from loans.repricing_wording import held_words, rate_text, split_words, until_regular_words
from loans.statement_xlsx import Cell, Sheet
from people.actions import require
from people.models import Staff
from people.rules.masking import mask_id

CSV, XLSX = "CSV", "XLSX"
_MEDIA_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Documents speak Chinese whatever the language of who takes them.
DOCUMENT_LANGUAGE = "zh-hans"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@transaction.atomic
def take_notices(*, run: RepricingRun, form: str, with_names: bool = False, by: Staff, at: datetime) -> Document:
    """The notices of the loans that a person sees, of a run that was approved; names in full only by permission."""
    require(by, "loans.view_repricing")
    if with_names:
        require(by, "loans.export_names")
    if run.state != RepricingState.APPROVED and not run.items.filter(state="APPLIED").exists():
        raise RepricingRefused(_("批次获批后才能导出通知。"))
    with override(DOCUMENT_LANGUAGE):
        rows = list(_rows(run, by, with_names=with_names))
        window = f"{run.from_on} – {run.to_on}"
        facts = ((_("批次"), run.pk), (_("重定价日"), window), (_("笔数"), len(rows)))
        content = _content(form, Sheet(_("利率重定价通知"), facts, _heads(), rows, (), ()), at)
    record(
        kind="loans.repricing_notices_taken", subject_type="repricing", subject_id=run.pk, by=by.staff_no, at=at,
        business_date=open_business_date(),
        data={"form": form, "notices": len(rows), "with_names": with_names,
              "sha256": hashlib.sha256(content).hexdigest()},
    )  # fmt: skip
    name = f"repricing-{run.pk}-{run.from_on:%Y%m%d}-{run.to_on:%Y%m%d}.{form.lower()}"
    return Document(name, _MEDIA_TYPES[form], content)


class NoticeTooEarly(ActionRefused):
    """A borrower is told what was approved."""

    code = "notice_too_early"
    conflict = True


def check_notice(item: RepricingItem) -> None:
    """NoticeTooEarly unless the item was approved and not held back."""
    if item.state == "HELD":
        raise NoticeTooEarly(_("这笔贷款在批次中被搁置，利率没有变，没有通知。"))
    if item.state == "PENDING" and item.run.state != RepricingState.APPROVED:
        raise NoticeTooEarly(_("批次获批后才能打印通知。"))


@transaction.atomic
def print_notice(*, item: RepricingItem, by: Staff, at: datetime) -> dict[str, Any]:
    """One borrower's notice as the page prints it, of a loan that the person sees; the printing is recorded."""
    require(by, "loans.view")
    check_notice(item)
    today = require_business_date()
    with override(DOCUMENT_LANGUAGE):
        content = notice_content(item, by, at)
    record(
        kind="loans.repricing_notice_printed", subject_type="repricing", subject_id=item.run_id, loan_id=item.loan_id,
        by=by.staff_no, at=at, business_date=today,
        data={"item": item.pk, "is_name_full": is_name_on_paper(item.loan, by)},
    )  # fmt: skip
    return content


@transaction.atomic
def take_notice(*, item: RepricingItem, by: Staff, at: datetime) -> Document:
    """One borrower's notice as PDF, of a loan that the person sees; the taking stands in the journal with its hash."""
    require(by, "loans.view")
    check_notice(item)
    today = require_business_date()
    with override(DOCUMENT_LANGUAGE):
        content = pdf.render("repricing_notice.typ", notice_content(item, by, at))
    record(
        kind="loans.repricing_notice_taken", subject_type="repricing", subject_id=item.run_id, loan_id=item.loan_id,
        by=by.staff_no, at=at, business_date=today,
        data={"item": item.pk, "is_name_full": is_name_on_paper(item.loan, by),
              "sha256": hashlib.sha256(content).hexdigest()},
    )  # fmt: skip
    name = f"repricing-{item.loan.loan_note_no}-{item.effective_on:%Y%m%d}.pdf"
    return Document(name, "application/pdf", content)


def notice_content(item: RepricingItem, by: Staff, at: datetime) -> dict[str, Any]:
    """What a borrower is told of a repricing, as texts; empty where there is nothing to tell."""
    loan = item.loan
    return {
        "bank": loan.branch.name,
        "number": f"{item.run_id}-{item.pk}",
        "borrower": name_on_paper(loan, by),
        "id_no": mask_id(loan.borrower.id_no),
        "loan_note_no": loan.loan_note_no,
        "method": loan.get_repayment_method_display(),
        "effective_on": f"{item.effective_on}",
        "tenor": item.get_tenor_display(),
        "lpr": rate_text(item.lpr_percent),
        "published_on": f"{item.lpr_published_on or ''}",
        "spread_bp": bp_text(item.spread_bp),
        "old_rate": rate_text(item.old_rate_percent),
        "new_rate": rate_text(item.new_rate_percent),
        "old_installment": f"{item.old_installment:.2f}",
        "new_installment": f"{item.new_installment:.2f}",
        "change": f"{item.new_installment - item.old_installment:.2f}",
        "first_number": f"{item.first_number or ''}",
        "first_due_on": f"{item.first_due_on or ''}",
        "first_amount": "" if item.first_amount is None else f"{item.first_amount:.2f}",
        "split": split_words(item),
        "is_level": loan.repayment_method == RepaymentMethod.EQUAL_INSTALLMENT,
        "until_regular": until_regular_words(item),
        "regular_on": f"{item.regular_on or ''}",
        "next_repricing_on": f"{item.next_repricing_on or ''}",
        "printed_by": f"{by.name} {by.staff_no}",
        "printed_at": f"{timezone.localtime(at):%Y-%m-%d %H:%M}",
    }


def bp_text(spread: Decimal) -> str:
    """+30, −30, +62.34: always with its sign."""
    text = f"{spread:+.2f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")


def _heads() -> tuple[str, ...]:
    return (
        _("借据号"), _("机构"), _("客户"), _("重定价日"), _("LPR 品种"), _("LPR"), _("公布日"), _("加点（基点）"),
        _("原利率"), _("新利率"), _("原月供"), _("新月供"), _("首个按新利率的还款日"), _("该期应还"), _("该期利息"),
        _("新月供前各期"), _("新月供自"), _("下次重定价日"), _("状态"), _("说明"),
    )  # fmt: skip


def _rows(run: RepricingRun, by: Staff, *, with_names: bool) -> Iterator[tuple[Cell, ...]]:
    states = {
        "PENDING": _("待生效"), "APPLIED": _("已生效"), "UNCHANGED": _("利率未变"), "HELD": _("搁置"),
    }  # fmt: skip
    for item in items_seen(run, by).order_by("loan_id").iterator(chunk_size=2000):
        name = str(item.loan.borrower.name) if with_names else borrower_name(item.loan, by)
        yield (
            item.loan.loan_note_no, item.loan.branch.name, name, item.effective_on,
            item.get_tenor_display(), _rate(item.lpr_percent), item.lpr_published_on, f"{item.spread_bp:.2f}",
            _rate(item.old_rate_percent), _rate(item.new_rate_percent), item.old_installment, item.new_installment,
            item.first_due_on, item.first_amount, split_words(item), _("；").join(until_regular_words(item)),
            item.regular_on, item.next_repricing_on, states[item.state],
            held_words(item.reason) if item.reason else "",
        )  # fmt: skip


def _rate(percent: Any) -> str:
    return f"{percent:.4f}%"


@transaction.atomic
def take_wide_spreads(*, form: str, by: Staff, at: datetime) -> Document:
    """The loans that a person sees whose spread is far above that of new loans."""
    require(by, "loans.view")
    today = require_business_date()
    seen = Loan.objects.visible_to(by).select_related("borrower", "branch", "portfolio_officer", "position")
    average, most = spread_gap_bounds(today)
    with override(DOCUMENT_LANGUAGE):
        rows = list(_spread_rows(above_new_loans(seen, today), by))
        facts = (
            (_("营业日"), today), (_("新发放贷款平均加点（基点）"), f"{average}"), (_("差距超过（基点）"), f"{most}"),
            (_("笔数"), len(rows)),
        )  # fmt: skip
        content = _content(form, Sheet(_("存量利率协商名单"), facts, _spread_heads(), rows, (), ()), at)
    record(
        kind="loans.wide_spreads_taken", subject_type="loans", subject_id=None, by=by.staff_no, at=at,
        business_date=today,
        data={"form": form, "loans": len(rows), "sha256": hashlib.sha256(content).hexdigest()},
    )  # fmt: skip
    return Document(f"spreads-{today:%Y%m%d}.{form.lower()}", _MEDIA_TYPES[form], content)


def _spread_heads() -> tuple[str, ...]:
    return (
        _("借据号"), _("机构"), _("客户"), _("管户"), _("余额"), _("利率"), _("加点（基点）"), _("高出（基点）"),
        _("重定价周期（月）"), _("下次重定价日"),
    )  # fmt: skip


def _spread_rows(loans: QuerySet[Loan], by: Staff) -> Iterator[tuple[Cell, ...]]:
    for loan in loans.order_by("-pricings__spread_bp", "id").iterator(chunk_size=2000):
        position, officer = loan.position, loan.portfolio_officer
        yield (
            loan.loan_note_no, loan.branch.name, borrower_name(loan, by), officer.name if officer else "",
            position.principal_balance, _rate(position.annual_rate_percent), f"{loan.spread_bp:.2f}",  # type: ignore[attr-defined]
            f"{loan.gap_bp:.2f}", loan.cycle_months, position.next_repricing_on,  # type: ignore[attr-defined]
        )  # fmt: skip


def _content(form: str, sheet: Sheet, at: datetime) -> bytes:
    return _csv(sheet) if form == CSV else statement_xlsx.render(sheet, made_at=at)


def _csv(sheet: Sheet) -> bytes:
    """UTF-8 with its mark, as spreadsheets expect; a name that begins like a formula is put behind an apostrophe."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(sheet.heads)
    for row in sheet.rows:
        texts = ("" if each is None else str(each) for each in row)
        writer.writerow(
            [f"'{one}" if k in (1, 2, 3) and one.startswith(_FORMULA) else one for k, one in enumerate(texts)]
        )
    return b"\xef\xbb\xbf" + text.getvalue().encode()
