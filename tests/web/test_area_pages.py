"""Pages and API of area values: proposed by one, looked at, applied by another."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from collateral.models import AreaRevaluation, Property, Valuation
from tests.factories import AT, make_staff
from tests.web.api_bank import Bank, make_bank

pytestmark = pytest.mark.django_db
GIVEN = {"district": "滨江区", "change_percent": "-60", "valued_on": "2026-11-01", "source": "二手住宅<b>指数</b>"}


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def client_of(staff: Any) -> Client:
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


# S2.11
def test_an_area_goes_from_proposal_to_values_on_the_pages(bank: Bank) -> None:
    maker, checker = bank.staff["risk"], make_staff("RISK_MANAGER", bank.home)
    reply = client_of(maker).post(reverse("areas"), GIVEN)
    area = AreaRevaluation.objects.get()
    url = reverse("area", args=[area.pk])
    assert reply.headers["Location"] == url
    own = client_of(maker).get(url).content.decode()
    assert "-60.00%" in own and "抵押率升破 100%" in own and 'value="approve"' not in own
    assert "<b>指数" not in own and "&lt;b&gt;指数" in own
    assert client_of(maker).post(url, {"verb": "approve"}).status_code == 422
    other = client_of(checker)
    assert 'value="approve"' in other.get(url).content.decode()
    assert other.post(url, {"verb": "refuse", "note": ""}).status_code == 422
    assert other.post(url, {"verb": "approve"}).status_code == 302
    assert set(Property.objects.values_list("value", "valued_on")) == {(Decimal("800000.00"), date(2026, 11, 1))}
    assert "已重估" in other.get(reverse("areas")).content.decode()
    assert other.post(url, {"verb": "approve"}).status_code == 409
    assert Valuation.objects.filter(source=f"area:{area.pk}").count() == 2


@pytest.mark.parametrize(
    "wrong",
    [{"change_percent": "abc"}, {"change_percent": "NaN"}, {"change_percent": "1e9"}, {"valued_on": "gestern"},
     {"valued_on": "2026-11-02"}, {"district": "没有的区"}, {"source": ""}],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_what_was_typed_stays(bank: Bank, wrong: Any) -> None:
    reply = client_of(bank.staff["risk"]).post(reverse("areas"), {**GIVEN, **wrong})
    assert reply.status_code == 422 and not AreaRevaluation.objects.exists()
    text = reply.content.decode()
    assert 'aria-invalid="true"' in text and 'role="alert"' in text
    assert f'value="{wrong.get("district", GIVEN["district"])}"' in text


def test_the_pages_ask_no_more_for_more_rows(bank: Bank) -> None:
    client = client_of(bank.staff["risk"])

    def statements(url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url).status_code == 200
        return len(seen)

    def propose(number: int) -> AreaRevaluation:
        return AreaRevaluation.objects.create(
            district=f"区{number}", change_percent=-1, valued_on=AT.date(), source="指数", maker="R1", made_at=AT
        )

    one = propose(0)
    few = [statements(reverse("areas")), statements(reverse("area", args=[one.pk]))]
    for number in range(1, 9):
        propose(number)
    assert [statements(reverse("areas")), statements(reverse("area", args=[one.pk]))] == few
    assert max(few) <= 20


# S2.11
def test_the_api_proposes_looks_and_applies(bank: Bank) -> None:
    sent = {**GIVEN, "source": "二手住宅指数"}
    reply = bank.api("risk").post("areas/", sent, key="area-1")
    assert reply.status_code == 201
    told = reply.json()
    assert (told["homes"], told["loans"], told["past"]) == (2, 2, {"80": 2, "90": 2, "100": 2})
    assert bank.api("risk").post("areas/", sent, key="area-2").status_code == 409
    decide = f"areas/{told['id']}/decide/"
    assert bank.api("risk").post(decide, {"approve": True}, key="area-3").status_code == 422
    assert bank.api("auditor").post(decide, {"approve": True}, key="area-4").status_code == 403
    AreaRevaluation.objects.update(maker="SOMEBODY")
    done = bank.api("risk").post(decide, {"approve": True}, key="area-5").json()
    assert (done["is_applied"], done["homes"], done["past"]) == (True, 2, {"80": 2, "90": 2, "100": 2})
    assert [row["id"] for row in bank.api("risk").get("areas/").json()["results"]] == [told["id"]]
