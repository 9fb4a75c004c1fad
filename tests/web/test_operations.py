"""The operations page while a night runs, when one is stopped, and for a loan set aside."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from config import day_end, operations
from journal.models import Chunk, HeldBack, Night, Run
from loans.actions import LedgerOutOfBalance
from loans.models import Position
from loans.queries import require_business_date
from tests.database.test_day_end import clock
from tests.factories import AT
from tests.web.api_bank import Bank, make_bank
from tests.web.test_contract_pages import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def part(bank: Bank, monkeypatch: pytest.MonkeyPatch, running: bool = True) -> str:
    monkeypatch.setattr("config.night.progress.is_held", lambda _day: running)
    client = client_of(bank, "operations")
    return str(client.get(reverse("operations_progress")).content.decode())


def test_no_night_is_told_as_none(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    page = part(bank, monkeypatch, running=False)
    assert "当前没有日终在进行" in page and 'hx-trigger="every 30s"' in page


def test_a_running_night_tells_stage_chunks_rate_and_end(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    day = require_business_date()
    Night.objects.create(business_date=day, through=day, asked_at=AT)
    begun = clock() - timedelta(seconds=10)
    for number in range(2):
        Run.objects.create(
            business_date=day, stage="bill", chunk=number, loans=1000, started_at=begun, finished_at=begun
        )
    Chunk.objects.create(business_date=day, stage="bill", number=2, after=9, loans=5)
    page = part(bank, monkeypatch)
    assert "日终进行中" in page and "2 / 3" in page and 'hx-trigger="every 2s"' in page
    assert "预计完成" in page and "每秒" in page


def test_a_difference_names_its_loan_on_the_page(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    loan = bank.loans["home"]
    position = Position.objects.get(pk=loan.pk)
    Position.objects.filter(pk=loan.pk).update(principal_balance=position.principal_balance + 1)
    with pytest.raises(LedgerOutOfBalance):
        day_end.run(through=require_business_date(), at_clock=clock)
    page = part(bank, monkeypatch, running=False)
    assert "日终停止" in page and loan.loan_note_no in page


def test_a_loan_set_aside_is_tried_again_by_the_button(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    day, loan = require_business_date(), bank.loans["home"]
    held = HeldBack.objects.create(stage="age", subject_id=loan.pk, reason="ValueError: torn", since=day)
    client = client_of(bank, "operations")
    assert f'value="{held.pk}"' in client.get(reverse("operations")).content.decode()

    def torn(**_scope: Any) -> Any:
        raise ValueError("still torn")

    ages = day_end.BY_NAME["age"]
    with monkeypatch.context() as patch:
        patch.setitem(operations.BY_NAME, "age", replace(ages, work=torn, takes_ids=False))
        told = client.post(reverse("operations_held"), {"held": held.pk}, follow=True).content.decode()
    held.refresh_from_db()
    assert "仍被搁置" in told and (held.attempts, held.reason) == (2, "ValueError: still torn")
    assert "已重试并通过" in client.post(reverse("operations_held"), {"held": held.pk}, follow=True).content.decode()
    assert not HeldBack.objects.exists()
    assert "已处理完毕" in client.post(reverse("operations_held"), {"held": held.pk}, follow=True).content.decode()
    monkeypatch.setattr("config.night.held.try_for_transaction", lambda _day: False)
    assert "会自动重试" in client.post(reverse("operations_held"), {"held": held.pk}, follow=True).content.decode()


@pytest.mark.parametrize("text", ["", "x", "１", "-1", "9" * 30])
def test_a_number_that_is_none_is_refused(bank: Bank, text: str) -> None:
    told = client_of(bank, "operations").post(reverse("operations_held"), {"held": text}, follow=True)
    assert "没有这笔搁置的贷款" in told.content.decode()


def test_every_stage_has_a_word() -> None:
    from config.day_end import STAGES
    from config.templatetags.anju import stage_word

    for stage in STAGES:
        assert stage_word(stage.name) != stage.name, stage.name
