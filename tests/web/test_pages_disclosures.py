"""Pages of cost disclosures: the list, one to be printed, its document, the calculator."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from loans.actions.disbursement import disburse
from loans.actions.disclosure import ContingentFee, NewDisclosure, make_disclosure
from loans.models import CostDisclosure, Loan
from loans.rules.contract import NewPricing
from loans.rules.disclosure import CostFee
from loans.rules.subsidy import FirstHome
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
