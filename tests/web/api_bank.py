"""A small bank for API tests: two branches, every role, an overdue loan with a task in each; a client like curl."""

import json
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.test import Client

from followups import batch
from followups.models import VisitTask
from loans.actions import ReceiptRow, charge_fee, make_debits, post_receipts
from loans.actions.lpr import propose_lpr
from loans.actions.repricing import propose_repricing
from loans.models import MoneyFile, MoneyReturn, Receipt, ReceiptBreak, Refund
from people.models import Branch, Staff
from people.tokens import issue_token
from risk.batch import regrade
from tests.factories import AT, book_loan, make_branch, make_staff

TODAY = date(2026, 11, 1)


class Api:
    """Sends JSON with a key in the header; returns the response."""

    def __init__(self, key: str = "", **headers: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {**({"Authorization": f"Bearer {key}"} if key else {}), **headers}

    def get(self, path: str, **parameters: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", parameters, headers=self.headers)

    def post(self, path: str, body: Any = None, *, key: str = "", raw: bytes | None = None, **headers: str) -> Any:
        sent = raw if raw is not None else json.dumps({} if body is None else body).encode()
        more = {"Idempotency-Key": key} if key else {}
        media_type = headers.pop("content_type", "application/json")
        return self.client.post(
            f"/api/v1/{path}", sent, content_type=media_type, headers={**self.headers, **more, **headers}
        )

    def send(self, method: str, path: str) -> Any:
        return self.client.generic(method, f"/api/v1/{path}", b"", headers=self.headers)


@dataclass
class Bank:
    """Staff by role in the home branch, the other branch's officer, one loan and one phone task in each branch."""

    home: Branch
    other: Branch
    staff: dict[str, Staff]
    keys: dict[str, str]
    loans: dict[str, Any]
    tasks: dict[str, VisitTask]
    clients: dict[str, Api] = field(default_factory=dict)

    def api(self, who: str) -> Api:
        return self.clients.setdefault(who, Api(self.keys[who]))


ROLES = {
    "officer": ("LOAN_OFFICER", "home"),
    "colleague": ("LOAN_OFFICER", "home"),
    "manager": ("BRANCH_MANAGER", "home"),
    "stranger": ("LOAN_OFFICER", "other"),
    "risk": ("RISK_MANAGER", "root"),
    "operations": ("OPERATIONS", "root"),
    "auditor": ("AUDITOR", "root"),
    "administrator": ("ADMINISTRATOR", "root"),
}


def make_bank() -> Bank:
    """Books, grades and plans; the task that a person makes by phone is the one kept."""
    home, other = make_branch(), make_branch()
    assert home.parent is not None
    places = {"home": home, "other": other, "root": home.parent}
    staff = {who: make_staff(role, places[place], name=f"{who[:8]}") for who, (role, place) in ROLES.items()}
    loans = {
        "home": book_loan(home, officer=staff["officer"], days_past_due=12, credit_score=640),
        "other": book_loan(other, officer=staff["stranger"], days_past_due=12, credit_score=640),
    }
    ids = [loan.pk for loan in loans.values()]
    regrade(as_of=TODAY, at=AT, loan_ids=ids)
    batch.replan(as_of=TODAY, at=AT, loan_ids=ids)
    tasks = {}
    for place, loan in loans.items():
        task = VisitTask.objects.filter(loan=loan, is_light=False).exclude(method="OFF_SITE").order_by("due_on").first()
        assert task is not None, list(VisitTask.objects.filter(loan=loan).values())
        tasks[place] = task
    keys = {who: issue_token(staff=one, name="test", by="system", at=_now())[0] for who, one in staff.items()}
    return Bank(home, other, staff, keys, loans, tasks)


def _now() -> Any:
    from django.utils import timezone

    return timezone.now()


def pay(loan: Any, amount: str = "100.00") -> int:
    """A posted receipt of the loan; its id."""
    row = ReceiptRow(loan.loan_note_no, Decimal(amount), TODAY, "CORE", f"P{loan.pk}")
    receipt_id = post_receipts(rows=[row], by="system", at=AT).outcomes[0].receipt_id
    assert receipt_id is not None
    return receipt_id


def money_rows(bank: Bank, place: str) -> dict[str, int]:
    """A file of debits, a break of another file, a refund and a return to decide: ids by the first word of routes."""
    out, _new = make_debits(by="system", at=AT)
    came = MoneyFile.objects.create(
        kind="RECEIPTS", name="r.csv", sha256=place, business_date=TODAY, actor="system", at=AT,
        counts={"finished": True},
    )  # fmt: skip
    row = ReceiptBreak.objects.create(
        file=came, line=2, row={"loan": "X", "amount": "1e2"}, column="amount", reason="不是金额"
    )
    refund = Refund.objects.create(
        loan=bank.loans[place], amount=Decimal("1.00"), reason="客户多还退回", proposed_by=bank.staff["operations"],
        proposed_at=AT,
    )  # fmt: skip
    stray = Receipt.objects.create(
        channel="CNAPS", serial=f"stray-{place}", loan_ref="X", amount=Decimal("1.00"), value_on=TODAY,
        state="UNMATCHED", received_at=AT,
    )  # fmt: skip
    back = MoneyReturn.objects.create(
        receipt=stray, reason="原路退回付款行", proposed_by=bank.staff["operations"], proposed_at=AT
    )
    maker = make_staff("OPERATIONS", bank.home, name="maker")
    fee = charge_fee(
        loan_id=bank.loans[place].pk, code="COPY", amount=Decimal("1.00"), reason="补打合同副本", by=maker, at=AT
    )
    return {"money": out.pk, "break": row.pk, "refund": refund.pk, "return": back.pk, "fee": fee.pk}


def pricing_rows(bank: Bank) -> dict[str, int]:
    """A rate to be checked and a run to be decided; they belong to the bank, not to a branch."""
    rate = propose_lpr(
        tenor="Y5", published_on=date(2026, 10, 20), rate_percent=Decimal("3.50"), source="2026年10月公告",
        by=bank.staff["operations"], at=AT,
    )  # fmt: skip
    new_year = date(2027, 1, 1)
    run = propose_repricing(from_on=new_year, to_on=new_year, by=bank.staff["operations"], at=AT)
    return {"lpr": rate.pk, "repricing": run.pk}


def clean_draft(sections: list[dict[str, Any]]) -> dict[str, Any]:
    """An honest draft with the least answers: unchanged where something is known, else the first value given."""
    answers: dict[str, Any] = {}
    for item in (item for section in sections for item in section["items"]):
        if item["is_system"] or not item["required"]:
            continue
        if item["is_direct"]:
            answers[item["key"]] = {"now": _value_for(item)}
        elif item["is_baseline_missing"]:
            answers[item["key"]] = {"choice": "CHANGED", "now": _value_for(item), "verified_by": "ORAL"}
        else:
            answers[item["key"]] = {"choice": "SAME"}
    return {
        "answers": answers,
        "contact_outcome": "REACHED",
        "conclusion": "WATCH",
        "conclusion_text": "逾期十二天，客户承诺本周内还清。",
        "suggested_class": "SPECIAL_MENTION",
    }


def submitted(bank: Bank) -> dict[str, Any]:
    """The report of the home branch's task, made and handed in by its officer."""
    officer, path = bank.api("officer"), f"tasks/{bank.tasks['home'].pk}"
    visit = officer.post(f"{path}/start/").json()
    draft = clean_draft(visit["sections"])
    if visit["method"] == "FIELD":
        draft["second_visitor"] = bank.staff["colleague"].staff_no
        draft.pop("contact_outcome")
    reply = officer.post(f"{path}/submit/", {"version": visit["version"], "draft": draft})
    assert reply.status_code == 201, reply.json()
    found: dict[str, Any] = reply.json()
    return found


def _value_for(item: dict[str, Any]) -> str:
    if item["choices"]:
        return str(item["choices"][0]["value"])
    return {"money": "9800.00", "date": "2026-10-30"}.get(item["type"], "某某公司")
