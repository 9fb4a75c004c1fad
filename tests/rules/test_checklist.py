"""What a visit asks and what counts as an answer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followups.rules import checklist
from followups.rules.checklist import (
    DEFAULT_ITEMS,
    SECTIONS,
    default_items,
    fold_amount,
    items_for,
    missing,
    shape_faults,
    text_faults,
    validate,
)

KINDS = ("FIRST", "PERIODIC", "IRREGULAR")
METHODS = ("OFF_SITE", "SELF_SERVICE", "PHONE", "FIELD", "VIDEO", "COUNTER")
BARE = {"sent_by": "POST", "filled_on": "2026-10-28"}
KNOWN = {
    "phone": {"value": "19900000426", "source": "TAPE", "on": "2026-10-31"},
    "occupancy": {"value": "OWNER", "source": "TAPE", "on": "2026-10-31"},
    "employer": {"value": "江城恒信机电有限公司", "source": "TAPE", "on": "2026-10-31"},
    "monthly_income": {"value": "19600.00", "source": "TAPE", "on": "2026-10-31"},
    "other_monthly_debt": {"value": "1160.00", "source": "TAPE", "on": "2026-10-31"},
    "registration_kind": {"value": "FORMAL", "source": "REGISTER", "on": "2026-10-31"},
}


def clean_draft(kind: str, method: str) -> dict[str, Any]:
    """Nothing has changed: the fewest answers that may be submitted."""
    answers: dict[str, dict[str, str]] = {}
    for item in items_for(kind, method, default_items()):
        if item["required"]:
            answers[item["key"]] = (
                {"now": item.get("normal") or BARE.get(item["key"], "无")}
                if checklist.is_direct(item)
                else {"choice": "SAME"}
            )
    draft: dict[str, Any] = {"answers": answers, "conclusion": "NO_CONCERN"}
    if method in checklist.CALLING:
        draft["contact_outcome"] = "REACHED"
    if method == "FIELD":
        draft["second_visitor"] = "S00002"
    return draft


def one(item_key: str, answer: dict[str, str], known: Any = KNOWN) -> list[str]:
    item = next(item for item in DEFAULT_ITEMS if item["key"] == item_key)
    return validate([item], {"answers": {item_key: answer}}, known).get(item_key, [])


# S1.13, S2.3, S2.4
def test_fourteen_sections_each_with_items_in_their_order() -> None:
    assert len(SECTIONS) == 14
    order = [key for key, _zh, _en in SECTIONS]
    asked = [item["section"] for item in default_items()]
    assert asked == sorted(asked, key=order.index)
    assert set(asked) == set(order)
    assert len({item["key"] for item in DEFAULT_ITEMS}) == len(DEFAULT_ITEMS)


@pytest.mark.parametrize(
    ("kind", "sections"),
    [
        ("FIRST", {"fund_use", "occupancy", "repayment", "registration", "education"}),
        ("PERIODIC", {"employment", "income", "debts", "repayment", "collateral", "registration"}),
        ("IRREGULAR", {"employment", "income", "debts", "repayment", "needs", "findings", "conclusion"}),
    ],
)
def test_a_kind_stresses_its_sections(kind: str, sections: set[str]) -> None:
    assert sections <= {item["section"] for item in items_for(kind, "PHONE", default_items())}


@pytest.mark.parametrize("kind", KINDS)
def test_a_clean_phone_visit_needs_at_most_twelve_answers(kind: str) -> None:
    draft = clean_draft(kind, "PHONE")
    items = items_for(kind, "PHONE", default_items())
    assert missing(items, draft, method="PHONE") == []
    assert validate(items, draft, KNOWN, method="PHONE") == {}
    assert len(draft["answers"]) + len(("contact_outcome", "conclusion")) <= 12


@pytest.mark.parametrize("kind", KINDS)
def test_an_off_site_check_asks_little(kind: str) -> None:
    items = items_for(kind, "OFF_SITE", default_items())
    assert sum(item["required"] for item in items) <= 2
    assert sum(item["type"] == "system" for item in items) >= 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_every_answer_taken_away_is_missing(kind: str, method: str) -> None:
    items = items_for(kind, method, default_items())
    draft = clean_draft(kind, method)
    for key in list(draft["answers"]):
        less = {**draft, "answers": {name: value for name, value in draft["answers"].items() if name != key}}
        assert missing(items, less, method=method) == [key]


def test_the_conclusion_has_no_preset_and_a_concern_needs_words() -> None:
    items = items_for("FIRST", "PHONE", default_items())
    draft = clean_draft("FIRST", "PHONE")
    assert missing(items, {**draft, "conclusion": ""}, method="PHONE") == ["conclusion"]
    for conclusion, more in (("WATCH", []), ("AT_RISK", ["measures"])):
        assert missing(items, {**draft, "conclusion": conclusion}, method="PHONE") == ["conclusion_text", *more]
        worded = {**draft, "conclusion": conclusion, "conclusion_text": "收入减半。"}
        assert missing(items, worded, method="PHONE") == more
        assert missing(items, {**worded, "measures": [{"code": "PROOF"}]}, method="PHONE") == []


def test_a_field_visit_needs_a_second_visitor() -> None:
    items = items_for("FIRST", "FIELD", default_items())
    draft = {**clean_draft("FIRST", "FIELD"), "second_visitor": " "}
    assert missing(items, draft, method="FIELD") == ["second_visitor"]


@pytest.mark.parametrize("outcome", ["NO_ANSWER", "SWITCHED_OFF", "NOT_IN_SERVICE", "WRONG_PERSON", "APPOINTED"])
def test_a_call_that_reached_nobody_is_no_visit(outcome: str) -> None:
    items = items_for("PERIODIC", "PHONE", default_items())
    draft = {**clean_draft("PERIODIC", "PHONE"), "contact_outcome": outcome}
    assert validate(items, draft, KNOWN, method="PHONE") == {"contact_outcome": ["not_reached"]}


def test_a_refusal_needs_no_answers_but_is_a_concern() -> None:
    items = items_for("PERIODIC", "PHONE", default_items())
    draft = {"answers": {}, "contact_outcome": "REFUSED", "conclusion": "NO_CONCERN"}
    assert missing(items, draft, method="PHONE") == []
    assert validate(items, draft, KNOWN, method="PHONE") == {"conclusion": ["refusal_is_a_concern"]}


@pytest.mark.parametrize(
    ("key", "answer", "faults"),
    [
        ("monthly_income", {"choice": "CHANGED", "now": "9800.00", "verified_by": "PAYSLIP"}, []),
        ("monthly_income", {"choice": "CHANGED", "now": "9800", "verified_by": "PAYSLIP"}, []),
        ("monthly_income", {"choice": "CHANGED", "now": "9,800.00", "verified_by": "PAYSLIP"}, ["not_an_amount"]),
        ("monthly_income", {"choice": "CHANGED", "now": "-1", "verified_by": "PAYSLIP"}, ["not_an_amount"]),
        ("monthly_income", {"choice": "CHANGED", "now": "1e5", "verified_by": "PAYSLIP"}, ["not_an_amount"]),
        ("monthly_income", {"choice": "CHANGED", "now": "1.234", "verified_by": "PAYSLIP"}, ["not_an_amount"]),
        ("monthly_income", {"choice": "CHANGED", "now": "９８００", "verified_by": "PAYSLIP"}, ["not_an_amount"]),
        ("monthly_income", {"choice": "CHANGED", "now": "9" * 14, "verified_by": "PAYSLIP"}, ["not_an_amount"]),
        ("monthly_income", {"choice": "CHANGED", "now": "1\n", "verified_by": "PAYSLIP"}, ["not_an_amount"]),
        ("monthly_income", {"choice": "CHANGED", "now": "9800.00"}, ["verified_by_missing"]),
        ("monthly_income", {"choice": "CHANGED", "verified_by": "PAYSLIP"}, ["now_missing"]),
        ("monthly_income", {"choice": "CHANGED", "now": "19600.00", "verified_by": "ORAL"}, ["not_changed"]),
        ("monthly_income", {"choice": "CHANGED", "now": "19600", "verified_by": "ORAL"}, ["not_changed"]),
        ("monthly_income", {"choice": "UNVERIFIED"}, []),
        ("monthly_income", {"choice": "MAYBE"}, ["not_a_choice"]),
        ("employer", {"choice": "CHANGED", "now": "甲" * 121, "verified_by": "ORAL"}, ["too_long"]),
        ("employer", {"choice": "CHANGED", "now": "a\u202eb", "verified_by": "ORAL"}, ["forbidden_character"]),
        ("employer", {"choice": "CHANGED", "now": "a\x00b", "verified_by": "ORAL"}, ["forbidden_character"]),
        ("employer", {"choice": "CHANGED", "now": "新单位", "verified_by": "听邻居说" * 11}, ["not_a_method"]),
        ("phone", {"choice": "CHANGED", "now": "12345", "verified_by": "ORAL"}, ["not_a_phone"]),
        ("occupancy", {"choice": "CHANGED", "now": "CASTLE", "verified_by": "SITE"}, ["not_a_choice"]),
        ("payment_strip", {"choice": "SAME"}, ["system_fact"]),
        ("fund_backflow", {"now": "YES"}, []),
        ("fund_backflow", {"now": "perhaps"}, ["not_a_choice"]),
        ("fund_backflow", {"choice": "SAME"}, ["nothing_to_compare"]),
        ("insurance_until", {"choice": "CHANGED", "now": "2027-02-30", "verified_by": "DOCUMENT"}, ["not_a_date"]),
        ("insurance_until", {"choice": "CHANGED", "now": "1066-10-14", "verified_by": "DOCUMENT"}, ["not_a_date"]),
        ("insurance_until", {"choice": "CHANGED", "now": "2027-02-28", "verified_by": "DOCUMENT"}, []),
        ("insurance_until", {"choice": "SAME"}, ["baseline_missing"]),
    ],
)
def test_faults_of_an_answer(key: str, answer: dict[str, str], faults: list[str]) -> None:
    assert one(key, answer) == faults


def test_what_is_not_asked_is_refused() -> None:
    items = items_for("FIRST", "PHONE", default_items())
    assert validate(items, {"answers": {"employer": {"choice": "SAME"}}}, KNOWN) == {"employer": ["not_asked"]}


@pytest.mark.parametrize(
    ("typed", "strict"),
    [
        ("９，８００．００", "9800.00"),
        ("¥1,234,567.89", "1234567.89"),
        (" 9800 ", "9800"),
        ("12,34", "12,34"),
        ("九千八", "九千八"),
        ("1,23,456", "1,23,456"),
    ],
)
def test_amounts_as_people_type_them(typed: str, strict: str) -> None:
    assert fold_amount(typed) == strict


@pytest.mark.parametrize(
    "draft",
    [
        [],
        "text",
        {"answers": []},
        {"answers": {"phone": "SAME"}},
        {"answers": {"phone": {"choice": 1}}},
        {"answers": {"phone": {"choice": "SAME", "extra": ""}}},
        {"answers": {"no_such_item": {}}},
        {"conclusion": None},
        {"conclusion_text": "x" * 1001},
        {"second_visitor": "S" * 41},
        {"admin": "yes"},
        {"\ud800": "x"},
        {"answers": {"\ud800": {}}},
        {"conclusion_text": "\ud800"},
        {"conclusion_text": "a\x00"},
        {"answers": {"phone": {"now": "x" * 301}}},
    ],
)
def test_a_draft_of_the_wrong_shape_is_not_kept(draft: Any) -> None:
    assert shape_faults(items_for("FIRST", "PHONE", default_items()), draft)


def test_a_conclusion_may_have_lines() -> None:
    assert shape_faults([], {"conclusion_text": "一\n二", "answers": {}}) == {}


@given(st.text(max_size=40))
def test_no_text_passes_for_an_amount_that_decimal_reads_otherwise(text: str) -> None:
    faults = one("monthly_income", {"choice": "CHANGED", "now": text, "verified_by": "ORAL"})
    if not faults:
        whole, _dot, cents = text.partition(".")
        assert whole.isascii() and whole.isdigit() and len(cents) <= 2


def test_a_made_up_key_is_not_repeated_in_the_reply() -> None:
    assert set(shape_faults([], {"\ud800": "x", "answers": {"<b>": {}}})) == {"answers"}


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("PERIODIC", "seizure", "YES"),
        ("FIRST", "fund_backflow", "YES"),
        ("PERIODIC", "repayment_intention", "UNWILLING"),
        ("PERIODIC", "identity_checked", "NO"),
    ],
)
def test_some_answers_exclude_that_nothing_was_found(kind: str, key: str, value: str) -> None:
    items, draft = items_for(kind, "PHONE", default_items()), clean_draft(kind, "PHONE")
    draft["conclusion"] = "NO_CONCERN"
    assert "conclusion" not in validate(items, draft, KNOWN, method="PHONE")
    draft["answers"][key] = {"now": value}
    assert validate(items, draft, KNOWN, method="PHONE")["conclusion"] == ["answer_is_a_concern"]
    draft["conclusion"] = "AT_RISK"
    assert "conclusion" not in validate(items, draft, KNOWN, method="PHONE")


@pytest.mark.parametrize("text", ["已联系👍", "客户❤️", "⭐", "🇨🇳"])
def test_a_picture_is_no_text(text: str) -> None:
    assert text_faults(text, 300) == ["picture"]


@pytest.mark.parametrize("text", ["𠮷田", "𡃁仔", "①②③", "✓ 已核", "☆", "♂"])
def test_rare_characters_and_signs_are_text(text: str) -> None:
    assert text_faults(text, 300) == []


# What version 6 added: section, kinds, methods that ask it by themselves (the others have it behind 更多).
SEEN, MET = ("FIELD", "VIDEO", "COUNTER"), ("FIELD", "COUNTER")
TALKS = ("PHONE", *SEEN)
ADDED = [
    ("id_valid", "identity", KINDS, SEEN),
    ("emergency_contact", "identity", KINDS, MET),
    ("emergency_phone", "identity", KINDS, MET),
    ("payee_is_seller", "fund_use", ("FIRST",), MET),
    ("amount_matches", "fund_use", ("FIRST",), MET),
    ("work_changed_on", "employment", ("PERIODIC", "IRREGULAR"), ("SELF_SERVICE", *TALKS)),
    ("work_change_proof", "employment", ("PERIODIC", "IRREGULAR"), ("SELF_SERVICE", *TALKS)),
    ("income_changed_on", "income", ("PERIODIC", "IRREGULAR"), ("SELF_SERVICE", *TALKS)),
    ("income_change_proof", "income", ("PERIODIC", "IRREGULAR"), ("SELF_SERVICE", *TALKS)),
    ("new_debts", "debts", ("PERIODIC", "IRREGULAR"), SEEN),
    ("bureau_summary", "debts", ("PERIODIC", "IRREGULAR"), MET),
    ("repayment_plan", "repayment", KINDS, ("SELF_SERVICE", *TALKS)),
    ("property_use", "collateral", ("PERIODIC",), ("FIELD",)),
    ("tenant", "collateral", ("FIRST", "PERIODIC"), ("SELF_SERVICE", *TALKS)),
    ("monthly_rent", "collateral", ("FIRST", "PERIODIC"), ("SELF_SERVICE", *TALKS)),
    ("let_until", "collateral", ("FIRST", "PERIODIC"), ("SELF_SERVICE", *TALKS)),
    ("comparable_price", "collateral", ("PERIODIC",), ("FIELD",)),
    ("comparable_note", "collateral", ("PERIODIC",), ("FIELD",)),
    ("registered_on", "registration", ("FIRST", "PERIODIC"), MET),
    ("mortgage_rank", "registration", ("FIRST", "PERIODIC"), MET),
    ("title_delivered", "registration", ("FIRST", "PERIODIC"), MET),
    ("guarantor", "guarantor", ("PERIODIC", "IRREGULAR"), SEEN),
    ("guarantor_standing", "guarantor", ("PERIODIC", "IRREGULAR"), SEEN),
    ("difficulty", "needs", KINDS, ("SELF_SERVICE", *TALKS)),
    ("satisfaction", "needs", ("IRREGULAR",), MET),
    ("complaint", "needs", ("IRREGULAR",), MET),
    ("next_agreed_on", "conclusion", ("IRREGULAR",), TALKS),
]


# S1.13, S2.4
@pytest.mark.parametrize(("key", "section", "kinds", "methods"), ADDED, ids=[row[0] for row in ADDED])
def test_a_question_is_asked_where_it_belongs_and_nowhere_else(
    key: str, section: str, kinds: tuple[str, ...], methods: tuple[str, ...]
) -> None:
    asked = {
        (kind, method)
        for kind in KINDS
        for method in METHODS
        if key in {item["key"] for item in items_for(kind, method, default_items())}
    }
    assert asked == {(kind, method) for kind in kinds for method in methods}
    (item,) = [item for item in DEFAULT_ITEMS if item["key"] == key]
    assert item["section"] == section and item["label"]["zh"] != item["label"]["en"]


def test_the_list_of_what_was_added_is_whole() -> None:
    """Every deeper or following question has its row above; of the plain ones only the next date is new."""
    deeper = {item["key"] for item in DEFAULT_ITEMS if "asked_by" in item or item.get("follows")}
    assert {row[0] for row in ADDED} == deeper | {"next_agreed_on"}


@pytest.mark.parametrize(("key", "section", "kinds", "methods"), ADDED, ids=[row[0] for row in ADDED])
def test_what_a_call_does_not_ask_stands_behind_more_and_need_not_be_answered(
    key: str, section: str, kinds: tuple[str, ...], methods: tuple[str, ...]
) -> None:
    checklist_now = default_items()
    for kind in KINDS:
        items = items_for(kind, "PHONE", checklist_now)
        if key in {item["key"] for item in items}:
            continue
        assert section in checklist.more_sections(items, checklist_now, "PHONE")
        wider = checklist.with_more(items, checklist_now, "PHONE", [section])
        (opened,) = [item for item in wider if item["key"] == key] or [None]
        if opened is None:
            assert "PHONE" in methods and section in {item["section"] for item in items}
            continue
        assert not opened["required"]
        assert section not in checklist.more_sections(wider, checklist_now, "PHONE")
        assert missing(wider, clean_draft(kind, "PHONE"), method="PHONE") == []


def test_a_policy_line_has_the_debts_looked_at_by_a_call_too() -> None:
    items = {item["key"]: item for item in items_for("FIRST", "PHONE", default_items(), also="CAPACITY")}
    assert items["new_debts"]["required"] and items["bureau_summary"]["required"]
    assert "id_valid" not in items


def test_a_visit_to_the_home_alone_asks_what_is_added_of_the_home() -> None:
    keys = {item["key"] for item in items_for("IRREGULAR", "FIELD", default_items(), checklist.PROPERTY)}
    assert {"property_use", "comparable_price", "registered_on", "mortgage_rank", "title_delivered", "tenant"} <= keys
    assert not keys & {"id_valid", "guarantor", "new_debts", "emergency_contact", "next_agreed_on"}
    assert "property_use" not in {
        item["key"] for item in items_for("IRREGULAR", "VIDEO", default_items(), checklist.PROPERTY)
    }


def changing(item_key: str, now: str) -> dict[str, str]:
    return {"choice": "CHANGED", "now": now, "verified_by": "ORAL"}


FOLLOWED = [
    ("employer", changing("employer", "江城新单位"), {"work_changed_on", "work_change_proof"}, set()),
    ("monthly_income", changing("monthly_income", "100.00"), {"income_changed_on", "income_change_proof"}, set()),
    ("occupancy", changing("occupancy", "LET"), {"tenant", "monthly_rent", "let_until"}, set()),
    ("repayment_intention", {"now": "DIFFICULT"}, set(), {"repayment_plan", "difficulty"}),
    ("repayment_intention", {"now": "UNWILLING"}, set(), {"repayment_plan"}),
    ("employer", {"choice": "SAME"}, set(), set()),
    ("employer", {"choice": "UNVERIFIED"}, set(), set()),
    ("occupancy", changing("occupancy", "VACANT"), set(), set()),
    ("repayment_intention", {"now": "NORMAL"}, set(), set()),
]


@pytest.mark.parametrize(("key", "answer", "due", "offered"), FOLLOWED)
@pytest.mark.parametrize("method", ["FIELD", "PHONE"])
def test_what_follows_is_asked_once_the_answer_asks_for_it(
    key: str, answer: dict[str, str], due: set[str], offered: set[str], method: str
) -> None:
    items = checklist.that_may_follow(items_for("PERIODIC", method, default_items()), KNOWN)
    draft = clean_draft("PERIODIC", method)
    draft["answers"][key] = answer
    followers = [item for item in items if item.get("follows")]
    assert {item["key"] for item in followers if not checklist.is_idle(item, draft, KNOWN)} == due | offered
    still = missing(items, draft, method=method)
    assert set(still) == (due if method == "FIELD" else set()), "a call may leave them"
    for follower in due:
        draft["answers"][follower] = {"choice": "UNVERIFIED"}
    assert missing(items, draft, method=method) == []


def test_a_home_known_as_let_offers_its_lease_and_a_first_answer_is_no_change() -> None:
    let = {**KNOWN, "occupancy": {"value": "LET", "source": "LAST_VISIT", "on": "2026-10-31"}}
    items = items_for("PERIODIC", "FIELD", default_items())
    (tenant,) = [item for item in items if item["key"] == "tenant"]
    assert not checklist.is_idle(tenant, {"answers": {}}, let)
    assert checklist.is_idle(tenant, {"answers": {"occupancy": changing("occupancy", "OWNER")}}, let)
    assert not checklist.is_due(tenant, {"answers": {"occupancy": {"choice": "SAME"}}}, "FIELD")
    unknown = {key: fact for key, fact in KNOWN.items() if key != "employer"}
    kept = {item["key"] for item in checklist.that_may_follow(items, unknown)}
    assert not kept & {"work_changed_on", "work_change_proof"} and "income_changed_on" in kept


def test_an_answer_given_all_the_same_stays_in_sight() -> None:
    items = items_for("PERIODIC", "PHONE", default_items())
    (tenant,) = [item for item in items if item["key"] == "tenant"]
    said = {"answers": {"tenant": changing("tenant", "李四")}}
    assert checklist.is_idle(tenant, {"answers": {}}, KNOWN) and not checklist.is_idle(tenant, said, KNOWN)


def test_a_follower_names_a_question_of_its_own_kinds() -> None:
    by_key = {item["key"]: item for item in DEFAULT_ITEMS}
    for item in DEFAULT_ITEMS:
        if rule := item.get("follows"):
            first = by_key[rule["item"]]
            assert set(item["kinds"]) <= set(first["kinds"])
            assert set(rule["values"]) <= {choice["value"] for choice in first["choices"]}


@pytest.mark.parametrize(
    ("key", "answer", "faults"),
    [
        ("id_valid", {"now": "MAYBE"}, ["not_a_choice"]),
        ("emergency_phone", {"choice": "CHANGED", "now": "12", "verified_by": "ORAL"}, ["not_a_phone"]),
        ("emergency_contact", {"choice": "CHANGED", "now": "王" * 81, "verified_by": "ORAL"}, ["too_long"]),
        ("work_changed_on", {"now": "2026-13-01"}, ["not_a_date"]),
        ("monthly_rent", {"choice": "CHANGED", "now": "4千", "verified_by": "ORAL"}, ["not_an_amount"]),
        ("monthly_rent", {"choice": "SAME"}, ["baseline_missing"]),
        ("mortgage_rank", {"choice": "CHANGED", "now": "1", "verified_by": "ORAL"}, ["not_a_choice"]),
        ("guarantor", {"choice": "CHANGED", "now": "李四"}, ["verified_by_missing"]),
        ("complaint", {"now": "\u202e"}, ["forbidden_character"]),
    ],
)
def test_added_questions_take_no_wrong_answer(key: str, answer: dict[str, str], faults: list[str]) -> None:
    assert set(faults) <= set(one(key, answer))
