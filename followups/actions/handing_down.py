"""What a visit found becomes what the bank knows: facts flow down to the rooms that own them, in the approval."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from collateral.actions import record_delivery, record_insurance, record_registration, update_occupancy
from collateral.models import Charge
from followups.actions.refusals import WrongState
from followups.models import VisitReport, VisitTask
from followups.rules.checklist import answer_of
from followups.rules.correction import NO, YES, registers
from followups.rules.report import content_sha256
from people.actions import change_phone, record_profile
from people.models import FinancialProfile, Party, Staff

_MEANS = ("employer", "monthly_income", "other_monthly_debt")
_CHARGE = ("registration_kind", "registration_no")


def hand_down(task: VisitTask, report: VisitReport, *, by: Staff, at: datetime) -> None:
    """What the visit found becomes what the bank knows. The full values are those the content's hash binds."""
    found = registers(found_in(report, report.visit.draft), report.submitted_on)
    write_down(task, found, known_on=report.submitted_on, by=by, at=at)


def found_in(report: VisitReport, draft: Mapping[str, Any]) -> dict[str, str]:
    """Item key → full new value, for facts that changed or were recorded for the first time; refused unless these are
    the answers that the report was made of."""
    if content_sha256(draft) != report.content["answers_sha256"]:
        raise WrongState(_("回访内容与报告不一致，不能审核通过。"))
    rows = [row for section in report.content["sections"] for row in section["items"]]
    return {
        row["key"]: str(answer_of(draft, row["key"]).get("now") or "")
        for row in rows
        if row["state"] in ("CHANGED", "BASELINE")
    }


def write_down(task: VisitTask, values: Mapping[str, str], *, known_on: date, by: Staff, at: datetime) -> None:
    """Writes registers (`rules.correction.registers`); one that is not named stays as it is."""
    told: dict[str, Any] = {"by": by.staff_no, "at": at, "loan_id": task.loan_id}
    if values.keys() & set(_MEANS):
        record_profile(
            party_id=task.loan.borrower_id,
            known_on=known_on,
            source="VISIT",
            monthly_income=_amount(values.get("monthly_income")),
            employer=values.get("employer", ""),
            other_monthly_debt=_amount(values.get("other_monthly_debt")),
            **told,
        )
    if "phone" in values:
        change_phone(party_id=task.loan.borrower_id, phone=values["phone"], **told)
    if "is_owner_occupied" in values:
        update_occupancy(is_owner_occupied=values["is_owner_occupied"] == YES, **told)
    if "is_delivered" in values:
        record_delivery(is_delivered=values["is_delivered"] == YES, **told)
    if "insured_until" in values:
        record_insurance(insured_until=date.fromisoformat(values["insured_until"]), **told)
    if values.keys() & set(_CHARGE):
        kind, number = values.get("registration_kind"), values.get("registration_no")
        record_registration(kind=kind, registration_no=number, **told)


def standing(task: VisitTask) -> tuple[dict[str, str], date | None]:
    """The registers as they stand now, and the day of the last financial profile."""
    phone = Party.objects.values_list("phone", flat=True).get(pk=task.loan.borrower_id)
    found: dict[str, Any] = {"phone": phone}
    profiles = FinancialProfile.objects.filter(party=task.loan.borrower_id).order_by("-known_on", "-id")
    profile = profiles.first()
    if profile is not None:
        found |= {key: getattr(profile, key) for key in _MEANS}
    charge = Charge.objects.filter(loan=task.loan_id).select_related("property").order_by("id").first()
    if charge is not None:
        home = charge.property
        kind = charge.kind if charge.kind != "NOT_RECORDED" else ""
        found |= {"registration_kind": kind, "registration_no": charge.registration_no}
        found |= {key: getattr(home, key) for key in ("is_owner_occupied", "is_delivered", "insured_until")}
    told = {key: _text(value) for key, value in found.items()}
    return {key: value for key, value in told.items() if value}, profile.known_on if profile else None


def _text(value: object) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


def _amount(value: str | None) -> Decimal | None:
    return Decimal(value) if value else None
