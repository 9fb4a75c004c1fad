"""Pages of cost disclosures: the list, one to be printed, its document, the calculator."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from journal.models import Entry, Exhibit
from loans.actions.disbursement import disburse
from loans.actions.disclosure import ContingentFee, NewDisclosure, make_disclosure
from loans.models import CostDisclosure, CostItem, Loan
from loans.rules.contract import NewPricing
from loans.rules.disclosure import CostFee
from loans.rules.subsidy import FirstHome
from people.models import IdempotencyKey
from tests.contracts import contract_of, disclosed, request_of
from tests.factories import AT
from tests.web.api_bank import Bank, make_bank
from tests.web.test_api_contracts import combination_body


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def client_of(bank: Bank, who: str) -> Client:
    client = Client()
    client.force_login(bank.staff[who], backend="django.contrib.auth.backends.ModelBackend")
    return client


def made(bank: Bank, who: str = "officer", **given: Any) -> CostDisclosure:
    asked = NewDisclosure(**{"request": request_of(), **given})
    return make_disclosure(asked=asked, by=bank.staff[who], at=AT)


def paid_out(bank: Bank) -> Loan:
    by = bank.staff["operations"]
    contract = disclosed(contract_of(bank.home, portfolio_officer_id=bank.staff["officer"].pk), by)
    return disburse(contract=contract, by=by, at=AT)


def test_the_page_says_all_that_the_document_says(bank: Bank) -> None:
    found = made(
        bank,
        fees=(CostFee("APPRAISAL", "押品评估费", "江城评估<b>", 300_000),),
        contingent=(ContingentFee("PREPAYMENT_FEE", "提前还款违约金", "贷款人", None, "一年内按 1%"),),
        first_home=FirstHome(Decimal(89), 140_000_000, True, False),
    )
    page = client_of(bank, "officer").get(reverse("loans:disclosure", args=[found.pk]))
    text = page.content.decode()
    for words in ("3.6243%", "997,000.00", "押品评估费", "江城评估&lt;b&gt;", "3,000.00", "一年内按 1%", "833.33",
                  "5.4000%", found.number, found.content_sha256, "639,724.27"):  # fmt: skip
        assert words in text, words
    assert "no-store" in page.headers["Cache-Control"]


def test_in_english_the_banks_own_items_are_english(bank: Bank) -> None:
    found = made(bank, pricing=NewPricing())
    client = client_of(bank, "officer")
    client.cookies["django_language"] = "en"
    page = client.get(reverse("loans:disclosure", args=[found.pk]), headers={"Accept-Language": "en"})
    assert page.status_code == 200


def test_a_combination_names_its_other_part(bank: Bank) -> None:
    fund = made(
        bank, request=request_of(principal="600000.00", annual_rate_percent="2.60"), product="HOUSING_FUND",
        is_combination_part=True,
    )  # fmt: skip
    other = made(
        bank, request=request_of(principal="400000.00", annual_rate_percent="3.05"), is_combination_part=True,
        partner=fund.number,
    )  # fmt: skip
    text = client_of(bank, "officer").get(reverse("loans:disclosure", args=[other.pk])).content.decode()
    assert fund.number in text and "4,099.26" in text


def test_the_document_is_the_one_that_was_made(bank: Bank) -> None:
    found = made(bank)
    page = client_of(bank, "officer").get(reverse("loans:disclosure_pdf", args=[found.pk]))
    assert page.content.startswith(b"%PDF-") and page.headers["Content-Type"] == "application/pdf"
    assert page.headers["X-Content-Type-Options"] == "nosniff" and "no-store" in page.headers["Cache-Control"]


def test_the_list_knows_what_waits_and_costs_the_same_however_long(bank: Bank) -> None:
    loan, waiting = paid_out(bank), made(bank)
    client = client_of(bank, "officer")

    def asked(**given: str) -> tuple[str, int]:
        with CaptureQueriesContext(connection) as queries:
            page = client.get(reverse("loans:disclosures"), given)
        return page.content.decode(), len(queries)

    text, before = asked()
    assert waiting.number in text and loan.loan_note_no in text
    only, _count = asked(waiting="1")
    assert waiting.number in only and loan.loan_note_no not in only
    for _more in range(3):
        made(bank)
    assert asked()[1] == before
    assert waiting.number not in client_of(bank, "stranger").get(reverse("loans:disclosures")).content.decode()


def test_the_contract_page_leads_to_its_disclosure(bank: Bank) -> None:
    loan = paid_out(bank)
    number = CostDisclosure.objects.get(loan=loan).number
    text = client_of(bank, "officer").get(reverse("loans:contract", args=[loan.pk])).content.decode()
    assert number in text
    old = client_of(bank, "officer").get(reverse("loans:contract", args=[bank.loans["home"].pk]))
    assert old.status_code == 200 and "2026-08-01" in old.content.decode()


# ── The calculator ───────────────────────────────────────────────────────────────────────────────


def reckon(bank: Bank, **typed: str) -> Any:
    fields = {"principal": "1000000", "annual_rate_percent": "3.60", "installments": "360", "fee": "3000", **typed}
    return client_of(bank, "officer").get(reverse("loans:cost"), fields)


def test_e13_is_reckoned_on_the_server(bank: Bank) -> None:
    page = reckon(bank)
    text = page.content.decode()
    assert page.status_code == 200
    for words in ("3.6243%", "4,546.45", "997,000.00", "636,724.27", "1,639,724.27"):
        assert words in text, words
    part = client_of(bank, "officer").get(
        reverse("loans:cost"), {"principal": "1000000"}, headers={"HX-Request": "true"}
    )
    assert part.content.decode().startswith('<div id="cost-result"')


def test_full_width_and_grouped_amounts_are_understood_and_shown(bank: Bank) -> None:
    text = reckon(bank, principal="１，０００，０００．００", fee="3,000").content.decode()
    assert "3.6243%" in text and "1,000,000.00" in text


@pytest.mark.parametrize(
    ("field", "value"),
    [("principal", "NaN"), ("principal", "1e6"), ("principal", "-1"), ("principal", "٣"), ("principal", "0"),
     ("annual_rate_percent", "３.６"), ("annual_rate_percent", "37"), ("annual_rate_percent", "1e1"),
     ("installments", "0"), ("installments", "481"), ("installments", "x"), ("installments", "３"), ("fee", "-1"),
     ("fee", "1000000"), ("fee", "NaN"), ("method", "BALLOON")],
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_what_was_typed_kept(bank: Bank, field: str, value: str) -> None:
    page = reckon(bank, **{field: value})
    text = page.content.decode()
    assert page.status_code == 422 and 'class="fault"' in text
    assert field == "method" or f'value="{value}"' in text


def test_without_parameters_it_shows_an_example(bank: Bank) -> None:
    assert "3.05%" in client_of(bank, "officer").get(reverse("loans:cost")).content.decode()


def test_the_page_of_a_part_shows_the_ratio_over_both(bank: Bank) -> None:
    body = combination_body(bank)
    loans = bank.api("operations").post("combinations/", body, key="1").json()["loans"]
    for loan in loans:
        text = client_of(bank, "officer").get(reverse("loan_page", args=[loan["id"]])).content.decode()
        assert "80.0" in text


# ── Making one ───────────────────────────────────────────────────────────────────────────────────

NEW = "/disclosures/new/"
WRITTEN = (CostDisclosure, CostItem, Entry, Exhibit, IdempotencyKey)
TYPED = {
    "product": "COMMERCIAL", "terms.principal": "１，０００，０００", "terms.annual_rate_percent": "3.60",
    "terms.installments": "360", "terms.method": "EQUAL_INSTALLMENT", "terms.disbursed_on": "2026-11-01",
    "pricing.kind": "FIXED", "pricing.tenor": "Y5", "pricing.cycle_months": "12", "pricing.anchor": "JANUARY_1",
    "fees.0.code": "", "fees.0.charged_by": "", "fees.1.code": "appraisal", "fees.1.charged_by": "江城评估有限公司",
    "fees.1.amount": "3,000.00", "fees.1.due": "UPFRONT",
    "contingent.0.code": "PREPAYMENT_FEE", "contingent.0.charged_by": "贷款人", "contingent.0.basis": "一年内按 1%",
}  # fmt: skip


def rows_written() -> list[int]:
    return [model.objects.count() for model in WRITTEN]  # type: ignore[attr-defined]


def press(client: Client, verb: str, **typed: str) -> Any:
    return client.post(NEW, {**TYPED, **typed, "verb": verb})


def test_a_disclosure_is_looked_at_and_made(bank: Bank) -> None:
    client, before = client_of(bank, "officer"), rows_written()
    page = press(client, "preview")
    text = page.content.decode()
    assert page.status_code == 200 and rows_written() == before
    for words in (
        "3.6243%",
        "按 <b>1,000,000.00</b> 元理解",
        "押品评估费",
        "江城评估有限公司",
        "提前还款违约金",
        "997,000.00",
    ):
        assert words in text, words
    assert 'value="１，０００，０００"' in text and "按 3,000.00 理解" not in text
    keys = {"seen": page.context["seen"], "form_key": page.context["form_key"]}
    done = press(client, "make", **keys)
    made_one = CostDisclosure.objects.get()
    assert (done.status_code, done.headers["Location"]) == (302, reverse("loans:disclosure", args=[made_one.pk]))
    assert made_one.annualised_percent == Decimal("3.6243") and made_one.exhibit is not None
    items = {item.code: (item.label, item.amount) for item in made_one.items.all()}
    assert items["APPRAISAL"] == ("押品评估费", Decimal("3000.00"))
    assert items["PREPAYMENT_FEE"] == ("提前还款违约金", None)
    shown = client.get(done.headers["Location"]).content.decode()
    assert made_one.content_sha256 in shown and made_one.exhibit.sha256 in shown
    again = press(client, "make", **keys)
    assert again.headers["Location"] == done.headers["Location"] and CostDisclosure.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"terms.principal": "NaN"}, "terms.principal", "最多 13 位整数"),
        ({"terms.principal": ""}, "terms.principal", "必填"),
        ({"terms.annual_rate_percent": "36.01"}, "terms.annual_rate_percent", "36"),
        ({"terms.installments": "0"}, "terms.installments", "1 至 480"),
        ({"terms.installment_amount": "100"}, "terms.installment_amount", "低于"),
        ({"fees.1.amount": "-1"}, "fees.1.amount", "最多 13 位整数"),
        ({"fees.1.amount": "0"}, "fees.1.amount", "大于零"),
        ({"fees.1.charged_by": ""}, "fees.1.charged_by", "必填"),
        ({"fees.1.code": "评估"}, "fees.1.code", "大写字母"),
        ({"fees.1.code": "OWN"}, "fees.1.label", "必填"),
        ({"fees.1.label": "评估\u200b费"}, "fees.1.label", "不可见"),
        ({"fees.0.code": "NOTARY", "fees.0.charged_by": ""}, "fees.0.charged_by", "必填"),
        ({"fees.1.code": "PREPAYMENT_FEE"}, "fees.0.code", "重复"),
        ({"fees.1.code": "PENALTY", "fees.1.label": "罚息"}, "fees.0.code", "系统保留"),
        ({"fees.1.amount": "1000000"}, "fees.0.code", "到手为零"),
        ({"contingent.0.basis": ""}, "contingent.0.basis", "最高金额或计算方法"),
        ({"pricing.kind": "LPR", "pricing.spread_bp": ""}, "pricing.spread_bp", "必填"),
        ({"partner": "MS1"}, "partner", "没有这份组合贷明示表"),
        ({"first_home.claim": "yes"}, "first_home.area", "必填"),
        ({"first_home.claim": "yes", "first_home.area": "200", "first_home.price": "1"}, "first_home.claim", "不符合"),
    ],
)
def test_what_cannot_be_disclosed_is_said_at_its_field(
    bank: Bank, typed: dict[str, str], field: str, words: str
) -> None:
    client, before = client_of(bank, "officer"), rows_written()
    for verb in ("preview", "make"):
        page = press(client, verb, **typed)
        faults = {each.asked.name: each.fault for each in page.context["faulty"]}
        assert page.status_code == 422 and words in faults.get(field, ""), faults
        assert rows_written() == before
        for name, value in {**TYPED, **typed}.items():
            if value and not name.endswith((".kind", ".tenor", ".claim", "product", "method", ".anchor", ".due")):
                assert f'value="{value}"' in page.content.decode(), name


def test_a_row_more_keeps_what_was_typed_and_makes_nothing(bank: Bank) -> None:
    client, before = client_of(bank, "officer"), rows_written()
    page = press(client, "more_fees")
    text = page.content.decode()
    assert page.status_code == 200 and 'name="fees.2.code"' in text and 'value="江城评估有限公司"' in text
    assert 'name="contingent.1.code"' not in text and rows_written() == before
    assert 'name="contingent.1.code"' in press(client, "more_contingent").content.decode()


def test_another_disclosure_than_was_shown_is_not_made(bank: Bank) -> None:
    client, before = client_of(bank, "officer"), rows_written()
    shown = press(client, "preview").context
    page = press(client, "make", seen=shown["seen"], form_key=shown["form_key"], **{"fees.1.amount": "2500"})
    assert page.status_code == 409 and "2,500.00" in page.content.decode() and rows_written() == before


def test_buttons_stand_where_they_may_be_pressed(bank: Bank) -> None:
    found = made(bank)
    one, listed = reverse("loans:disclosure", args=[found.pk]), reverse("loans:disclosures")
    for who, makes, pays in (
        ("officer", True, False), ("manager", True, False), ("operations", True, True), ("auditor", False, False),
    ):  # fmt: skip
        client = client_of(bank, who)
        text = client.get(listed).content.decode()
        assert (f'href="{NEW}"' in text, 'href="/contracts/new/"' in text) == (makes, pays), who
        assert (f"/contracts/new/?disclosure={found.number}" in client.get(one).content.decode()) == pays, who


def test_the_form_asks_the_same_queries_however_many_items(bank: Bank) -> None:
    client, asked = client_of(bank, "officer"), []
    more = {
        f"fees.{n}.{name}": value
        for n in range(2, 30)
        for name, value in (
            ("code", f"F{n}"),
            ("label", "费"),
            ("charged_by", "某某"),
            ("amount", "1"),
            ("due", "UPFRONT"),
        )
    }
    for typed in ({}, more):
        with CaptureQueriesContext(connection) as queries:
            assert press(client, "preview", **typed).status_code == 200
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 20, asked


def test_a_disclosure_is_voided_on_its_page_and_listed_as_such(bank: Bank) -> None:
    found, client = made(bank), client_of(bank, "officer")
    page, void = reverse("loans:disclosure", args=[found.pk]), reverse("loans:disclosure_void", args=[found.pk])
    assert void in client.get(page).content.decode()
    refused = client.post(void, {"reason": "错"})
    assert refused.status_code == 422 and "请写明作废原因" in refused.content.decode()
    assert client.post(void, {"reason": "利率填错<b>"}).headers["Location"] == page
    shown = client.get(page).content.decode()
    assert "已作废" in shown and "利率填错&lt;b&gt;" in shown and void not in shown
    assert client.post(void, {"reason": "再作废一次"}).status_code == 409
    assert "按此表登记放款" not in client_of(bank, "operations").get(page).content.decode()
    listed = reverse("loans:disclosures")
    assert found.number in client.get(f"{listed}?voided=1").content.decode()
    assert found.number not in client.get(f"{listed}?waiting=1").content.decode()
    rows = bank.api("officer").get("disclosures/?voided=true").json()["results"]
    assert [(row["state"], row["void_reason"]) for row in rows] == [("VOIDED", "利率填错<b>")]
    assert bank.api("officer").get("disclosures/?waiting=true").json()["results"] == []
