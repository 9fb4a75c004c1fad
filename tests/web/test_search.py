"""The one search field: development and room, task and report numbers; only what one sees, by indexes."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from collateral.models import Charge, Property
from config import search
from followups.models import VisitReport
from loans.queries import ways
from tests.factories import book_loan
from tests.web.api_bank import Bank, make_bank, submitted
from tests.web.test_page_matrix import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> Bank:
    return make_bank()


def home_of(bank: Bank, address: str) -> int:
    loan = book_loan(bank.home, officer=bank.staff["officer"])
    charge = Charge.objects.filter(loan=loan).first()
    if charge is None:
        home = Property.objects.create(address=address, property_type="CONDO")
        charge = Charge.objects.create(loan=loan, property=home)
    Property.objects.filter(pk=charge.property_id).update(address=address)
    return loan.pk


def found(bank: Bank, who: str, word: str) -> set[int]:
    return {row["loan"].pk for row in client_of(bank, who).get(reverse("loans:list"), {"q": word}).context["rows"]}


def test_a_home_is_found_by_development_and_room_by_who_sees_its_loan(bank: Bank) -> None:
    loan = home_of(bank, "江城市滨江区滨江悦府3栋2单元1701")
    neighbor = home_of(bank, "江城市滨江区滨江悦府3栋2单元2701")
    for word in ("滨江悦府 1701", "滨江悦府3栋1701", "滨江悦府 3 栋 1701"):
        assert found(bank, "officer", word) == {loan}, word
        assert found(bank, "stranger", word) == set()
    assert found(bank, "auditor", "滨江悦府3栋") == {loan, neighbor}
    assert [row["id"] for row in bank.api("officer").get("loans/", q="滨江悦府 1701").json()["results"]] == [loan]


def test_a_task_number_leads_to_the_task_a_report_number_to_its_loan(bank: Bank) -> None:
    task, report = bank.tasks["home"], submitted(bank)
    client = client_of(bank, "officer")
    reply = client.get(reverse("loans:list"), {"q": task.number})
    assert reply.status_code == 302 and reply["Location"] == reverse("followups:task", args=[task.pk])
    assert found(bank, "stranger", task.number) == set(), "another branch's number is no number"
    assert found(bank, "operations", task.number) == {task.loan_id}, "who has no desk is shown the loan"
    number = VisitReport.objects.get(pk=report["id"]).number
    assert found(bank, "officer", number) == {task.loan_id}
    desk = client.get(reverse("followups:desk"), {"q": task.number}).content.decode()
    assert desk.count("data-task=") >= 1 and f'data-task="{task.pk}"' in desk
    assert [row["id"] for row in bank.api("officer").get("tasks/", q=task.number).json()["results"]] == [task.pk]
    assert bank.api("stranger").get("tasks/", q=task.number).json()["results"] == []


def test_words_of_other_shapes_ask_nothing_further(bank: Bank) -> None:
    client = client_of(bank, "officer")
    for word in ("clx", "陈立新", "1234", "0101"):
        with CaptureQueriesContext(connection) as with_ways:
            client.get(reverse("loans:list"), {"q": word})
        ways.install([], [])
        with CaptureQueriesContext(connection) as without:
            client.get(reverse("loans:list"), {"q": word})
        search.install()
        assert len(with_ways) == len(without), word


def test_addresses_are_looked_up_by_three_characters(bank: Bank) -> None:
    Property.objects.bulk_create(
        Property(address=f"江城市滨江区江岸新城{n % 40}栋{n % 4}单元{n}", property_type="CONDO") for n in range(3000)
    )
    words = search.home_words("滨江悦府1701")
    assert words is not None
    asked = Property.objects.filter(address__contains=words.name, address__regex=words.pattern)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE collateral_property")
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "property_address_words" in asked.explain()
