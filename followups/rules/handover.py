"""Decides who receives which loans when an officer leaves or moves for good.

Loans of one customer stay together (one customer, one talk). Customers are given out district by district, to the
receiver who knows the district and still has room in the fair share, else to the one with the least so far.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from followups.rules.assignment import Candidate


@dataclass(frozen=True, slots=True)
class Parcel:
    """A loan to hand over."""

    loan_id: int
    customer_id: int
    district: str = ""


def spread(parcels: Sequence[Parcel], receivers: Sequence[Candidate]) -> dict[int, int]:
    """Receiver by loan; empty without receivers. The same input in any order gives the same answer."""
    if not receivers:
        return {}
    customers: dict[int, list[Parcel]] = {}
    for parcel in sorted(parcels, key=lambda one: one.loan_id):
        customers.setdefault(parcel.customer_id, []).append(parcel)
    share = -(-len(parcels) // len(receivers))
    given = {one.staff_id: 0 for one in receivers}
    found: dict[int, int] = {}
    known = {name for one in receivers for name, count in one.districts if count and name}
    # Districts that somebody knows are given out first, while who knows them has room.
    order = sorted(
        customers.values(),
        key=lambda rows: (rows[0].district not in known, -len(rows), rows[0].district, rows[0].customer_id),
    )
    for rows in order:
        district = rows[0].district
        receiver = min(
            receivers,
            key=lambda one: (
                given[one.staff_id] + len(rows) > share, -min(1, one.loans_in(district)), given[one.staff_id],
                one.planned, one.staff_id,
            ),
        )  # fmt: skip
        given[receiver.staff_id] += len(rows)
        found |= {parcel.loan_id: receiver.staff_id for parcel in rows}
    return found
