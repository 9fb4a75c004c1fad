"""Insurance and advance notices that run out are events of the next evening, once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from collateral.actions import NotRegistrable, record_insurance, record_registrable
from collateral.models import Charge, Property
from followups.batch import answering
from followups.models import Event, VisitTask
from people.actions import NotAllowed
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 1)
LATER = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def loan(db: None) -> Any:
    branch = make_branch()
    return book_loan(branch, make_staff("LOAN_OFFICER", branch))


def evening(day: date) -> int:
    return answering.answer_evening(as_of=day, at=LATER)["noticed"]


# S1.18
def test_insurance_that_ran_out_is_an_event_of_the_next_evening_and_once(loan: Any) -> None:
    record_insurance(loan_id=loan.pk, insured_until=date(2026, 11, 3), by="system", at=AT)
    assert [evening(date(2026, 11, day)) for day in (2, 3, 4, 4, 5)] == [0, 0, 1, 0, 0]
    (event,) = Event.objects.all()
    assert (event.code, event.source, event.happened_on) == ("INSURANCE_LAPSED", "COLLATERAL", date(2026, 11, 4))
    assert VisitTask.objects.get(rule="EVENT").method == "PHONE"


def test_insurance_that_was_renewed_in_time_tells_nobody(loan: Any) -> None:
    record_insurance(loan_id=loan.pk, insured_until=date(2026, 11, 3), by="system", at=AT)
    record_insurance(loan_id=loan.pk, insured_until=date(2027, 11, 3), by="system", at=AT)
    assert evening(date(2026, 11, 4)) == 0


def test_what_a_lost_evening_missed_is_told_within_the_week_and_what_ran_out_before_cut_over_is_baseline(
    loan: Any,
) -> None:
    Property.objects.filter(charges__loan=loan).update(insured_until=date(2026, 10, 29))
    assert evening(date(2026, 11, 4)) == 1
    assert Event.objects.get().is_baseline and not VisitTask.objects.filter(rule="EVENT").exists()


# S1.18
def test_an_advance_notice_not_made_formal_in_90_days_is_red(loan: Any) -> None:
    charge = Charge.objects.get(loan=loan)
    Charge.objects.filter(pk=charge.pk).update(kind="ADVANCE_NOTICE")
    record_registrable(loan_id=loan.pk, registrable_on=DAY, by=loan.portfolio_officer, at=AT)
    last = DAY + timedelta(days=90)
    assert [evening(day) for day in (last, last + timedelta(days=1), last + timedelta(days=2))] == [0, 1, 0]
    event = Event.objects.get()
    assert (event.code, event.level, event.happened_on) == ("REGISTRATION_LAPSED", 1, last + timedelta(days=1))
    task = VisitTask.objects.get(rule="EVENT")
    assert (task.method, task.level) == ("FIELD", 1)


def test_one_made_formal_in_time_tells_nobody(loan: Any) -> None:
    Charge.objects.filter(loan=loan).update(kind="ADVANCE_NOTICE")
    record_registrable(loan_id=loan.pk, registrable_on=DAY, by=loan.portfolio_officer, at=AT)
    Charge.objects.filter(loan=loan).update(kind="FORMAL")
    assert evening(DAY + timedelta(days=91)) == 0


def test_the_day_is_refused_where_it_cannot_be(loan: Any) -> None:
    asked: dict[str, Any] = {"loan_id": loan.pk, "registrable_on": DAY, "by": loan.portfolio_officer, "at": AT}
    with pytest.raises(NotRegistrable):
        record_registrable(**asked)
    Charge.objects.filter(loan=loan).update(kind="ADVANCE_NOTICE", registered_on=date(2026, 10, 1))
    for wrong in (DAY + timedelta(days=1), date(2026, 9, 30)):
        with pytest.raises(NotRegistrable):
            record_registrable(**{**asked, "registrable_on": wrong})
    with pytest.raises(NotAllowed):
        record_registrable(**{**asked, "by": make_staff("AUDITOR", make_branch())})
    assert Charge.objects.get(loan=loan).registrable_on is None
