"""Hands out a statement of account as a document, and records who took it."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from journal.actions import record
from journal.errors import ActionRefused
from loans import pdf, statement_xlsx
from loans.channel_words import channel_word
from loans.models import Loan
from loans.queries.bank import require_business_date
from loans.queries.names import is_name_on_paper, name_on_paper
from loans.queries.statement import PARTS, ZERO, Movement, Statement, statement
from loans.statement_wording import movement_words
from people.actions import require
from people.models import Staff
from people.rules.masking import mask_id

PDF, XLSX = "PDF", "XLSX"
_MEDIA_TYPES = {
    PDF: "application/pdf",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Documents speak Chinese whatever the language of who prints them.
_LANGUAGE = "zh-hans"


class StatementPeriodWrong(ActionRefused):
    """The period ends before it begins, or reaches beyond the open business date."""

    code = "statement_period_wrong"


@dataclass(frozen=True, slots=True)
class Document:
    """A file to hand out."""

    name: str
    media_type: str
    content: bytes


def check_period(from_on: date, to_on: date, as_of: date) -> None:
    if from_on > as_of:
        raise StatementPeriodWrong(_("开始日晚于营业日期 %(day)s。") % {"day": as_of}, field="from")
    if to_on > as_of:
        raise StatementPeriodWrong(_("结束日晚于营业日期 %(day)s，对账单只出到营业日期。") % {"day": as_of}, field="to")
    if to_on < from_on:
        raise StatementPeriodWrong(_("结束日早于开始日。"), field="to")


@transaction.atomic
def take_statement(
    *, loan: Loan, from_on: date, to_on: date, form: str, with_undone: bool = False, by: Staff, at: datetime
) -> Document:
    """The statement of a visible loan as PDF or XLSX; the taking stands in the journal with the file's hash."""
    require(by, "loans.view")
    as_of = require_business_date()
    check_period(from_on, to_on, as_of)
    with override(_LANGUAGE):
        found = statement(loan, from_on=from_on, to_on=to_on, as_of=as_of, with_undone=with_undone)
        content = _pdf(loan, found, by, at) if form == PDF else _xlsx(loan, found, by, at)
    digest = hashlib.sha256(content).hexdigest()
    record(
        kind="loans.statement_taken", subject_type="loan", subject_id=loan.pk, loan_id=loan.pk, by=by.staff_no, at=at,
        business_date=as_of,
        data={"from": str(from_on), "to": str(to_on), "form": form, "movements": len(found.movements),
              "sha256": digest, "is_name_full": is_name_on_paper(loan, by)},
    )  # fmt: skip
    name = f"statement-{loan.loan_note_no}-{from_on:%Y%m%d}-{to_on:%Y%m%d}.{form.lower()}"
    return Document(name, _MEDIA_TYPES[form], content)


def _cover(loan: Loan, found: Statement, by: Staff, at: datetime) -> dict[str, str]:
    position = loan.position
    return {
        "bank": loan.branch.name,
        "loan_note_no": loan.loan_note_no,
        "borrower": name_on_paper(loan, by),
        "id_no": mask_id(loan.borrower.id_no),
        "product": loan.get_product_display(),
        "method": loan.get_repayment_method_display(),
        "principal_original": f"{loan.principal_original:.2f}",
        "disbursed_on": str(loan.disbursed_on),
        "matures_on": str(loan.matures_on),
        "rate": _rate(position.annual_rate_percent),
        "from": str(found.from_on),
        "to": str(found.to_on),
        "as_of": str(found.as_of),
        "printed_by": f"{by.name} {by.staff_no}",
        "printed_at": f"{timezone.localtime(at):%Y-%m-%d %H:%M}",
    }


def _rate(percent: Decimal) -> str:
    """At least two decimals and no idle zeros."""
    whole, _dot, part = f"{percent:.4f}".rstrip("0").partition(".")
    return f"{whole}.{part.ljust(2, '0')}"


def _amounts(each: Movement) -> dict[str, Decimal]:
    """The columns of a movement; the parts say where money went, so a charge has none."""
    parts = {name: ZERO if each.is_debit else getattr(each, name) for name in PARTS}
    return {
        "debit": each.debit, "credit": each.credit, **parts, "balance": each.balance, "interest_due": each.interest_due
    }  # fmt: skip


def _serial(each: Movement) -> str:
    return f"{channel_word(each.channel)} {each.serial}".strip()


def _line(each: Movement) -> dict[str, str]:
    amounts = {name: f"{amount:.2f}" for name, amount in _amounts(each).items()}
    return {
        "on": str(each.value_on),
        "words": movement_words(each),
        "serial": _serial(each),
        **amounts,
    }


def _pdf(loan: Loan, found: Statement, by: Staff, at: datetime) -> bytes:
    standings = {
        name: {part: f"{getattr(standing, part):.2f}" for part in ("principal", "interest", "fees", "suspense")}
        for name, standing in (("opening", found.opening), ("closing", found.closing))
    }
    content: dict[str, Any] = {
        "cover": _cover(loan, found, by, at),
        **standings,
        "movements": [_line(each) for each in found.movements],
        "totals": {name: f"{amount:.2f}" for name, amount in found.totals.items()},
        "hidden": found.hidden,
        "is_to_date": found.position is not None,
    }
    return pdf.render("statement.typ", content)


def _xlsx(loan: Loan, found: Statement, by: Staff, at: datetime) -> bytes:
    cover = _cover(loan, found, by, at)
    names = {
        "loan_note_no": _("借据号"), "borrower": _("借款人"), "product": _("产品"), "from": _("开始日"),
        "to": _("结束日"), "as_of": _("账务截至营业日"), "printed_by": _("打印人"), "printed_at": _("打印时间"),
    }  # fmt: skip
    balances = [
        (_("期初本金余额"), found.opening.principal), (_("期初应收利息"), found.opening.interest),
        (_("期末本金余额"), found.closing.principal), (_("期末应收利息"), found.closing.interest),
        (_("期末应收费用"), found.closing.fees), (_("期末暂收款"), found.closing.suspense),
    ]  # fmt: skip
    heads = [
        _("起息日"), _("摘要"), _("渠道流水"), _("应收发生"), _("收款或减免"), _("本金"), _("利息"), _("罚息"),
        _("复利"), _("费用"), _("暂收款"), _("本金余额"), _("应收利息"),
    ]  # fmt: skip
    rows: list[list[statement_xlsx.Cell]] = [
        [each.value_on, movement_words(each), _serial(each), *_amounts(each).values()] for each in found.movements
    ]
    totals = found.totals
    sums = [_("合计"), None, None, *[totals[name] for name in ("debit", "credit", *PARTS)], None, None]
    notes = [_("本金至暂收款各栏为收款或减免的去向；暂收款为正表示转入，为负表示转出。罚息、复利于收到时入账。")]
    sheet = statement_xlsx.Sheet(
        _("对账单"), [*[(label, cover[key]) for key, label in names.items()], *balances], heads, rows, sums, notes
    )
    return statement_xlsx.render(sheet, made_at=timezone.localtime(at))
