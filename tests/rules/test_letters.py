"""What a letter to a borrower says and may not say, what can be of its delivery, and its pages."""

import shutil
import subprocess
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from followups.rules import letters
from followups.rules.checklist_items import default_items
from followups.rules.numbers import letter_of, task_of
from people import pdf
from tests.rules.test_report_pdf import MARKUP

TEMPLATE = Path(__file__).resolve().parents[2] / "followups/typst/letter.typ"
MADE = date(2026, 11, 2)
NO_CENT = Decimal("0.00")


def row(number: int, **parts: str) -> letters.OpenInstallment:
    amounts = {"principal": "0", "interest": "0", "penalty": "0", "compound": "0", **parts}
    return letters.OpenInstallment(number, date(2026, 9, 20), **{name: Decimal(text) for name, text in amounts.items()})


def content(kind: str, **given: Any) -> dict[str, Any]:
    """A letter as its template gets it."""
    rows = [row(41 + n, principal="1204.13", interest="3389.27", penalty="12.40", compound="0.33") for n in range(3)]
    more: dict[str, dict[str, Any]] = {
        "NOTICE": {
            "task_no": "HF202611020000115", "what": "定期回访", "visit_on": "2026-11-06",
            "visitors": [{"name": "林晓舟", "staff_no": "A0101"}, {"name": "白露", "staff_no": "A0102"}],
            "places": ["江城市滨江区悦府路1号6栋1803室"], "papers": list(letters.papers_for("LOAN")),
        },
        "RECTIFY": {
            "report_no": "HFBG202611010000115-1", "seen_on": "2026-11-01", "found": "房屋已出租，未事先告知本行。",
            "asked": "补交租赁合同和承租人知情书。", "answer_by": "2026-11-16",
        },
        "DEMAND": {
            **letters.demand_figures(rows, Decimal("80.00"), NO_CENT), "overdue_since": "2026-09-20",
            "days_past_due": "43", "answer_by": "2026-11-12",
        },
    }  # fmt: skip
    return {
        "kind": kind, "title": "个人住房贷款文书", "bank_name": "安居银行", "bank": "安居银行滨江支行",
        "hotline": "400-000-0000", "addressee": {"name": "孙丽华", "id_no": "420***********0091"},
        "loan_note_no": "ML010120230518000042", "made_on": "2026-11-02", "number": "TZ202611020000001",
        "content_sha256": "0" * 64, "made_by": "林晓舟 A0101", "made_at": "2026-11-02 10:00", **more[kind], **given,
    }  # fmt: skip


def test_a_demand_is_the_sum_of_what_it_lists_to_the_fen() -> None:
    found = letters.demand_figures(
        [row(41, principal="1204.13", penalty="0.07"), row(42, interest="3389.27", compound="0.03")],
        Decimal("80.00"), Decimal("5.00"),
    )  # fmt: skip
    assert [one["total"] for one in found["installments"]] == ["1204.20", "3389.30"]
    assert found["sums"] == {"principal": "1204.13", "interest": "3389.27", "penalty": "0.07", "compound": "0.03"}
    assert (found["total"], found["fees"], found["suspense"]) == ("4673.50", "80.00", "5.00")
    with pytest.raises(ValueError):
        letters.demand_figures([], NO_CENT, NO_CENT)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("房屋已出租，未事先告知。", []),
        ("借据 ML010120230518000042 余额 1012386.47 元", []),
        ("请致电 19900002206", ["personal_number"]),
        ("电话+86 139 0000 2206，身份证 420102199001010091", ["personal_number"]),
        ("证件42010219900101009X", ["personal_number"]),
        ("请致电１９９００００２２０６", ["personal_number"]),
        ("联系电话027-85551234", ["personal_number"]),
        ("不恢复自住将告知您的家人和单位领导", ["threat"]),
        ("您未告知我行工作单位变动，请补交证明。", []),
        ("需要联系单位开具收入证明，已联系物业核实。", []),
        ("再不还款就曝光，后果自负", ["threat"]),
        ("将告知单位并打 13900002206", ["personal_number", "threat"]),
    ],
)
def test_words_to_a_borrower_hold_no_personal_number_and_no_threat(text: str, faults: list[str]) -> None:
    assert letters.typed_faults(text) == faults


def test_a_borrower_gets_time_and_a_visit_is_announced_for_a_day_to_come() -> None:
    days = {n: letters.day_fault(MADE, date(2026, 11, 2 + n)) for n in (0, 2, 3, 10)}
    assert days == {0: "too_soon", 2: "too_soon", 3: "", 10: ""}
    assert letters.day_fault(MADE, date(2027, 1, 2)) == "too_far"
    assert letters.usual_day(MADE) == date(2026, 11, 12) == letters.usual_day(MADE, 10, date(2026, 11, 3))
    assert letters.usual_day(MADE, 10, date(2026, 11, 20)) == date(2026, 11, 20)
    assert letters.usual_day(MADE, 1) == date(2026, 11, 5)
    due = date(2026, 11, 6)
    assert [letters.visit_day_fault(MADE, date(2026, 11, day), due) for day in (1, 2, 6, 7)] == [
        "past", "", "", "after_due",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({}, {}),
        ({"way": "PIGEON"}, {"way": "not_a_choice", "received_by": "nobody_received"}),
        ({"delivered_on": date(2026, 11, 1)}, {"delivered_on": "wrong_day"}),
        ({"delivered_on": date(2026, 11, 6)}, {"delivered_on": "wrong_day"}),
        ({"received_by": ""}, {"received_by": "who_received"}),
        ({"way": "MAIL"}, {"words": "words_missing"}),
        ({"way": "MAIL", "words": "EMS 1234567890"}, {}),
        ({"witnesses": "甲、乙"}, {"witnesses": "no_witnesses"}),
        ({"way": "REFUSED", "received_by": "", "words": "拒绝签字"}, {"witnesses": "two_witnesses"}),
        (
            {"way": "LEFT", "received_by": "", "witnesses": "周正、周正", "words": "留在门内"},
            {"witnesses": "two_witnesses"},
        ),
        ({"way": "LEFT", "received_by": "", "witnesses": "周正 王敏", "words": "留在门内"}, {}),
        ({"way": "RETURNED", "received_by": "", "words": "原址查无此人"}, {}),
    ],
)
def test_a_delivery_says_who_took_it_or_who_saw_it(given: dict[str, Any], faults: dict[str, str]) -> None:
    said: dict[str, Any] = {
        "way": "IN_PERSON", "delivered_on": MADE, "received_by": "BORROWER", "witnesses": "", "words": "", **given,
    }  # fmt: skip
    assert letters.delivery_faults(**said, made_on=MADE, today=date(2026, 11, 5)) == faults


def test_the_borrower_is_no_witness_of_a_delivery_to_himself() -> None:
    said = {"way": "LEFT", "delivered_on": MADE, "received_by": "", "witnesses": "周楠、徐强", "words": "门上留置送达"}
    known = {"made_on": MADE, "today": MADE}
    assert letters.delivery_faults(**said, **known, borrower="徐强") == {"witnesses": "no_witness_of_ones_own"}
    assert letters.delivery_faults(**said, **known, borrower="徐强强") == {}


def test_a_demand_claims_no_arrears_before_its_oldest_row() -> None:
    rows = [row(2), row(1)]
    oldest = min(each.due_on for each in rows)
    for days, since in ((20, oldest), (0, oldest), (-3, oldest + timedelta(days=3))):
        assert letters.claimed_since(oldest - timedelta(days=days), rows) == since
    assert letters.claimed_since(None, rows) is None


def test_a_letters_number_is_read_back_and_no_other() -> None:
    assert letter_of("TZ202611020000115") == letter_of("tz202611020000115") == (115, MADE)
    assert [letter_of(word) for word in ("HF202611020000115", "TZ202613020000115", "TZ2026110200")] == [None] * 3
    assert task_of("TZ202611020000115") is None


def test_a_first_wording_says_what_changed_no_telephone_and_nothing_of_who_told() -> None:
    rows = [
        {"key": "phone", "label": {"zh": "联系电话"}, "now_text": {"zh": "199****0009"}},
        {"key": "occupancy", "label": {"zh": "居住情况"}, "now_text": {"zh": "已出租"}},
        {"key": "spouse_income", "label": {"zh": "配偶月收入"}, "now_text": {"zh": "8,000.00"}},
        {"key": "employer", "label": {"zh": "单位"}, "now_text": {"zh": ""}},
        {"key": "event_7", "label": {"zh": "房屋出租：物业反映"}, "now_text": {"zh": "属实"}},
    ]
    assert letters.found_words(rows) == "居住情况：已出租"


# Which answers the borrower can be asked to mend or to prove, and which are none of such a letter. A question that is
# added to the checklist has to be put on one side.
MEND = {
    "id_valid", "fund_use_matches", "fund_backflow", "down_payment_own", "payee_is_seller", "occupancy", "employer",
    "monthly_income", "other_monthly_debt", "new_debts", "property_condition", "property_use", "site_condition",
    "insurance_until", "registration_kind", "mortgage_rank", "title_delivered", "seizure",
}  # fmt: skip
NEVER = {
    # how the visit was made, and what is read from the systems
    "identity_checked", "person_met", "face_matched", "seen_at", "video_recording", "met_at", "sent_by", "filled_on",
    "recording_no", "education_given", "evidence_checked", "exception_note", "off_site_evidence", "trigger_facts",
    "payment_strip", "five_class", "property_value", "comparable_price", "comparable_note", "bureau_summary",
    # where and by whom the borrower is reached, the family, other people
    "phone", "address", "marital_change", "emergency_contact", "emergency_phone", "spouse_income", "tenant",
    "monthly_rent", "let_until", "guarantor", "guarantor_standing", "guarantees_given",
    # facts in which nothing is wrong, and what others have to do
    "post", "work_changed_on", "work_change_proof", "income_changed_on", "income_change_proof", "property_fee",
    "delivered_on", "quality_dispute", "fund_arrived", "amount_matches", "registration_no", "registered_on",
    "project_progress", "project_state", "expected_delivery", "workers_on_site", "developer_bankrupt",
    "developer_word", "project_measure",
    # what the borrower wants, how it was said, and what comes of it
    "repayment_intention", "repayment_plan", "request", "request_note", "attitude", "difficulty", "satisfaction",
    "complaint", "change_cause", "measure_proposed", "next_agreed_on",
}  # fmt: skip


def test_every_question_is_decided_to_be_of_a_letter_to_mend_or_not() -> None:
    items = {item["key"]: item for item in default_items()}
    assert not MEND & NEVER and items.keys() == MEND | NEVER
    said = {
        key: letters.found_words([{"key": key, "label": item["label"], "now_text": {"zh": "如此"}}])
        for key, item in items.items()
    }
    assert {key for key, words in said.items() if words} == MEND
    assert all(said[key] == f"{items[key]['label']['zh']}：如此" for key in MEND)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("周正 王敏", ["周正", "王敏"]), ("周正、王敏", ["周正", "王敏"]), ("李 雷", ["李 雷"]),
        ("John Smith", ["John Smith"]), ("John Smith, 李雷", ["John Smith", "李雷"]), ("周正 周正", ["周正"]),
    ],
)  # fmt: skip
def test_one_name_with_a_blank_is_one_witness(text: str, names: list[str]) -> None:
    assert letters.names_in(text) == names


@pytest.mark.parametrize("kind", letters.KINDS)
def test_text_of_people_is_only_text_and_the_receipt_follows_on_its_own_page(kind: str, tmp_path: Path) -> None:
    marked = {"addressee": {"name": MARKUP, "id_no": "4***1"}, "found": MARKUP, "asked": MARKUP, "places": [MARKUP]}
    document = content(kind)
    document |= {name: value for name, value in marked.items() if name in document}
    made = pdf.render(TEMPLATE, document)
    assert made.startswith(b"%PDF-") and made == pdf.render(TEMPLATE, document)
    if shutil.which("pdftotext"):
        (tmp_path / "letter.pdf").write_bytes(made)
        text = subprocess.run(
            ["pdftotext", "-layout", str(tmp_path / "letter.pdf"), "-"], capture_output=True, text=True, check=True
        ).stdout
        pages = text.rstrip("\f").split("\f")
        assert "#panic" in pages[0] and "送达回执" not in pages[0] and "400-000-0000" in "".join(pages[:-1])
        assert (
            "送达回执" in pages[-1] and "见证人二" in pages[-1] and all("TZ202611020000001" in page for page in pages)
        )
        if kind == "DEMAND":
            assert "13,898.39" in pages[0] and "80.00" in pages[0]
