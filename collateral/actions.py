"""Writes of collateral: the homes, charges and valuations that come with a book taken over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from collateral.models import Charge, ChargeKind, Property, Valuation
from collateral.rules.address import district_of
from collateral.sql import copy_texts, next_ids
from journal.actions import record
from journal.queries import business_date_now

SOURCE = "tape"
CONTRACT = "contract"


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
    charge = Charge.objects.filter(loan_id=loan_id).order_by("id").first()
    if charge is None:
        return
    Property.objects.filter(pk=charge.property_id).update(is_owner_occupied=is_owner_occupied)
    record(
        kind="collateral.occupancy_recorded",
        subject_type="property",
        subject_id=charge.property_id,
        loan_id=loan_id,
        by=by,
        at=at,
        business_date=business_date_now(),
        data={"is_owner_occupied": is_owner_occupied},
    )


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
