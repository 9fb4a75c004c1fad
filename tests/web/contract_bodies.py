"""What is sent to disclose a contract and to pay it out, and the rows of the matrix that follow from it."""

from typing import Any

from loans.actions.disclosure import NewDisclosure, make_disclosure
from loans.models import CostDisclosure
from tests.contracts import TERMS, request_of
from tests.factories import AT
from tests.web.api_bank import TODAY, Bank

BORROWER = {"id_no": "11010519491231002X", "name": "陈立新", "phone": "19900001234"}
HOME = {
    "address": "江城市滨江区悦府路1号6栋1803室",
    "property_type": "CONDO",
    "value": "1250000.00",
    "valued_on": "2026-10-20",
    "kind": "ADVANCE_NOTICE",
    "registration_no": "江(2026)滨江区不动产证明第0012345号",
    "registered_on": "2026-10-28",
}
LOAN: dict[str, Any] = {
    "external_id": "LOS-1",
    "branch": "NOWHERE",
    "signed_on": TODAY.isoformat(),
    "borrower": BORROWER,
    "terms": TERMS,
}
DISCLOSURE: dict[str, Any] = {
    "terms": TERMS,
    "fees": [{"code": "APPRAISAL", "label": "押品评估费", "charged_by": "江城评估有限公司", "amount": "3000.00"}],
    "contingent": [
        {"code": "PREPAYMENT_FEE", "label": "提前还款违约金", "charged_by": "贷款人", "basis": "一年内按本金的 1%"}
    ],
}
COMBINATION: dict[str, Any] = {
    **{name: LOAN[name] for name in ("branch", "signed_on", "borrower")},
    "fund": {
        "external_id": "LOS-F", "terms": {**TERMS, "principal": "600000.00", "annual_rate_percent": "2.60"}
    },
    "commercial": {
        "external_id": "LOS-C", "terms": {**TERMS, "principal": "400000.00", "annual_rate_percent": "3.05"}
    },
}  # fmt: skip
_READERS = {"officer", "colleague", "manager", "stranger", "risk", "operations", "auditor"}
ROWS: dict[tuple[str, str], tuple[set[str] | None, Any]] = {
    ("loans", "POST"): ({"operations"}, LOAN),
    ("combinations", "POST"): ({"operations"}, COMBINATION),
    ("disclosures", "GET"): (_READERS, None),
    ("disclosures", "POST"): ({"officer", "colleague", "stranger", "manager", "operations"}, DISCLOSURE),
    ("disclosure", "GET"): (_READERS, None),
    ("disclosure-pdf", "GET"): (_READERS, None),
    ("disclosure-void", "POST"): (
        {"officer", "colleague", "stranger", "manager", "operations"},
        {"reason": "利率填错了"},
    ),
}


def disclosure_row(bank: Bank, who: str) -> dict[str, int]:
    """A disclosure of no loan yet, made in the branch of this person."""
    made = make_disclosure(asked=NewDisclosure(request=request_of()), by=bank.staff[who], at=AT)
    return {"disclosure": made.pk}


def disclosure_in(bank: Bank, place: str) -> int:
    """Id of a disclosure made in a branch, one that exists nowhere for any other place."""
    who = {"home": "officer", "other": "stranger"}.get(place)
    if who is None:
        return 987_654_321
    found = CostDisclosure.objects.filter(made_by=bank.staff[who]).first()
    return found.pk if found else disclosure_row(bank, who)["disclosure"]
