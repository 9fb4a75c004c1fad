"""Published loan prime rates: one person copies the announcement, another compares it; only then it counts."""

from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans.models import LprRate, Tenor
from loans.queries import open_business_date, require_business_date
from loans.queries.pricing import publication_workday
from loans.rules.money import AmountError, rate_ppm
from loans.rules.pricing import publication_fault
from people.actions import require
from people.models import Staff

LEAST_SOURCE, MOST_SOURCE = 4, 120


class LprRefused(ActionRefused):
    """The rate, its day or its source cannot be right."""

    code = "lpr_refused"


class LprConflict(ActionRefused):
    """Somebody was first: the day has a rate already, or the proposal is decided."""

    code = "lpr_conflict"
    conflict = True


class OwnLpr(ActionRefused):
    """Nobody checks what they entered."""

    code = "own_lpr"


@transaction.atomic
def propose_lpr(
    *, tenor: str, published_on: date, rate_percent: Decimal, source: str, by: Staff, at: datetime
) -> LprRate:
    """Enters a rate as announced; it does not count before another person approved it."""
    require(by, "loans.propose_repricing")
    if tenor not in Tenor.values:
        raise LprRefused(_("没有这个期限品种。"), field="tenor")
    words = source.strip()
    if not LEAST_SOURCE <= len(words) <= MOST_SOURCE:
        raise LprRefused(_("请写明公布来源（4 至 120 个字）。"), field="source")
    if LprRate.objects.filter(tenor=tenor, published_on=published_on).exists():
        raise LprConflict(_("%(day)s 的这一品种已经录入。") % {"day": published_on}, field="published_on")
    _check(tenor, published_on, rate_percent)
    try:
        with transaction.atomic():
            row = LprRate.objects.create(
                tenor=tenor, published_on=published_on, rate_percent=rate_percent, source=words, proposed_by=by,
                proposed_at=at,
            )  # fmt: skip
    except IntegrityError:
        raise LprConflict(_("%(day)s 的这一品种已经录入。") % {"day": published_on}, field="published_on") from None
    _record("loans.lpr_proposed", row, by, at)
    return row


def _check(tenor: str, published_on: date, rate_percent: Decimal) -> None:
    """LprRefused names what cannot be right."""
    latest = LprRate.objects.filter(tenor=tenor).order_by("-published_on").values_list("published_on", flat=True)
    try:
        ppm = rate_ppm(rate_percent)
    except (AmountError, ArithmeticError, ValueError):
        raise LprRefused(_("利率须为百分数，最多四位小数，不带符号。"), field="rate_percent") from None
    workday = publication_workday(published_on)
    fault = publication_fault(ppm, published_on, today=require_business_date(), workday=workday, latest=latest.first())
    if fault is None:
        return
    field, code = fault
    sentences = {
        "beyond_limits": _("LPR 须大于 0，不超过 36%。"),
        "not_a_step": _("LPR 以 0.05 个百分点为步长公布，请核对公告。"),
        "in_the_future": _("公布日晚于当前营业日期。"),
        "not_a_publication_day": _("该月 LPR 的公布日是 %(day)s（20 日，遇节假日顺延）。") % {"day": workday},
        "not_after_the_latest": _("公布日须晚于已录入的最近一期（%(day)s）。") % {"day": latest.first()},
    }
    raise LprRefused(sentences[code], field=field)


@transaction.atomic
def decide_lpr(*, lpr_id: int, approve: bool, by: Staff, at: datetime) -> LprRate | None:
    """Another person's word on a rate: from then on it counts, or it is gone (None) and may be entered anew."""
    require(by, "loans.approve_repricing")
    row = LprRate.objects.select_for_update().filter(pk=lpr_id).first()
    if row is None:
        raise LprConflict(_("该条 LPR 已被退回。"))
    if row.is_approved:
        raise LprConflict(_("该条 LPR 已经复核。"))
    if row.proposed_by_id == by.pk:
        raise OwnLpr(_("不能复核自己录入的 LPR。"))
    if not approve:
        _record("loans.lpr_rejected", row, by, at)
        row.delete()
        return None
    LprRate.objects.filter(pk=row.pk).update(is_approved=True, approved_by=by, approved_at=at)
    _record("loans.lpr_approved", row, by, at)
    row.refresh_from_db()
    return row


def _record(kind: str, row: LprRate, by: Staff, at: datetime) -> None:
    record(
        kind=kind,
        subject_type="lpr",
        subject_id=row.pk,
        by=by.staff_no,
        at=at,
        business_date=open_business_date(),
        data={"tenor": row.tenor, "published_on": str(row.published_on), "rate_percent": f"{row.rate_percent}"},
    )
