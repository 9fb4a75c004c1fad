"""Booking a contract on screen: single and combination, looked at first, paid out by another than who disclosed."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from collateral.models import Charge, Property
from journal.models import Entry
from loans.actions.disclosure import NewDisclosure, make_disclosure
from loans.models import Combination, CostDisclosure, Loan, Posting, Terms
from loans.rules.contract import NewPricing
from people.models import IdempotencyKey, Party
from tests.contracts import request_of
from tests.factories import AT, make_branch, make_staff
from tests.web.api_bank import TODAY, Bank, make_bank
from tests.web.contract_bodies import BORROWER
from tests.web.test_page_matrix import client_of

WRITTEN = (Loan, Party, Property, Charge, CostDisclosure, Combination, Posting, Entry, IdempotencyKey)
PATH = "/contracts/new/"
HOME = {
    "home.address": "江城市滨江区悦府路1号6栋1803室", "home.property_type": "CONDO", "home.value": "１，２５０，０００",
    "home.valued_on": "2026-10-20", "home.kind": "ADVANCE_NOTICE",
    "home.registration_no": "江(2026)滨江区不动产证明第0012345号", "home.registered_on": "2026-10-28",
}  # fmt: skip
PERSON = {f"borrower.{name}": value for name, value in BORROWER.items()}


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def counts() -> list[int]:
    return [model.objects.count() for model in WRITTEN]  # type: ignore[attr-defined]


def disclosed(bank: Bank, who: str = "officer", terms: dict[str, Any] | None = None, **given: Any) -> CostDisclosure:
    asked = NewDisclosure(request=request_of(**(terms or {})), **given)
    return make_disclosure(asked=asked, by=bank.staff[who], at=AT)


def form_of(page: Any) -> dict[str, str]:
    """What the form on a page would send."""
    fields = [each for group in page.context["groups"] for each in (*group.fields, *group.more)]
    found = {each.asked.name: each.value for each in fields}
    hidden = {name: page.context.get(name) for name in ("kind", "form_key", "seen")}
    return {**found, **{name: value for name, value in hidden.items() if value}}


def entered(client: Client, bank: Bank, disclosure: str, **typed: str) -> dict[str, str]:
    """The form that a disclosure opens, filled in."""
    page = client.get(PATH, {"disclosure": disclosure})
    assert page.status_code == 200
    return {**form_of(page), "branch": bank.home.code, **PERSON, **HOME, "external_id": "LOS-1", **typed}


def looked_at(client: Client, sent: dict[str, str]) -> Any:
    return client.post(PATH, {**sent, "verb": "preview"})


def paid_out(client: Client, sent: dict[str, str]) -> Any:
    page = looked_at(client, sent)
    assert page.status_code == 200, page.context["faulty"]
    return client.post(PATH, {**form_of(page), "verb": "pay_out"})


def test_a_disclosed_contract_is_looked_at_and_paid_out(bank: Bank) -> None:
    client, officer = client_of(bank, "operations"), bank.staff["officer"]
    sent = entered(client, bank, disclosed(bank).number, portfolio_officer=officer.staff_no, credit_score="700")
    sent["terms.principal"] = "１，０００，０００"
    before = counts()
    page = looked_at(client, sent)
    text = page.content.decode()
    assert page.status_code == 200 and counts() == before
    for words in (
        "按 <b>1,000,000.00</b> 元理解",
        "壹佰万元整",
        "4,546.45",
        "2056-11-01",
        "636,724.27",
        "放款 1,000,000.00",
    ):
        assert words in text, words
    assert 'value="１，０００，０００"' in text and "按 1,250,000.00 理解" in text
    done = client.post(PATH, {**form_of(page), "verb": "pay_out"})
    loan = Loan.objects.get(external_id="LOS-1")
    assert (done.status_code, done.headers["Location"]) == (302, reverse("loans:contract", args=[loan.pk]))
    terms = Terms.objects.get(loan=loan)
    assert (terms.principal, loan.signed_on, loan.credit_score) == (1_000_000, TODAY, 700)
    assert loan.portfolio_officer == officer and loan.borrower.name == "陈立新"
    assert Posting.objects.filter(loan_id=loan.pk, kind="DISBURSEMENT").count() == 1
    charge = Charge.objects.select_related("property").get(loan=loan)
    assert (charge.kind, charge.property.value) == ("ADVANCE_NOTICE", Decimal("1250000.00"))
    assert CostDisclosure.objects.get(loan=loan).made_by == officer
    shown = client.get(done.headers["Location"]).content.decode()
    assert loan.loan_note_no in shown and "已放款" in shown


def test_a_contract_that_follows_the_lpr_comes_whole_from_its_disclosure(bank: Bank) -> None:
    pricing = NewPricing(kind="LPR", tenor="Y5", spread_bp=Decimal("-30"), cycle_months=6, anchor="LOAN_DAY")
    terms = {"annual_rate_percent": "3.20", "first_due_on": "2026-12-15", "first_period": "BY_DAYS"}
    agreed = {"grace_days": 5, "penalty_multiplier_overdue": "1.3"}
    made = disclosed(bank, terms=terms, pricing=pricing, agreed=agreed)
    client = client_of(bank, "operations")
    done = paid_out(client, entered(client, bank, made.number))
    assert done.status_code == 302
    loan = Loan.objects.get(external_id="LOS-1")
    found = loan.pricings.get()
    assert (found.spread_bp, found.cycle_months, found.anchor, loan.due_day) == (-30, 6, "LOAN_DAY", 15)
    assert {one.code: one.value for one in loan.parameters.all()} == agreed


def test_who_disclosed_does_not_pay_out(bank: Bank) -> None:
    made = disclosed(bank, "operations")
    client = client_of(bank, "operations")
    assert "放款须由另一人办理" in client.get(reverse("loans:disclosure", args=[made.pk])).content.decode()
    sent, before = entered(client, bank, made.number), counts()
    page = looked_at(client, sent)
    assert page.status_code == 422 and "放款须由另一人办理" in page.content.decode() and counts() == before
    # Nor without the look: the button of a form that was shown to somebody else.
    bank.staff["second"] = make_staff("OPERATIONS", bank.home, name="second")
    before = counts()
    seen = form_of(looked_at(client_of(bank, "second"), sent))
    pressed = client.post(PATH, {**seen, "verb": "pay_out"})
    assert pressed.status_code == 422 and counts() == before
    done = client_of(bank, "second").post(PATH, {**seen, "verb": "pay_out"})
    assert done.status_code == 302 and Loan.objects.filter(external_id="LOS-1").count() == 1


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"terms.principal": "1e6"}, "terms.principal", "最多 13 位整数"),
        ({"terms.principal": "-1"}, "terms.principal", "最多 13 位整数"),
        ({"terms.principal": "٣"}, "terms.principal", "最多 13 位整数"),
        ({"terms.principal": "0"}, "terms.principal", "大于零"),
        ({"terms.principal": ""}, "terms.principal", "必填"),
        ({"terms.principal": "999999.99"}, "disclosure", "不一致"),
        ({"terms.annual_rate_percent": "３.６"}, "terms.annual_rate_percent", "百分数"),
        ({"terms.annual_rate_percent": "25"}, "terms.annual_rate_percent", "24"),
        ({"terms.installments": "481"}, "terms.installments", "1 至 480"),
        ({"terms.installments": "三百"}, "terms.installments", "请填整数。"),
        ({"terms.first_due_on": "2026-10-01"}, "terms.first_due_on", "放款日之后"),
        ({"terms.first_due_on": "2026-12-15", "terms.due_day": ""}, "terms.first_period", "请选择首期怎样计息"),
        ({"terms.disbursed_on": "2026-11-02", "terms.first_due_on": "2026-12-01"}, "terms.first_period", "首期"),
        ({"signed_on": "2026-11-02"}, "signed_on", "晚于放款日"),
        ({"disclosure": ""}, "disclosure", "另一人"),
        ({"disclosure": "MS1"}, "disclosure", "没有这份明示表"),
        ({"pricing.kind": "LPR", "pricing.spread_bp": "加三十"}, "pricing.spread_bp", "单位是基点"),
        ({"pricing.kind": "LPR", "pricing.spread_bp": ""}, "pricing.spread_bp", "必填"),
        ({"agreed.grace_days": "99"}, "agreed.grace_days", "60"),
        ({"agreed.penalty_multiplier_overdue": "x"}, "agreed.penalty_multiplier_overdue", "倍数"),
        ({"borrower.id_no": "110105194912310021"}, "borrower.id_no", "身份证号有误"),
        ({"borrower.name": "陈"}, "borrower.name", "2 至 50"),
        ({"branch": ""}, "branch", "必填"),
        ({"portfolio_officer": "nobody"}, "portfolio_officer", "在岗人员"),
        ({"external_id": "合同一号"}, "external_id", "字母、数字"),
        ({"home.value": "很多"}, "home.value", "最多 13 位整数"),
        ({"home.address": ""}, "home.address", "必填"),
        (
            {"first_home.claim": "yes", "first_home.area": "89.5", "first_home.price": "１００００００"},
            "disclosure",
            "贴息",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_is_kept(
    bank: Bank, typed: dict[str, str], field: str, words: str
) -> None:
    client = client_of(bank, "operations")
    sent, before = {**entered(client, bank, disclosed(bank).number), **typed}, None
    before = counts()
    for verb in ("preview", "pay_out"):
        page = client.post(PATH, {**sent, "verb": verb})
        faults = {each.asked.name: each.fault for each in page.context["faulty"]}
        assert page.status_code == 422 and words in faults.get(field, ""), faults
        kept = form_of(page)
        assert {name: kept[name] for name in sent if name in kept and name != "form_key"} == {
            name: value for name, value in sent.items() if name in kept and name != "form_key"
        }
        assert counts() == before


def test_another_name_for_a_known_borrower_is_refused_without_saying_which(bank: Bank) -> None:
    party, client = bank.loans["home"].borrower, client_of(bank, "operations")
    typed = {"borrower.id_no": party.id_no, "borrower.name": "王志远"}
    sent = {**entered(client, bank, disclosed(bank).number), **typed}
    before = counts()
    page = looked_at(client, sent)
    faults = {each.asked.name: each.fault for each in page.context["faulty"]}
    assert page.status_code == 422 and "登记的不一致" in faults["borrower.name"] and counts() == before
    assert party.name not in page.content.decode()


def test_what_was_changed_after_the_look_is_shown_again_first(bank: Bank) -> None:
    client = client_of(bank, "operations")
    sent = form_of(looked_at(client, entered(client, bank, disclosed(bank).number)))
    before = counts()
    page = client.post(PATH, {**sent, "credit_score": "650", "verb": "pay_out"})
    assert page.status_code == 409 and "在预览之后有改动" in page.content.decode() and counts() == before
    assert client.post(PATH, {**form_of(page), "verb": "pay_out"}).status_code == 302


def test_pressed_twice_a_contract_is_one_loan(bank: Bank) -> None:
    client = client_of(bank, "operations")
    sent = form_of(looked_at(client, entered(client, bank, disclosed(bank).number)))
    first, second = (client.post(PATH, {**sent, "verb": "pay_out"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert first.headers["Location"] == second.headers["Location"]
    assert Posting.objects.filter(kind="DISBURSEMENT").count() == 1
    taken = looked_at(client, {**sent, "form_key": ""})
    faults = {each.asked.name: each.fault for each in taken.context["faulty"]}
    assert taken.status_code == 422 and "已用于另一笔贷款" in faults["external_id"] + faults["disclosure"]


def combined(bank: Bank) -> tuple[CostDisclosure, CostDisclosure]:
    fund = disclosed(
        bank, terms={"principal": "600000.00", "annual_rate_percent": "2.60"}, product="HOUSING_FUND",
        is_combination_part=True,
    )  # fmt: skip
    terms = {"principal": "400000.00", "annual_rate_percent": "3.05"}
    return fund, disclosed(bank, terms=terms, is_combination_part=True, partner=fund.number)


@pytest.mark.parametrize("opened_by", [0, 1])
def test_a_combination_is_opened_from_either_disclosure_and_paid_out_whole(bank: Bank, opened_by: int) -> None:
    pair, client = combined(bank), client_of(bank, "operations")
    page = client.get(PATH, {"disclosure": pair[opened_by].number})
    assert page.context["kind"] == "combination"
    sent = {
        **form_of(page), **PERSON, **HOME, "branch": bank.home.code,
        "fund.external_id": "LOS-F", "commercial.external_id": "LOS-C",
    }  # fmt: skip
    assert (sent["fund.disclosure"], sent["commercial.disclosure"]) == (pair[0].number, pair[1].number)
    before = counts()
    same = looked_at(client, {**sent, "commercial.external_id": "LOS-F"})
    assert same.status_code == 422 and "须不同" in same.content.decode() and counts() == before
    shown = looked_at(client, sent)
    text = shown.content.decode()
    assert "放款 600,000.00 + 400,000.00" in text and "2,402.04" in text and "1,697.22" in text
    assert counts() == before
    done = client.post(PATH, {**form_of(shown), "verb": "pay_out"})
    assert done.status_code == 302
    fund, bank_part = Loan.objects.get(external_id="LOS-F"), Loan.objects.get(external_id="LOS-C")
    assert fund.combination_id == bank_part.combination_id is not None
    assert Property.objects.filter(charges__loan__in=[fund, bank_part]).distinct().count() == 1
    text = client.get(done.headers["Location"]).content.decode()
    assert fund.loan_note_no in text and bank_part.loan_note_no in text


def test_a_fault_of_one_part_stands_in_that_part_and_neither_goes_out(bank: Bank) -> None:
    pair, client = combined(bank), client_of(bank, "operations")
    sent = {
        **form_of(client.get(PATH, {"disclosure": pair[0].number})), **PERSON, "branch": bank.home.code,
        "fund.external_id": "LOS-F", "commercial.external_id": "LOS-C", "commercial.terms.installments": "359",
    }  # fmt: skip
    before = counts()
    page = looked_at(client, sent)
    faults = {each.asked.name: each.fault for each in page.context["faulty"]}
    assert page.status_code == 422 and set(faults) == {"commercial.disclosure"} and counts() == before


def test_the_form_asks_few_queries_however_many_officers_there_are(bank: Bank) -> None:
    client, asked = client_of(bank, "operations"), []
    for count in (1, 40):
        for _index in range(count):
            make_staff("LOAN_OFFICER", make_branch())
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PATH).status_code == 200
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 9, asked


def test_an_empty_form_names_everything_that_is_missing(bank: Bank) -> None:
    client = client_of(bank, "operations")
    before = counts()
    page = looked_at(client, form_of(client.get(PATH)))
    faults = {each.asked.name for each in page.context["faulty"]}
    assert page.status_code == 422 and counts() == before
    assert {"branch", "borrower.id_no", "borrower.name", "external_id", "disclosure", "terms.principal"} <= faults
    assert not {name for name in faults if name.startswith("home.")}


@pytest.mark.parametrize("number", ["", "MS9", "x" * 60, "MS0' OR 1"])
def test_an_unknown_disclosure_opens_an_empty_form(bank: Bank, number: str) -> None:
    page = client_of(bank, "operations").get(PATH, {"disclosure": number})
    assert page.status_code == 200 and form_of(page)["disclosure"] == ""
