"""How a simulated change is stored: integers, days as text, and one hash of all that was agreed.

What is stored is applied as it stands. Two hashes guard it: each schedule has the hash that its terms will carry, and
the whole record has one that approval and applying compare.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from loans.rules.continuation import Plan, to_json
from loans.rules.schedule import ENGINE_VERSION, EQUAL_INSTALLMENT


@dataclass(frozen=True, slots=True)
class StoredTerms:
    """A version of the terms as it will be written; amounts in fen."""

    first_number: int
    rate_ppm: int
    installment_fen: int
    method: str
    plain_from: int
    request: dict[str, Any] | None
    engine_version: str
    sha256: str
    due_on: list[str]
    principal_fen: list[int]
    interest_fen: list[int]

    @property
    def days(self) -> list[date]:
        return [date.fromisoformat(day) for day in self.due_on]

    @property
    def last_number(self) -> int:
        return self.first_number + len(self.principal_fen) - 1

    @property
    def unbilled_fen(self) -> int:
        return sum(self.principal_fen)

    def is_itself(self) -> bool:
        """Are the rows the ones that the hash was made of?"""
        text = f"{self.engine_version} {self.installment_fen} {self.first_number}\n{' '.join(self.due_on)}"
        rows = f"{tuple(self.principal_fen)}\n{tuple(self.interest_fen)}"
        return hashlib.sha256(f"{text}\n{rows}".encode()).hexdigest() == self.sha256


def stored_terms(plan: Plan) -> StoredTerms:
    """A plan as a version of the terms. The request is kept where something of it is not told by plain months."""
    request = plan.request
    is_plain = plan.plain_from <= plan.first_number and request.rounding == "FEN" and request.installment_fen is None
    return StoredTerms(
        first_number=plan.first_number,
        rate_ppm=plan.rate_ppm,
        installment_fen=plan.installment_fen,
        method=request.method,
        plain_from=plan.plain_from,
        request=None if is_plain else to_json(request),
        engine_version=ENGINE_VERSION,
        sha256=plan.sha256,
        due_on=[str(row.due_on) for row in plan.rows],
        principal_fen=plan.principal_fen,
        interest_fen=plan.interest_fen,
    )


def figures(plan: Plan) -> dict[str, Any]:
    """What a person compares: amounts in fen, days as text; empty of rows once nothing is left."""
    rows = plan.rows
    first = rows[0] if rows else None
    amount = first.principal_fen + first.interest_fen if first else 0
    level = plan.installment_fen if plan.request.method == EQUAL_INSTALLMENT and rows else amount
    return {
        "installment": level,
        "next_amount": amount,
        "rate_ppm": plan.rate_ppm,
        "installments_left": len(rows),
        "first_due_on": str(first.due_on) if first else None,
        "matures_on": str(rows[-1].due_on) if rows else None,
        "interest_left": plan.interest_left_fen,
        "method": plan.request.method,
        "due_day": plan.request.due_day,
        "balance": sum(plan.principal_fen),
    }


def content_sha256(content: Mapping[str, Any]) -> str:
    """One hash of all that is approved: kind, loan, day, request, result and amounts."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
