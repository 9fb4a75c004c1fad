"""Ratios before and after a visit, what they oblige the officer to explain, and the report's content."""

from decimal import Decimal as D
from typing import Any

import pytest

from followups.rules import report, report_masking
from followups.rules.assessment import (
    Limits,
    LoanFigures,
    Means,
    assess,
    change_percent,
    debt_to_income,
    loan_to_value,
    payment_to_income,
)
from followups.rules.checklist import default_items, items_for
from followups.rules.checklist_items import NOBODY
from tests.rules.test_checklist import KNOWN, clean_draft

FIGURES = LoanFigures(D("4582.50"), D("1012386.47"), D("1293000.00"), 0)
LIMITS = Limits(D("50.0"), D("55.0"), D("80.0"))
WAS = Means(D("19600.00"), None, D("240.00"), D("1160.00"))
NOW = Means(D("9800.00"), None, D("240.00"), D("1160.00"))


def test_worked_example_e14() -> None:
    assert payment_to_income(D("4546.45"), D(20000), D(300)) == D("24.2")
    assert debt_to_income(D("4546.45"), D(3000), D(20000), D(300)) == D("39.2")


# S2.15
def test_the_ratios_of_an_income_that_halved() -> None:
    found = {ratio.code: (ratio.before, ratio.after) for ratio in assess(FIGURES, WAS, NOW, LIMITS).ratios}
    assert found == {
        "payment_to_income": (D("24.6"), D("49.2")),
        "debt_to_income": (D("30.5"), D("61.0")),
        "loan_to_value": (D("78.3"), D("78.3")),
    }


def test_ratios_stand_beside_those_of_the_last_report_and_else_beside_what_was_known() -> None:
    last = {"loan_to_value": D("71.2"), "payment_to_income": D("40.0")}
    found = {ratio.code: ratio for ratio in assess(FIGURES, WAS, NOW, LIMITS, last=last).ratios}
    assert [(each.before, each.change) for each in found.values()] == [
        (D("40.0"), D("9.2")), (D("30.5"), D("30.5")), (D("71.2"), D("7.1")),
    ]  # fmt: skip
    over = Limits(loan_to_value=D("75.0"))
    assert "loan_to_value_over_limit" in assess(FIGURES, WAS, WAS, over, last=last).reasons
    assert assess(FIGURES, WAS, WAS, over).reasons == (), "known before the visit, and so it is no news"


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [("1", "3", "33.3"), ("1", "8", "12.5"), ("0.05", "100", "0.1"), ("0.0499", "100", "0.0"), ("90", "100", "90.0")],
)
def test_percent_is_half_up_at_one_decimal(part: str, whole: str, percent: str) -> None:
    assert loan_to_value(D(part), D(whole)) == D(percent)


def test_a_missing_part_is_unknown_not_zero() -> None:
    assert payment_to_income(D(1), None) is None
    assert payment_to_income(D(1), D(0)) is None
    assert debt_to_income(D(1), None, D(10)) is None
    assert loan_to_value(D(1), None) is None
    assert change_percent(None, D(1)) is None
    assert change_percent(D(0), D(1)) is None


# S1.12
def test_reasons_that_the_conclusion_must_speak_about() -> None:
    assert assess(FIGURES, WAS, WAS, LIMITS).reasons == ()
    assert assess(FIGURES, WAS, NOW, LIMITS, findings=["fund_backflow"]).reasons == (
        "debt_to_income_over_limit",
        "income_dropped",
        "finding:fund_backflow",
    )
    assert assess(FIGURES, NOW, NOW, LIMITS).reasons == (), "what was over before needs no new words"
    late = LoanFigures(D(1), D(1), D(2), 95)
    assert "overdue" in assess(late, WAS, WAS, LIMITS).reasons


@pytest.mark.parametrize(
    ("finding", "days", "floor", "name"),
    [
        ("fund_backflow", 0, "", "SPECIAL_MENTION"), ("fund_use_matches", 0, "", "SPECIAL_MENTION"),
        ("seizure", 30, "", "SPECIAL_MENTION"), ("seizure", 100, "", "SUBSTANDARD"), ("occupancy", 0, "", "PASS"),
        ("occupancy", 0, "SPECIAL_MENTION", "SPECIAL_MENTION"), ("seizure", 0, "SUBSTANDARD", "SUBSTANDARD"),
    ],
)  # fmt: skip
def test_what_is_found_and_an_observation_suggest_a_worse_class_never_a_better(
    finding: str, days: int, floor: str, name: str
) -> None:
    figures = LoanFigures(D(1), D(1), None, days, floor)
    assert assess(figures, WAS, WAS, LIMITS, findings=[finding]).suggested_class == name


@pytest.mark.parametrize(
    ("days", "name"),
    [(0, "PASS"), (1, "SPECIAL_MENTION"), (90, "SPECIAL_MENTION"), (91, "SUBSTANDARD"), (270, "SUBSTANDARD"),
     (271, "DOUBTFUL"), (360, "DOUBTFUL"), (361, "LOSS")],
)  # fmt: skip
def test_suggested_class_follows_days_past_due(days: int, name: str) -> None:
    assert assess(LoanFigures(D(1), D(1), None, days), WAS, WAS, LIMITS).suggested_class == name


def content_of(draft: dict[str, Any], kind: str = "PERIODIC", **given: Any) -> dict[str, Any]:
    items = items_for(kind, "PHONE", default_items())
    return report.build(
        report.Inputs(
            report_no="HFBG202611010000001-1",
            task_no="HF202611010000001",
            version=given.pop("version", 1),
            cover={},
            why=[{"zh": "满12个月", "en": "12 months on"}],
            repayment={"days_past_due": 0},
            collateral={},
            items=items,
            draft=draft,
            known=KNOWN,
            assessment=assess(
                FIGURES, WAS, NOW, LIMITS, findings=report.findings(items, draft, KNOWN)
            ),
            class_now="PASS",
            visitors=[{"role": "lead", "name": "周楠", "staff_no": "S1", "at": ""}],
            **given,
        )
    )  # fmt: skip


def changed_draft() -> dict[str, Any]:
    draft = clean_draft("PERIODIC", "PHONE")
    draft["answers"]["monthly_income"] = {"choice": "CHANGED", "now": "9800.00", "verified_by": "PAYSLIP"}
    draft["answers"]["phone"] = {"choice": "CHANGED", "now": "19900000881", "verified_by": "ORAL"}
    draft["answers"]["property_fee"] = {"choice": "CHANGED", "now": "240", "verified_by": "ORAL"}
    draft["answers"]["property_condition"] = {"now": "DAMAGED"}
    return draft


# S2.14
def test_content_tells_changes_findings_and_baselines_apart() -> None:
    content = content_of(changed_draft())
    assert [row["key"] for row in content["differences"]] == ["phone", "monthly_income", "property_condition"]
    assert [row["key"] for row in content["baselines"]] == ["property_fee"]
    income = content["differences"][1]
    assert (income["before_text"]["zh"], income["now_text"]["zh"], income["delta_percent"]) == (
        "19,600.00",
        "9,800.00",
        "-50.0",
    )
    assert "finding:property_condition" in content["conclusion"]["reasons"]


def test_content_masks_the_telephone_and_binds_the_draft() -> None:
    draft = changed_draft()
    text = report.canonical_json(content_of(draft))
    assert "19900000881" not in text and "199****0881" in text
    other = {**draft, "answers": {**draft["answers"], "phone": {**draft["answers"]["phone"], "now": "19900009881"}}}
    assert content_of(draft)["answers_sha256"] != content_of(other)["answers_sha256"]


def test_canonical_json_is_one_spelling_without_floats() -> None:
    assert report.canonical_json({"b": 1, "a": "中"}) == '{"a":"中","b":1}'
    with pytest.raises(ValueError):
        report.canonical_json({"a": [{"b": 0.1}]})


def test_a_second_version_shows_only_what_it_says_otherwise() -> None:
    first = content_of(clean_draft("PERIODIC", "PHONE"))
    assert content_of(clean_draft("PERIODIC", "PHONE"), version=2, previous=first)["amendments"] == []
    keys = [row["key"] for row in content_of(changed_draft(), version=2, previous=first)["amendments"]]
    assert keys == ["phone", "monthly_income", "property_fee", "property_condition"]


def test_the_drafted_conclusion_names_changes_and_limits() -> None:
    words = report.conclusion_draft(content_of(changed_draft()))
    assert "税后月收入由19,600.00变为9,800.00（−50.0%）" in words
    assert "总负债收入比61.0%，超过上限55.0%" in words


def test_the_drafted_conclusion_calls_the_watch_line_what_the_screen_calls_it() -> None:
    content = content_of(changed_draft())
    for ratio in content["ratios"]:
        ratio["is_over"] = ratio["code"] == "loan_to_value"
    assert "超过关注线80.0%" in report.conclusion_draft(content) and "上限" not in report.conclusion_draft(content)
    assert "above the watch line of 80.0%" in report.conclusion_draft(content, "en")


def test_the_drafted_conclusion_speaks_the_readers_language() -> None:
    words = report.conclusion_draft(content_of(changed_draft()), "en")
    assert "Monthly income after tax changed from 19,600.00 to 9,800.00 (−50.0%)" in words
    assert "Debt to income 61.0%, above the limit of 55.0%" in words and words.endswith("no arrears.")
    assert words.isascii() or set(words) - set(map(chr, range(128))) == {"−"}


def test_masking_leaves_no_name_and_no_address_anywhere() -> None:
    draft = changed_draft()
    draft["answers"]["address"] = {"choice": "CHANGED", "now": "江城市高新区光谷路88号", "verified_by": "ORAL"}
    draft["conclusion_text"] = "王志远已搬到江城市高新区光谷路88号。"
    content = content_of(draft, previous=content_of(clean_draft("PERIODIC", "PHONE")))
    content["cover"] = {"borrower": "王志远", "phone": "199****0881"}
    content["collateral"] = {"homes": [{"address": "江城市滨江区悦府路1号"}]}
    before = report.canonical_json(content)
    text = report.canonical_json(report_masking.masked(content))
    assert not [secret for secret in ("王志远", "光谷路", "悦府路") if secret in text]
    assert "王**" in text and "江城市高新区***" in text and "周楠" in text
    assert report.canonical_json(content) == before, "the content itself stays as it is"


def test_a_request_stands_by_itself_and_is_not_folded_away() -> None:
    draft = changed_draft()
    quiet = {part["key"]: part["count"] for part in content_of(draft)["unchanged"]}
    draft["answers"]["request_note"] = {"now": "希望延期三个月"}
    content = content_of(draft)
    assert [row["now_text"]["zh"] for row in content["requests"]] == ["希望延期三个月"]
    assert {part["key"]: part["count"] for part in content["unchanged"]} == quiet
    draft = clean_draft("IRREGULAR", "PHONE")
    assert content_of(draft, "IRREGULAR")["requests"] == [], "none asked"
    draft["answers"]["request"] = {"now": "DEFERRAL"}
    assert [row["key"] for row in content_of(draft, "IRREGULAR")["requests"]] == ["request"]


def filed(item: str | None = None, name: str = "收入证明.pdf") -> dict[str, Any]:
    return {"id": 1, "name": name, "sha256": f"{name:a<64.64}", "media_type": "application/pdf",
            **({} if item is None else {"item": item})}  # fmt: skip


# S2.14
def test_the_report_names_the_question_that_each_file_proves() -> None:
    named = content_of(changed_draft(), attachments=[filed("monthly_income"), filed(name="门牌.jpg")])["attachments"]
    assert [(file["item"], file["item_label"]["zh"]) for file in named] == [
        ("monthly_income", "税后月收入"), ("", ""),
    ]  # fmt: skip
    for wrong in ("payment_strip", "fund_arrived", "gone"):
        (file,) = content_of(changed_draft(), attachments=[filed(wrong)])["attachments"]
        assert (file["item"], file["item_label"]) == ("", {"zh": "", "en": ""}), "a fact, or not asked: general"


def test_a_file_under_another_question_is_told_as_a_difference_of_the_versions() -> None:
    draft = changed_draft()
    first = content_of(draft, attachments=[filed("employer")])
    assert content_of(draft, attachments=[filed("employer")], version=2, previous=first)["amendments"] == []
    (told,) = content_of(draft, attachments=[filed("monthly_income")], version=2, previous=first)["amendments"]
    assert told["key"] == "attachments"
    assert "（工作单位）" in told["from"]["zh"] and "（税后月收入）" in told["to"]["zh"]
    assert "(Monthly income after tax)" in told["to"]["en"]


def test_date_and_proof_stand_under_the_change_and_idle_questions_nowhere() -> None:
    draft = changed_draft()
    plain = content_of(draft)
    keys = {row["key"] for part in plain["sections"] for row in part["items"]}
    assert not keys & {"tenant", "work_changed_on", "repayment_plan"} and "income_changed_on" in keys
    draft["answers"]["income_changed_on"] = {"now": "2026-05-01"}
    draft["answers"]["income_change_proof"] = {"now": "PAYROLL"}
    rows = {row["key"]: row for row in content_of(draft)["differences"]}
    assert [(note["key"], note["now_text"]["zh"]) for note in rows["monthly_income"]["notes"]] == [
        ("income_changed_on", "2026-05-01"), ("income_change_proof", "工资流水"),
    ]  # fmt: skip
    assert rows["phone"]["notes"] == []
    told = content_of(draft, version=2, previous=plain)["amendments"][0]
    assert (told["key"], told["from"]["zh"], told["to"]["zh"]) == ("income_changed_on", "未答", "2026-05-01")


def test_who_stands_beside_the_borrower_is_masked_too() -> None:
    draft = changed_draft()
    draft["answers"]["occupancy"] = {"choice": "CHANGED", "now": "LET", "verified_by": "SITE"}
    draft["answers"]["tenant"] = {"choice": "CHANGED", "now": "欧阳明月", "verified_by": "ORAL"}
    draft["conclusion_text"] = "房屋由欧阳明月承租。"
    shown = report.canonical_json(report_masking.masked({**content_of(draft), "cover": {"borrower": "王志远"}}))
    assert "欧阳明月" not in shown and "欧**" in shown
    assert "没有" in report.canonical_json(
        report_masking.masked(content_of({**draft, "answers": {
            **draft["answers"], "tenant": {"choice": "CHANGED", "now": "没有", "verified_by": "ORAL"}},
            "conclusion_text": "没有承租人。"}))
    )  # fmt: skip


def beside(**said: str) -> dict[str, Any]:
    """A draft of a home now let, with who stands beside the borrower."""
    draft = changed_draft()
    draft["answers"]["occupancy"] = {"choice": "CHANGED", "now": "LET", "verified_by": "SITE"}
    for key, now in said.items():
        draft["answers"][key] = {"choice": "CHANGED", "now": now, "verified_by": "ORAL"}
    return draft


def rows_of(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for part in content["sections"] for row in part["items"]}


def test_the_words_for_no_answer_are_no_name_and_stay_wherever_they_are() -> None:
    first = content_of(beside())
    draft = beside(tenant="欧阳明月")
    draft["conclusion_text"] = "其他未答，联系方式无变化。No change, Not answered."
    content = content_of(draft, version=2, previous=first)
    for word in report.STATE_WORDS.values():
        content["amendments"].append({"key": "guarantor", "label": {"zh": "保证人", "en": "Guarantor"},
                                      "from": dict(word), "to": {"zh": "赵六七", "en": "赵六七"}})  # fmt: skip
        content["amendments"].append({"key": "address", "label": {"zh": "联系地址", "en": "Address"},
                                      "from": dict(word), "to": dict(word)})  # fmt: skip
    shown = report_masking.masked(content)
    assert shown["conclusion"]["text"] == draft["conclusion_text"]
    for was, now in zip(content["amendments"], shown["amendments"], strict=True):
        assert now["from"] == was["from"]
        if was["key"] in ("tenant", "guarantor"):
            assert now["to"] != was["to"] and now["to"]["zh"].endswith("**")
    assert "欧阳明月" not in report.canonical_json(shown) and "赵六七" not in report.canonical_json(shown)


def test_a_name_that_is_a_common_word_leaves_the_labels_of_the_questions_whole() -> None:
    draft = beside(tenant="收入", address="江城市高新区光谷路88号")
    draft["conclusion_text"] = "收入称月租已付。"
    content = content_of(draft, attachments=[filed("monthly_income")])
    event = {"zh": "房屋出租：收入告知", "en": "Home let: 收入告知"}
    asked = {"key": "event_7", "label": event, "now_text": {"zh": "属实", "en": "Confirmed"}}
    content["differences"].append(asked)
    content["attachments"].append({**filed("event_7"), "item_label": event})
    shown = report_masking.masked(content)
    masked_labels = {key: row["label"] for key, row in rows_of(shown).items()}
    assert masked_labels == {key: row["label"] for key, row in rows_of(content).items()}
    assert masked_labels["monthly_income"]["zh"] == "税后月收入"
    assert [part["label"] for part in shown["sections"]] == [part["label"] for part in content["sections"]]
    assert [ratio["label"] for ratio in shown["ratios"]] == [ratio["label"] for ratio in content["ratios"]]
    assert [file["item_label"]["zh"] for file in shown["attachments"]] == ["税后月收入", "房屋出租：收**告知"]
    assert shown["differences"][-1]["label"]["zh"] == "房屋出租：收**告知", "an event is told in somebody's words"
    assert shown["conclusion"]["text"] == "收**称月租已付。"


@pytest.mark.parametrize("word", NOBODY)
def test_an_answer_that_names_nobody_is_read_as_it_is(word: str) -> None:
    content = content_of(beside(tenant=word))
    row = rows_of(report_masking.masked(content))["tenant"]
    assert (row["now"], row["now_text"]) == (word, {"zh": word, "en": word})
    assert report_masking.mask_place("tenant", word) == report_masking.mask_place("guarantor", f"{word} ").strip()
    assert report_masking.mask_place("emergency_contact", word) == word
    assert report_masking.mask_place("emergency_contact", f"{word}人") == f"{word[0]}**"


def said_to_others(
    text: str, borrower: str = "高明", bank: str = "滨江支行", home: str = "佛山市高明区荷城路8号"
) -> str:
    """The conclusion as a reader sees it who may not know who and where."""
    draft = {**changed_draft(), "conclusion_text": text}
    content = {**content_of(draft), "cover": {"borrower": borrower, "bank": bank}}
    content["collateral"] = {"homes": [{"address": home}]}
    shown = report_masking.masked(content)["conclusion"]["text"]
    assert isinstance(shown, str)
    return shown


@pytest.mark.parametrize("text", [
    "高明", "高明先生称收入减少", "已联系高明女士", "高明的收入减少", "借款人高明与妻子同住", "和高明通话",
    "经高明确认", "王高明",
    "高明家小区", "高明区分不清", "高明区别对待", "高明区域", "高明：无变化", "（高明）", "变更高明的地址",
    "手法高明", "高明小区",
    "高明支行", "高明\n先生", "见高明，高明在家",
])  # fmt: skip
def test_a_name_of_two_characters_is_masked_wherever_it_can_be_the_name(text: str) -> None:
    assert "高明" not in said_to_others(text, home="江城市滨江区悦府路1号") and "高**" in said_to_others(text)


@pytest.mark.parametrize("borrower, text, bank", [
    ("高明", "现居佛山市高明区，工作稳定。", "滨江支行"), ("高明", "高明支行受理。", "高明支行"),
    ("安居", "参加安居工程，安居乐业。", "滨江支行"), ("佛山", "在佛山市工作。", "滨江支行"),
    ("江宁", "迁往江宁区。", "滨江支行"),
])  # fmt: skip
def test_a_place_and_an_everyday_word_are_not_destroyed_by_a_name(borrower: str, text: str, bank: str) -> None:
    assert said_to_others(text, borrower, bank) == text


@pytest.mark.parametrize(
    "text", ["安居工程师", "安居工程款未到", "安居称", "安居在家", "与安居住在一起", "安居银行卡丢失"]
)
def test_an_everyday_word_that_goes_on_may_be_the_name(text: str) -> None:
    assert "安居" not in said_to_others(text, "安居")


def test_a_place_keeps_the_name_beside_it_masked() -> None:
    assert said_to_others("高明住在高明区，高明的邻居不识高明。") == "高**住在高明区，高**的邻居不识高**。"
    assert said_to_others("高明支行长高明", bank="高明支行") == "高**支行长高**"
    assert said_to_others("在高家小区遇高明", home="高明家小区5栋") == "在高家小区遇高**"
    assert "高明" not in said_to_others("见高明家小区", home="高明家小区5栋602")


def test_a_name_of_three_characters_is_masked_inside_any_word() -> None:
    assert said_to_others("高明区公所与高明区", "高明区") == "高**公所与高**"
