"""Changes of contract over the API: from preview to reversal, bad input, and who gets to see nothing."""

import base64
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loans.actions import ReceiptRow, post_receipts
from loans.models import ContractChange, Loan, Posting
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, make_bank

PREPAY = {"kind": "PREPAYMENT", "asked": {"amount": "100000.00", "effect": "SHORTEN_TERM"}}
REASON = {"reason": "客户申请办理"}


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


@pytest.fixture
def loan(bank: Bank) -> Loan:
    found: Loan = book_loan(bank.home, officer=bank.staff["officer"])
    return found


def fund(loan: Loan, amount: str, serial: str = "F1") -> None:
    row = ReceiptRow(loan.loan_note_no, Decimal(amount), TODAY, "CORE", serial)
    post_receipts(rows=[row], by="system", at=AT)


def propose(bank: Bank, loan: Loan, key: str = "k1", **more: Any) -> Any:
    return bank.api("officer").post(f"loans/{loan.pk}/changes/", {**PREPAY, **REASON, **more}, key=key)


def test_a_prepayment_from_preview_to_reversal(bank: Bank, loan: Loan) -> None:
    officer, manager = bank.api("officer"), bank.api("manager")
    preview = officer.post(f"loans/{loan.pk}/changes/preview/", PREPAY).json()
    assert (preview["principal"], preview["needed"], preview["before"]["installments_left"]) == (
        "100000.00", preview["total"], 315
    )  # fmt: skip
    assert ContractChange.objects.count() == 0
    reply = propose(bank, loan)
    change = reply.json()
    assert (reply.status_code, change["state"], change["version"]) == (201, "PROPOSED", 1)
    assert change["preview"] == preview
    again = propose(bank, loan)
    assert (again.json()["id"], again["Idempotency-Replayed"]) == (change["id"], "true")
    path = f"changes/{change['id']}"
    decided = manager.post(f"{path}/decide/", {"version": 1, "approve": True}).json()
    assert (decided["state"], decided["decided_by"]["staff_no"]) == ("APPROVED", bank.staff["manager"].staff_no)
    assert officer.post(f"{path}/sign/", {"version": 2, "note": "柜面签署"}).json()["state"] == "SIGNED"
    short = officer.post(f"{path}/apply/", {}, key="k2")
    assert (short.status_code, short.json()["error"]["code"]) == (422, "change_waits")
    fund(loan, preview["needed"])
    applied = officer.post(f"{path}/apply/", {}, key="k3").json()
    assert applied["state"] == "APPLIED"
    undone = manager.post(f"{path}/reverse/", {"reason": "客户误操作要求撤销"}, key="k4").json()
    assert (undone["state"], undone["end_reason"]) == ("REVERSED", "客户误操作要求撤销")
    assert Posting.objects.filter(kind="REVERSAL").count() == 1


def test_a_stale_form_and_a_second_decision_are_conflicts_with_a_name(bank: Bank, loan: Loan) -> None:
    path = f"changes/{propose(bank, loan).json()['id']}/decide/"
    bank.api("manager").post(path, {"version": 1, "approve": True})
    reply = bank.api("risk").post(path, {"version": 1, "approve": False, "note": "收入证明不足"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "change_moved")
    assert bank.staff["manager"].name in reply.json()["error"]["message"]
    reply = bank.api("risk").post(path, {"version": 2, "approve": True})
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "change_not_in_state")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"asked": {"amount": 100000, "effect": "SHORTEN_TERM"}}, 400, "asked"),
        ({"asked": {"amount": "1e5", "effect": "SHORTEN_TERM"}}, 422, "amount"),
        ({"asked": {"amount": "-1.00", "effect": "SHORTEN_TERM"}}, 422, "amount"),
        ({"asked": {"amount": "100000.001", "effect": "SHORTEN_TERM"}}, 422, "amount"),
        ({"asked": {"amount": "１００", "effect": "SHORTEN_TERM"}}, 422, "amount"),
        ({"asked": {"amount": "99999999.00", "effect": "SHORTEN_TERM"}}, 422, "amount"),
        ({"asked": {"amount": "100000.00", "effect": "WHATEVER"}}, 422, "effect"),
        ({"asked": {"amount": "100000.00"}}, 422, "effect"),
        ({"asked": {**PREPAY["asked"], "effective_on": "yesterday"}}, 422, "effective_on"),
        ({"asked": {**PREPAY["asked"], "effective_on": "2020-01-01"}}, 422, "effective_on"),
        ({"asked": {**PREPAY["asked"], "surplus": "1"}}, 422, "surplus"),
        ({"asked": []}, 400, "asked"),
        ({"asked": {"amount": "1" * 41, "effect": "SHORTEN_TERM"}}, 400, "asked"),
        ({"kind": "GIFT"}, 400, "kind"),
        ({"kind": "EXTENSION", "asked": {"installments": "481"}}, 422, "installments"),
        ({"reason": "短"}, 422, "reason"),
        ({"reason": "看不见\u200b的字符"}, 422, "reason"),
        ({"reason": "很" * 401}, 400, "reason"),
        ({"surplus": 1}, 400, "surplus"),
        ({"evidence": {"name": "a.pdf", "content_base64": "&&&"}}, 400, "evidence"),
        ({"evidence": {"name": "a.pdf", "content_base64": base64.b64encode(b"MZ").decode()}}, 422, "evidence"),
        ({"evidence": {"name": "a.pdf"}}, 400, "evidence"),
    ],
)
def test_bad_input_is_named_by_its_field_and_nothing_is_stored(
    bank: Bank, loan: Loan, body: dict[str, Any], status: int, field: str
) -> None:
    reply = propose(bank, loan, **body)
    assert reply.status_code == status, reply.json()
    assert any(name.split(".")[0] == field for name in reply.json()["error"]["fields"]), reply.json()
    assert ContractChange.objects.count() == 0


def test_writes_of_money_need_a_key(bank: Bank, loan: Loan) -> None:
    reply = bank.api("officer").post(f"loans/{loan.pk}/changes/", {**PREPAY, **REASON})
    assert reply.status_code == 400
    change = propose(bank, loan).json()["id"]
    for who, step, body in (("officer", "apply", {}), ("manager", "reverse", {"reason": "客户误操作"})):
        assert bank.api(who).post(f"changes/{change}/{step}/", body).status_code == 400


@pytest.mark.parametrize("step", ["decide", "sign", "apply", "withdraw", "reverse"])
def test_bad_steps_are_refused(bank: Bank, loan: Loan, step: str) -> None:
    change = propose(bank, loan).json()["id"]
    who = "manager" if step in ("decide", "reverse") else "officer"
    for body in ({"version": "1"}, {"nothing": 1}, [], {"version": 0, "approve": 1, "note": "柜面签署"}):
        reply = bank.api(who).post(f"changes/{change}/{step}/", body, key=f"{step}{body}"[:40].encode().hex())
        assert reply.status_code in (400, 422), (step, body, reply.json())
    assert ContractChange.objects.get().version == 1


def test_evidence_comes_back_as_it_was_sent(bank: Bank, loan: Loan) -> None:
    content = b"%PDF-1.7 income"
    sent = {"name": "C:\\收入证明.pdf", "content_base64": base64.b64encode(content).decode()}
    change = propose(bank, loan, evidence=sent).json()
    assert change["evidence_name"] == "收入证明.pdf"
    reply = bank.api("manager").get(f"changes/{change['id']}/evidence/")
    assert (reply.content, reply["Content-Type"]) == (content, "application/pdf")
    assert bank.api("stranger").get(f"changes/{change['id']}/evidence/").status_code == 404


def test_nobody_approves_his_own_or_above_his_limit(bank: Bank, loan: Loan) -> None:
    own = bank.api("manager").post(f"loans/{loan.pk}/changes/", {**PREPAY, **REASON}, key="k").json()["id"]
    reply = bank.api("manager").post(f"changes/{own}/decide/", {"version": 1, "approve": True})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "maker_is_not_checker")
    body = {"kind": "RESTRUCTURING", "asked": {"annual_rate_percent": "3.00"}, **REASON}
    other = bank.loans["home"]
    change = bank.api("officer").post(f"loans/{other.pk}/changes/", body, key="r").json()
    assert change["preview"]["class_floor"] == "SPECIAL_MENTION"
    reply = bank.api("manager").post(f"changes/{change['id']}/decide/", {"version": 1, "approve": True})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "above_authority")


def test_a_list_costs_the_same_however_long_it_is(bank: Bank, loan: Loan) -> None:
    officer = bank.api("officer")
    propose(bank, loan)
    officer.get("changes/")

    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert officer.get("changes/").status_code == 200
        return len(found)

    one = cost()
    for n in range(4):
        propose(bank, book_loan(bank.home, officer=bank.staff["officer"]), key=f"more{n}")
    assert cost() == one
    listed = officer.get("changes/", state="PROPOSED", kind="PREPAYMENT", loan=loan.pk).json()["results"]
    assert [row["loan_id"] for row in listed] == [loan.pk]
    assert bank.api("stranger").get("changes/").json()["results"] == []


def test_a_count_comes_as_an_integer_or_as_its_digits_and_everything_else_is_told_in_one_sentence(
    bank: Bank, loan: Loan
) -> None:
    officer, path = bank.api("officer"), f"loans/{loan.pk}/changes/preview/"

    def preview(count: Any) -> Any:
        return officer.post(path, {"kind": "RESTRUCTURING", "asked": {"installments": count}})

    assert preview(300).json() == preview("300").json()
    assert preview(300).json()["after"]["installments_left"] == 300
    for wrong in ("四百", "1.5", 1.5, True, None, [300]):
        reply = preview(wrong)
        assert (reply.status_code, "请填整数。" in str(reply.json())) == (422 if isinstance(wrong, str) else 400, True)
    assert "1 至 480" in str(preview(1000).json())
    # Money and rates stay text.
    reply = officer.post(path, {"kind": "PREPAYMENT", "asked": {"amount": 100000, "effect": "SHORTEN_TERM"}})
    assert reply.status_code == 400
    change = propose(bank, loan, kind="RESTRUCTURING", asked={"installments": 300}).json()
    assert change["asked"] == {"installments": "300"}
