"""The card of past visits on every page where something is decided: shut until it is opened, and then on record."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from followups import actions
from followups.actions.reassigns import ask_to_reassign
from followups.actions.reuse import DecisionUnknown
from followups.models import ReportReference, VisitReport
from loans.actions import charge_fee, propose_refund
from people.actions import NotAllowed
from people.models import Staff
from risk.actions import warn_of_visit
from risk.models import Signal
from risk.rules.signals import Warned
from tests.database.test_loans_refunds import overpaid
from tests.database.test_visits import TODAY, Road, make_task
from tests.factories import AT, book_loan, make_staff
from tests.web.test_reuse import SAID, client_of, opened, road, written

pytestmark = pytest.mark.django_db
__all__ = ["road"]
# Page, decision, number of what is decided on, who decides.
Place = tuple[str, str, int | None, Staff]


def teller(road: Road) -> Staff:
    """A small branch's manager, who does the accounts too: operations alone read no visits."""
    return make_staff(["OPERATIONS", "BRANCH_MANAGER"], road.branch)


def refund(road: Road) -> Place:
    asked = propose_refund(
        loan_id=overpaid(loan=road.loan).pk, amount=Decimal("600.00"), reason="客户多还，申请退回",
        by=make_staff("OPERATIONS", road.branch), at=AT,
    )  # fmt: skip
    return reverse("loans:refund", args=[asked.pk]), "REFUND", asked.pk, teller(road)


def refund_to_come(road: Road) -> Place:
    overpaid(loan=road.loan)
    return reverse("loans:propose_refund", args=[road.loan.pk]), "REFUND", None, teller(road)


def waiver(road: Road, loan: Any = None) -> Place:
    fee = charge_fee(
        loan_id=(loan or road.loan).pk, code="COPY", amount=Decimal("80.00"), reason="补打合同副本",
        by=make_staff("OPERATIONS", road.branch), at=AT,
    )  # fmt: skip
    return reverse("loans:fee_waive", args=[fee.pk]), "WAIVER", fee.pk, teller(road)


def signal(road: Road) -> Place:
    report = VisitReport.objects.get()
    warn_of_visit(
        loan_id=road.loan.pk, visit_id=report.visit_id, report_id=report.pk, version=1, policy_version=1,
        warned=[Warned("INCOME", "INCOME_DOWN_40", 2, 10, {})], by=road.officer, at=AT,
    )  # fmt: skip
    found = Signal.objects.get(loan=road.loan)
    return reverse("followups:loan_signals", args=[road.loan.pk]), "SIGNAL", found.pk, road.manager


def skip(road: Road) -> Place:
    task = make_task(road.loan, road.officer, kind="FIRST", rule="FIRST_90", cycle="FIRST")
    actions.ask_to_skip(task_id=task.pk, reason="借款人长期在境外工作", by=road.officer, at=AT)
    return reverse("followups:task", args=[task.pk]), "SKIP", task.pk, road.manager


def reassign(road: Road) -> Place:
    task = make_task(road.loan, road.officer, cycle="NEXT")
    ask_to_reassign(task_id=task.pk, reason="与借款人系亲属，应回避", by=road.officer, at=AT)
    return reverse("followups:drawer", args=[task.pk]), "REASSIGN", task.pk, road.manager


def resume(road: Road) -> Place:
    task = make_task(road.loan, road.officer, cycle="NEXT")
    until = TODAY + timedelta(days=5)
    actions.pause_clock(task_id=task.pk, reason="BORROWER_AWAY", until=until, by=road.officer, at=AT)
    return reverse("followups:task", args=[task.pk]), "RESUME", task.pk, road.manager


PLACES = [refund, refund_to_come, waiver, signal, skip, reassign, resume]
LOOKED_UP = {
    "REFUND": "", "WAIVER": "loans:fees", "SIGNAL": "followups:loan_signals", "SKIP": "followups:task",
    "REASSIGN": "followups:task", "RESUME": "followups:task",
}  # fmt: skip


# S2.19
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_past_visits_are_read_where_it_is_decided(road: Road, place: Callable[[Road], Place]) -> None:
    path, decision, number, who = place(road)
    client, address = client_of(who), reverse("followups:past_visits", args=[road.loan.pk])
    page = client.get(path).content.decode()
    (form,) = [part for part in page.split("<form") if f'hx-post="{address}"' in part]
    form = form.split("</form>")[0]
    asked = {"decision": decision, **({"decision_id": number} if number else {})}
    for name, value in asked.items():
        assert f'name="{name}" value="{value}"' in form
    assert ("decision_id" in form) == (number is not None)
    assert SAID not in page and not ReportReference.objects.exists(), "shut until somebody opens it"
    card = client.post(address, asked, HTTP_HX_REQUEST="true").content.decode()
    assert SAID in card and "<html" not in card
    row = ReportReference.objects.get()
    assert (row.decision, row.decision_id, row.by, row.loan) == (decision, number, who, road.loan)
    used = client_of(road.officer).get(reverse("followups:report", args=[row.report_id])).content.decode()
    used = used.split("被引用")[1]
    assert who.name in used and row.get_decision_display() in used
    name = LOOKED_UP[decision]
    if name:
        key = road.loan.pk if name in ("loans:fees", "followups:loan_signals") else number
        assert f'href="{reverse(name, args=[key])}' in used
    else:
        assert "/refunds/" not in used, "an officer does not open the accounts' pages"


def test_the_page_of_a_refund_is_linked_for_who_may_open_it(road: Road) -> None:
    _path, decision, number, who = refund(road)
    opened(road, decision, number, by=who)
    report = VisitReport.objects.get()
    used = client_of(who).get(reverse("followups:report", args=[report.pk])).content.decode().split("被引用")[1]
    assert f'href="{reverse("loans:refund", args=[number])}"' in used


@pytest.mark.parametrize("place", [refund, waiver], ids=["refund", "waiver"])
def test_operations_open_the_card_for_what_they_decide_and_nothing_else(
    road: Road, place: Callable[[Road], Place]
) -> None:
    path, decision, number, _who = place(road)
    operations = make_staff("OPERATIONS", road.branch)
    client, address = client_of(operations), reverse("followups:past_visits", args=[road.loan.pk])
    assert address in client.get(path).content.decode()
    asked = {"decision": decision, "decision_id": number}
    card = client.post(address, asked, HTTP_HX_REQUEST="true").content.decode()
    assert SAID in card and "/reports/" not in card and "/tasks/" not in card, "no way to pages it may not open"
    assert road.loan.borrower.name not in card
    row = ReportReference.objects.get()
    assert (row.decision, row.decision_id, row.by) == (decision, number, operations)
    assert client.get(reverse("followups:report", args=[row.report_id])).status_code == 403
    assert client.post(address, {"decision": decision}).status_code == 403, "for one that is there"
    for other in ("LOAN", "CHANGE", "REVIEW", "no such"):
        assert client.post(address, {**asked, "decision": other}).status_code == 403
        with pytest.raises(NotAllowed):
            opened(road, other, number, by=operations)


def test_what_is_decided_already_shows_no_card(road: Road) -> None:
    path, _decision, number, who = refund(road)
    assert client_of(who).post(path, {"verb": "reject", "note": "客户要求留作下期还款"}).status_code == 302
    assert "past-visits" not in client_of(who).get(path).content.decode()
    path, _decision, number, who = resume(road)
    actions.resume_clock(task_id=number or 0, by=who, at=AT)
    assert "past-visits" not in client_of(who).get(path).content.decode()


def test_a_decision_of_another_loan_or_none_is_refused(road: Road) -> None:
    other = book_loan(road.branch, road.officer)
    foreign = waiver(road, other)[2]
    plain = make_task(road.loan, road.officer, cycle="PLAIN").pk
    before = written()
    for decision, number in (
        ("WAIVER", foreign), ("WAIVER", None), ("REFUND", 987654321), ("SIGNAL", None), ("SIGNAL", 1), ("SKIP", None),
        ("SKIP", plain), ("REASSIGN", plain), ("RESUME", plain), ("RESUME", None),
    ):  # fmt: skip
        with pytest.raises(DecisionUnknown):
            opened(road, decision, number)
    assert written() == before


def test_the_database_wants_to_know_what_was_decided_on(road: Road) -> None:
    opened(road)
    for decision in ("REVIEW", "WAIVER", "SIGNAL", "SKIP", "REASSIGN", "RESUME"):
        refused = pytest.raises(DatabaseError, match="what_is_decided_on_is_named")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO followups_reportreference "
                "(report_id, loan_id, decision, decision_id, by_id, at, business_date) "
                "SELECT report_id, loan_id, %s, NULL, by_id, at, business_date FROM followups_reportreference",
                [decision],
            )
