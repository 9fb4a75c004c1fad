"""Hands out the notices of a run as a file: old and new rate, old and new payment, from when. The taking is recorded.

Names are masked and no telephone or address is in it: the letters are made where those are kept, by the number of the
loan note.
"""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from io import StringIO
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from journal.actions import record
from loans import statement_xlsx
from loans.actions.repricing import RepricingRefused
from loans.actions.statements import Document
from loans.models import RepricingRun, RepricingState
from loans.queries import open_business_date
from loans.queries.names import borrower_name
from loans.queries.repricing import items_seen
from loans.repricing_wording import held_words
from loans.statement_xlsx import Cell, Sheet
from people.actions import require
from people.models import Staff

CSV, XLSX = "CSV", "XLSX"
_MEDIA_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Documents speak Chinese whatever the language of who takes them.
_LANGUAGE = "zh-hans"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@transaction.atomic
def take_notices(*, run: RepricingRun, form: str, by: Staff, at: datetime) -> Document:
    """The notices of the loans that a person sees, of a run that was approved."""
    require(by, "loans.view_repricing")
    if run.state != RepricingState.APPROVED and not run.items.filter(state="APPLIED").exists():
        raise RepricingRefused(_("批次获批后才能导出通知。"))
    with override(_LANGUAGE):
        rows = list(_rows(run, by))
        content = _csv(rows) if form == CSV else _xlsx(run, rows, at)
    record(
        kind="loans.repricing_notices_taken", subject_type="repricing", subject_id=run.pk, by=by.staff_no, at=at,
        business_date=open_business_date(),
        data={"form": form, "notices": len(rows), "sha256": hashlib.sha256(content).hexdigest()},
    )  # fmt: skip
    name = f"repricing-{run.pk}-{run.from_on:%Y%m%d}-{run.to_on:%Y%m%d}.{form.lower()}"
    return Document(name, _MEDIA_TYPES[form], content)


def _heads() -> tuple[str, ...]:
    return (
        _("借据号"), _("机构"), _("客户"), _("重定价日"), _("LPR 品种"), _("LPR"), _("公布日"), _("加点（基点）"),
        _("原利率"), _("新利率"), _("原月供"), _("新月供"), _("首个按新利率的还款日"), _("该期应还"), _("新月供自"),
        _("下次重定价日"), _("状态"), _("说明"),
    )  # fmt: skip


def _rows(run: RepricingRun, by: Staff) -> Iterator[tuple[Cell, ...]]:
    states = {
        "PENDING": _("待生效"), "APPLIED": _("已生效"), "UNCHANGED": _("利率未变"), "HELD": _("搁置"),
    }  # fmt: skip
    for item in items_seen(run, by).order_by("loan_id").iterator(chunk_size=2000):
        yield (
            item.loan.loan_note_no, item.loan.branch.name, borrower_name(item.loan, by), item.effective_on,
            item.get_tenor_display(), _rate(item.lpr_percent), item.lpr_published_on, f"{item.spread_bp:.2f}",
            _rate(item.old_rate_percent), _rate(item.new_rate_percent), item.old_installment, item.new_installment,
            item.first_due_on, item.first_amount, item.regular_on, item.next_repricing_on, states[item.state],
            held_words(item.reason) if item.reason else "",
        )  # fmt: skip


def _rate(percent: Any) -> str:
    return f"{percent:.4f}%"


def _csv(rows: Sequence[Sequence[Cell]]) -> bytes:
    """UTF-8 with its mark, as spreadsheets expect; a name that begins like a formula is put behind an apostrophe."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(_heads())
    for row in rows:
        texts = ("" if each is None else str(each) for each in row)
        writer.writerow([f"'{one}" if k in (1, 2) and one.startswith(_FORMULA) else one for k, one in enumerate(texts)])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _xlsx(run: RepricingRun, rows: Sequence[Sequence[Cell]], at: datetime) -> bytes:
    sheet = Sheet(
        title=_("利率重定价通知"),
        facts=((_("批次"), run.pk), (_("重定价日"), f"{run.from_on} – {run.to_on}"), (_("笔数"), len(rows))),
        heads=_heads(),
        rows=rows,
        sums=(),
        notes=(),
    )
    return statement_xlsx.render(sheet, made_at=at)
