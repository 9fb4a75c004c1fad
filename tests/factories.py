"""Builds through actions wherever one exists, so that no test holds an impossible state."""

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from people import actions
from people.models import Branch, Party, Staff
from people.rules.identity import check_digit

AT = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
AS_OF = date(2026, 10, 31)
PASSWORD = "anju-test-0001"
_serial = itertools.count(1)


def make_branch(code: str | None = None, parent: Branch | None = None) -> Branch:
    """A branch below the root (or below `parent`)."""
    code = code or f"T{next(_serial):04d}"
    found = Branch.objects.filter(code=code).first()
    return found or actions.create_branch(
        code=code, name=f"支行{code}", parent=parent or actions.root_branch(at=AT), by="system", at=AT
    )


def make_staff(role: str | list[str], branch: Branch, name: str = "林晓舟") -> Staff:
    """A person with the role(s), signing in with PASSWORD."""
    roles = [role] if isinstance(role, str) else role
    return actions.create_staff(
        staff_no=f"S{next(_serial):05d}", name=name, branch=branch, roles=roles, password=PASSWORD, by="system", at=AT
    )


def identity_no(serial: int, born: str = "19800101") -> str:
    """A valid-looking identity number of Jiangan district."""
    body = f"420102{born}{serial % 1000:03d}"
    return body + check_digit(body)


def make_party(**given: Any) -> Party:
    party = _party(**given)
    party.save()
    return party


def make_parties(number: int) -> list[Party]:
    """So many people, with one statement."""
    return Party.objects.bulk_create(_party() for _ in range(number))


def _party(**given: Any) -> Party:
    serial = next(_serial)
    born = f"{1950 + serial // 1000 % 50}0101"
    fields = {
        "name": "孙丽华",
        "name_initials": "slh",
        "id_no": identity_no(serial, born),
        "phone": f"199{serial:08d}",
        **given,
    }
    return Party(**fields)


def open_bank(day: date = date(2026, 11, 1)) -> None:
    """Opens the first business date unless one is open."""
    from loans.actions import open_bank as open_it
    from loans.queries import open_business_date

    if open_business_date() is None:
        open_it(day=day, at=AT, by="system")


def book_loan(branch: Branch | None = None, officer: Staff | None = None, **given: Any) -> Any:
    """Books one existing loan as of 2026-10-31 (tape names in `given`), with property and valuation."""
    from collateral.models import Charge, Property, Valuation
    from loans.actions import OpeningLoan, book_opening
    from loans.models import ImportBatch, Loan

    open_bank(given.pop("opens_on", date(2026, 11, 1)))
    serial = next(_serial)
    value = given.pop("appraised_value", Decimal("2000000.00"))
    occupied = given.pop("owner_occupied", True)
    address = given.pop("property_address", "江城市滨江区悦府路1号6栋1803室")
    branch = branch or make_branch()
    party = given.pop("borrower", None) or make_party()
    as_of = given.pop("as_of", AS_OF)
    batch = ImportBatch.objects.create(
        file_name="test.csv", sha256=f"{serial:064d}", as_of=as_of, actor="system", at=AT
    )
    fields: dict[str, Any] = {
        "loan_note_no": f"ML{branch.code[:4]:0>4}20240322{serial:06d}",
        "external_id": f"X{serial:06d}",
        "borrower_id": party.pk,
        "branch_id": branch.pk,
        "portfolio_officer_id": officer.pk if officer else None,
        "principal_original": Decimal("1000000.00"),
        "outstanding": Decimal("900000.00"),
        "annual_rate_percent": Decimal("3.6000"),
        "disbursed_on": date(2023, 1, 20),
        "matures_on": date(2053, 1, 20),
        "due_day": 20,
        "days_past_due": 0,
        "credit_score": 720,
        "payment_record": "",
        "last_visit_on": None,
        "tape_line": 2,
        "tape_sha256": f"{serial:064x}",
        **given,
    }
    ids = book_opening(rows=[OpeningLoan(**fields)], as_of=as_of, batch=batch, by="system", at=AT)
    loan = Loan.objects.get(pk=ids[fields["external_id"]])
    if value is not None:
        home = Property.objects.create(
            address=address,
            district="滨江区",
            property_type="CONDO",
            is_owner_occupied=occupied,
            value=value,
            valued_on=as_of,
        )
        Charge.objects.create(loan=loan, property=home)
        Valuation.objects.create(property=home, value=value, valued_on=as_of, source="tape")
    return loan
