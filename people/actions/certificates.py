"""Certificates to make visits: entering one, ending one.

Without one a person is given no new work once the warning period after the bank's first date is over; work that a
person has stays. Whoever assigns work in a branch enters its certificates.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from journal.actions import record
from journal.errors import ActionRefused
from journal.queries import business_date_now
from people.actions import require
from people.models import Certificate, Staff
from people.queries import branch_ids_visible_to
from people.queries.certificates import ENTERS, VISITS

_LONGEST = timedelta(days=366 * 10)
_DAY = timedelta(days=1)


class CertificateRefused(ActionRefused):
    """The certificate as asked for cannot be; `field` says what to mend."""

    code = "certificate_refused"


class CertificateOverlaps(CertificateRefused):
    code = "certificate_overlaps"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("与已登记的证书有效期重叠。"), field="first")


@transaction.atomic
def enter_certificate(*, staff: Staff, first: date, last: date, by: Staff, at: datetime) -> Certificate:
    """Enters a certificate, valid on both days."""
    require(by, ENTERS)
    if staff.branch_id not in branch_ids_visible_to(by):
        raise CertificateRefused(_("请从名单中选择持证人。"), field="staff")
    if last < first or last - first >= _LONGEST:
        raise CertificateRefused(_("有效期止不能早于有效期起，最长十年。"), field="last")
    try:
        with transaction.atomic():
            made = Certificate.objects.create(
                staff=staff, code=VISITS, valid=DateRange(first, last + _DAY), entered_by=by, entered_at=at
            )
    except IntegrityError as error:
        raise CertificateOverlaps from error
    _tell("people.certificate_entered", made, by=by, at=at, first=first.isoformat(), last=last.isoformat())
    return made


def take_over_certificates(*, staff: Iterable[Staff], first: date, last: date) -> int:
    """Certificates that people had before the bank began here, valid on both days: nobody entered them. How many."""
    valid = DateRange(first, last + _DAY)
    return len(Certificate.objects.bulk_create(Certificate(staff=one, code=VISITS, valid=valid) for one in staff))


@transaction.atomic
def end_certificate(*, certificate_id: int, by: Staff, at: datetime) -> Certificate:
    """Ends a certificate yesterday; one that has not begun never was."""
    require(by, ENTERS)
    made = Certificate.objects.select_for_update().get(pk=certificate_id)
    if made.staff.branch_id not in branch_ids_visible_to(by):
        raise CertificateRefused(_("请从名单中选择持证人。"), field="staff")
    today = _today()
    if made.valid.isempty or (made.valid.upper is not None and made.valid.upper <= today):
        raise CertificateRefused(_("该证书已失效。"))
    first = made.valid.lower
    valid = DateRange(first, today) if first is None or first < today else DateRange(empty=True)
    Certificate.objects.filter(pk=made.pk).update(valid=valid)
    _tell("people.certificate_ended", made, by=by, at=at, ended_on=today.isoformat())
    made.refresh_from_db()
    return made


def _today() -> date:
    today = business_date_now()
    if today is None:
        raise CertificateRefused(_("本行尚未开业：没有营业日期。"))
    return today


def _tell(kind: str, made: Certificate, *, by: Staff, at: datetime, **facts: str) -> None:
    record(
        kind=kind, subject_type="staff", subject_id=made.staff_id, by=by.staff_no, at=at, business_date=_today(),
        data={"certificate_id": made.pk, **facts},
    )  # fmt: skip
