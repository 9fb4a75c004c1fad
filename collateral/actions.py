"""Writes of collateral: homes, charges and valuations of a book taken over or a new contract; values of an area."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from collateral.batch import revalue_area
from collateral.models import AreaRevaluation, Charge, ChargeKind, Property, Valuation
from collateral.rules.address import district_of
from collateral.sql import copy_texts, next_ids
from journal.actions import record
from journal.errors import ActionRefused
from journal.queries import business_date_now
from loans.queries import hold_business_date
from people.actions import require
from people.models import Staff
from people.rules.identity import has_unseen_characters

SOURCE = "tape"
CONTRACT = "contract"
RECORD = "collateral.record"
PROPOSE_AREA, APPROVE_AREA = "collateral.propose_revaluation", "collateral.approve_revaluation"


@dataclass(frozen=True)
class TakenOver:
    """The home behind one loan as the tape knows it; value and day are None together."""

    loan_id: int
    address: str
    property_type: str
    is_owner_occupied: bool | None
    value: Decimal | None
    valued_on: date | None
    registration_no: str
    registered_on: date | None


@transaction.atomic
def take_over(*, rows: Sequence[TakenOver], by: str, at: datetime) -> None:
    """Adds a property, its charge and (where known) its valuation for each loan; four statements whatever the rows.

    The fact is `loans.booked` of the batch: what exists at take-over is baseline and wakes nothing of its own.
    """
    homes = list(zip(next_ids("collateral_property", len(rows)), rows, strict=True))
    copy_texts(
        "collateral_property",
        ("id", "address", "district", "property_type", "is_owner_occupied", "value", "valued_on"),
        [
            (home, row.address, district_of(row.address), row.property_type, row.is_owner_occupied, row.value,
             row.valued_on)
            for home, row in homes
        ],
    )  # fmt: skip
    copy_texts(
        "collateral_charge",
        ("loan_id", "property_id", "kind", "registration_no", "registered_on"),
        [
            (row.loan_id, home, ChargeKind.FORMAL.value if row.registration_no else ChargeKind.NOT_RECORDED.value,
             row.registration_no, row.registered_on)
            for home, row in homes
        ],
    )  # fmt: skip
    copy_texts(
        "collateral_valuation",
        ("property_id", "value", "valued_on", "source"),
        [
            (home, row.value, row.valued_on, SOURCE)
            for home, row in homes
            if row.value is not None and row.valued_on is not None
        ],
    )


@dataclass(frozen=True)
class NewHome:
    """The home that secures a new contract; what it is registered as may not be known yet."""

    address: str
    property_type: str
    value: Decimal
    valued_on: date
    is_owner_occupied: bool | None = None
    kind: str = ChargeKind.NOT_RECORDED.value
    registration_no: str = ""
    registered_on: date | None = None


@transaction.atomic
def charge_home(*, home: NewHome, loan_ids: Sequence[int], by: str, at: datetime) -> Property:
    """Adds a home with its valuation and one charge for each loan, ranked in their order.

    The contracts of a combination loan share one home: the first of them ranks first.
    """
    found = Property.objects.create(
        address=home.address,
        district=district_of(home.address),
        property_type=home.property_type,
        is_owner_occupied=home.is_owner_occupied,
        value=home.value,
        valued_on=home.valued_on,
    )
    Valuation.objects.create(property=found, value=home.value, valued_on=home.valued_on, source=CONTRACT)
    charges = Charge.objects.bulk_create(
        Charge(
            loan_id=loan_id,
            property=found,
            kind=home.kind,
            registration_no=home.registration_no,
            registered_on=home.registered_on,
            rank=rank,
        )
        for rank, loan_id in enumerate(loan_ids, start=1)
    )
    for charge in charges:
        record(
            kind="collateral.charged",
            subject_type="charge",
            subject_id=charge.pk,
            loan_id=charge.loan_id,
            by=by,
            at=at,
            business_date=business_date_now(),
            data={"property": found.pk, "rank": charge.rank, "kind": charge.kind, "value": str(home.value)},
        )
    return found


@transaction.atomic
def update_occupancy(*, loan_id: int, is_owner_occupied: bool, by: str, at: datetime) -> None:
    """Sets whether the owner lives in the loan's home, as a visit found it."""
    values = {"is_owner_occupied": is_owner_occupied}
    _record_found(loan_id, values, "collateral.occupancy_recorded", by=by, at=at)


@transaction.atomic
def record_delivery(*, loan_id: int, is_delivered: bool, by: str, at: datetime) -> None:
    """Sets whether the loan's home was handed over, as a visit found it."""
    _record_found(loan_id, {"is_delivered": is_delivered}, "collateral.delivery_recorded", by=by, at=at)


@transaction.atomic
def record_registration(*, loan_id: int, kind: str | None, registration_no: str | None, by: str, at: datetime) -> None:
    """Sets kind and number of the loan's charge, as verified; None leaves a part as it is."""
    charge = Charge.objects.select_for_update().filter(loan_id=loan_id).order_by("id").first()
    if charge is None:
        return
    changes: dict[str, str] = {}
    if kind is not None:
        changes["kind"] = ChargeKind(kind).value
    if registration_no is not None:
        changes["registration_no"] = registration_no
    Charge.objects.filter(pk=charge.pk).update(**changes)
    record(
        kind="collateral.registration_recorded",
        subject_type="charge",
        subject_id=charge.pk,
        loan_id=loan_id,
        by=by,
        at=at,
        business_date=business_date_now(),
        data={"before": charge.kind, "after": changes.get("kind", charge.kind)},
    )


@transaction.atomic
def record_place(*, loan_id: int, latitude: Decimal, longitude: Decimal, by: str, at: datetime) -> bool:
    """Keeps where the loan's first home stands, if nobody knows yet; the first word is the baseline, later ones are
    compared with it. The record holds no coordinates."""
    charge = Charge.objects.filter(loan_id=loan_id).order_by("id").first()
    if charge is None:
        return False
    unknown = Property.objects.filter(pk=charge.property_id, latitude__isnull=True)
    if not unknown.update(latitude=latitude, longitude=longitude):
        return False
    record(
        kind="collateral.place_recorded", subject_type="property", subject_id=charge.property_id, loan_id=loan_id,
        by=by, at=at, business_date=business_date_now(), data={"property_id": charge.property_id},
    )  # fmt: skip
    return True


@transaction.atomic
def record_insurance(*, loan_id: int, insured_until: date, by: str, at: datetime) -> None:
    """Sets until when the loan's home is insured, as a visit found it."""
    values = {"insured_until": insured_until}
    _record_found(loan_id, values, "collateral.insurance_recorded", by=by, at=at)


def _record_found(loan_id: int, values: dict[str, Any], kind: str, *, by: str, at: datetime) -> None:
    """Sets what a visit found of the loan's home, and tells it as the fact says it: dates as text."""
    charge = Charge.objects.filter(loan_id=loan_id).order_by("id").first()
    if charge is None:
        return
    Property.objects.filter(pk=charge.property_id).update(**values)
    record(
        kind=kind,
        subject_type="property",
        subject_id=charge.property_id,
        loan_id=loan_id,
        by=by,
        at=at,
        business_date=business_date_now(),
        data={name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()},
    )


class NotRegistrable(ActionRefused):
    """The loan is not secured by an advance notice, or the day is ahead."""

    code = "not_registrable"


@transaction.atomic
def record_registrable(*, loan_id: int, registrable_on: date, by: Staff, at: datetime) -> Charge:
    """Says from which day the advance notice of a visible loan could be made a formal mortgage; it then runs out."""
    require(by, RECORD)
    today = hold_business_date()
    charge = Charge.objects.select_for_update().filter(loan_id=loan_id).order_by("id").first()
    if charge is None or charge.kind != ChargeKind.ADVANCE_NOTICE:
        raise NotRegistrable(_("该贷款没有预告登记。"), field="registrable_on")
    if registrable_on > today or (charge.registered_on is not None and registrable_on < charge.registered_on):
        raise NotRegistrable(_("日期不能晚于营业日，也不能早于预告登记日。"), field="registrable_on")
    before, charge.registrable_on = charge.registrable_on, registrable_on
    charge.save(update_fields=["registrable_on"])
    record(
        kind="collateral.registrable_recorded",
        subject_type="charge",
        subject_id=charge.pk,
        loan_id=loan_id,
        by=by.staff_no,
        at=at,
        business_date=today,
        data={"before": before.isoformat() if before else None, "after": registrable_on.isoformat()},
    )
    return charge


_HUNDREDTHS = Decimal("0.01")


class AreaUnclear(ActionRefused):
    """District, percent, day or source of a revaluation do not hold together."""

    code = "area_unclear"


class AreaDecided(ActionRefused):
    """Somebody decided meanwhile, or one for the district waits already."""

    code = "area_decided"
    conflict = True


class OwnArea(ActionRefused):
    """Nobody applies an own proposal."""

    code = "own_area"


@transaction.atomic
def propose_area(
    *, district: str, change_percent: Decimal, valued_on: date, source: str, by: Staff, at: datetime
) -> AreaRevaluation:
    """Proposes that all homes of a district change in value by a percent."""
    require(by, PROPOSE_AREA)
    today = hold_business_date()
    district, source = _said(district, "district", 40), _said(source, "source", 120)
    percent = change_percent.quantize(_HUNDREDTHS)
    if percent != change_percent or not (-90 <= percent <= 100) or not percent:
        raise AreaUnclear(_("变动幅度须在 -90% 至 100% 之间，最多两位小数，不为零。"), field="change_percent")
    last = AreaRevaluation.objects.filter(district=district, is_applied=True).order_by("-valued_on").first()
    if valued_on > today or (last is not None and valued_on <= last.valued_on):
        raise AreaUnclear(_("估值日不能晚于营业日，也不能早于该区域上次重估。"), field="valued_on")
    if not Property.objects.filter(district=district, value__isnull=False).exists():
        raise AreaUnclear(_("该区域没有已估值的押品。"), field="district")
    if AreaRevaluation.objects.filter(district=district, decided_at__isnull=True).exists():
        raise AreaDecided(_("该区域已有一项重估待复核。"))
    area = AreaRevaluation.objects.create(
        district=district, change_percent=percent, valued_on=valued_on, source=source, maker=by.staff_no, made_at=at
    )
    _tell(area, "collateral.area_proposed", by, at, today)
    return area


@transaction.atomic
def decide_area(
    *, area_id: int, approve: bool, note: str = "", limits: Sequence[Decimal], wakes_all: bool, by: Staff, at: datetime
) -> AreaRevaluation:
    """Applies what another person proposed, or turns it down with a reason.

    `limits` are the ratios that any policy of the bank looks at; `wakes_all` where a policy looks at the area itself.
    """
    require(by, APPROVE_AREA)
    today = hold_business_date()
    area = AreaRevaluation.objects.select_for_update().get(pk=area_id)
    if area.decided_at is not None:
        raise AreaDecided(_("该重估已由他人处理。"))
    if area.maker == by.staff_no:
        raise OwnArea(_("不能复核自己提出的重估。"))
    area.note = note.strip() if approve and not note.strip() else _said(note, "note", 200)
    area.checker, area.decided_at, area.is_applied = by.staff_no, at, approve
    if approve:
        area.counts = revalue_area(area=area, limits=limits, wakes_all=wakes_all, by=by.staff_no, as_of=today, at=at)
    area.save()
    _tell(area, "collateral.area_approved" if approve else "collateral.area_refused", by, at, today)
    return area


def _tell(area: AreaRevaluation, kind: str, by: Staff, at: datetime, today: date) -> None:
    record(
        kind=kind, subject_type="area_revaluation", subject_id=area.pk, by=by.staff_no, at=at, business_date=today,
        data={"percent": str(area.change_percent), "valued_on": area.valued_on.isoformat()},
    )  # fmt: skip


def _said(text: str, field: str, most: int) -> str:
    words = text.strip()
    if len(words) < 2 or len(words) > most or has_unseen_characters(words):
        raise AreaUnclear(_("请填写 2 至 %(most)s 个可见字符。") % {"most": most}, field=field)
    return words
