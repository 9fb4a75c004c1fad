"""Handing a portfolio over: previewed, decided, printed, taken back (S2.13, S1.22)."""

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client

from followups import actions
from followups.actions import handover
from followups.models import HandOver, HandOverItem, TaskEvent, VisitTask
from followups.rules.assignment import Candidate
from followups.rules.handover import Parcel, spread
from journal.errors import ActionRefused
from journal.models import Entry
from loans.models import Loan
from people.actions import NotAllowed
from people.models import Staff
from tests.factories import AT, book_loan, make_staff
from tests.web.api_bank import Bank, make_bank

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def bank() -> Bank:
    return make_bank()


def fresh(staff: Staff) -> Staff:
    return Staff.objects.get(pk=staff.pk)


def move(bank: Bank, **given: Any) -> HandOver:
    by = fresh(bank.staff[given.pop("by", "manager")])
    asked: dict[str, Any] = {
        "officer": fresh(bank.staff["officer"]), "receivers": [fresh(bank.staff["colleague"])],
        "reason": "离职移交", **given,
    }  # fmt: skip
    people = {name: asked[name] for name in ("officer", "receivers")}
    sha256 = asked.pop("sha256", None) or handover.preview(**people, by=by).sha256
    return handover.hand_over(**asked, sha256=sha256, by=by, at=AT)


def test_customers_stay_together_and_shares_are_even() -> None:
    parcels = [Parcel(n, n // 2, "A" if n < 6 else "B") for n in range(12)]
    people = [Candidate(1, 1, districts=(("B", 4),)), Candidate(2, 1)]
    found = spread(parcels, people)
    assert set(found) == set(range(12)) and sorted(found.values()).count(1) == 6
    assert all(found[n] == found[n + 1] for n in range(0, 12, 2))
    assert [found[n] for n in range(6, 12)] == [1] * 6
    assert spread(list(reversed(parcels)), people) == found and spread(parcels, []) == {}


def test_loans_tasks_and_visits_move_and_come_back(bank: Bank) -> None:
    officer, colleague, task = bank.staff["officer"], bank.staff["colleague"], bank.tasks["home"]
    actions.start_visit(task_id=task.pk, by=fresh(officer), at=AT)
    had = set(VisitTask.objects.filter(assigned_to=officer, closed_on__isnull=True).values_list("pk", flat=True))
    made = move(bank)
    assert Loan.objects.get(pk=bank.loans["home"].pk).portfolio_officer == colleague
    now = VisitTask.objects.filter(assigned_to=colleague, closed_on__isnull=True)
    assert set(now.values_list("pk", flat=True)) == had
    task.refresh_from_db()
    assert task.visit.lead_visitor == colleague
    event = TaskEvent.objects.filter(task=task).latest("id")
    assert (event.kind, event.data["to"], event.data["hand_over"]) == ("ASSIGNED", colleague.staff_no, made.pk)
    assert Entry.objects.filter(kind="followups.handed_over", subject_id=made.pk).count() == 1
    manager = fresh(bank.staff["manager"])
    (back,) = handover.reverse_hand_over(hand_over_id=made.pk, reason="离职取消", by=manager, at=AT)
    assert back.reverses == made and Loan.objects.get(pk=bank.loans["home"].pk).portfolio_officer == officer
    assert set(VisitTask.objects.filter(assigned_to=officer).values_list("pk", flat=True)) >= had
    for again in (made, back):
        with pytest.raises(handover.HandOverRefused):
            handover.reverse_hand_over(hand_over_id=again.pk, reason="再次撤回", by=manager, at=AT)


def test_a_loan_that_moved_on_is_not_taken_back(bank: Bank) -> None:
    third = make_staff("LOAN_OFFICER", bank.home, name="third")
    made = move(bank)
    move(bank, officer=fresh(bank.staff["colleague"]), receivers=[fresh(third)])
    with pytest.raises(handover.HandOverRefused):
        handover.reverse_hand_over(hand_over_id=made.pk, reason="离职取消", by=fresh(bank.staff["manager"]), at=AT)
    assert Loan.objects.get(pk=bank.loans["home"].pk).portfolio_officer == third


def test_wrong_hand_overs_change_nothing(bank: Bank) -> None:
    officer, stranger = fresh(bank.staff["officer"]), fresh(bank.staff["stranger"])
    before = Entry.objects.count()
    wrong: list[dict[str, Any]] = [
        {"reason": "x", "sha256": "0" * 64}, {"sha256": "0" * 64}, {"receivers": [], "sha256": "0" * 64},
        {"receivers": [stranger], "sha256": "0" * 64}, {"receivers": [officer], "sha256": "0" * 64},
        {"officer": stranger, "sha256": "0" * 64},
    ]  # fmt: skip
    for asked in wrong:
        with pytest.raises(ActionRefused):
            move(bank, **asked)
    for who in ("officer", "risk", "auditor", "operations"):
        with pytest.raises(NotAllowed):
            move(bank, by=who, sha256="0" * 64)
    assert not HandOver.objects.exists() and Entry.objects.count() == before
    assert Loan.objects.get(pk=bank.loans["home"].pk).portfolio_officer == officer


def test_what_changed_after_the_preview_is_refused(bank: Bank) -> None:
    people = {"officer": fresh(bank.staff["officer"]), "receivers": [fresh(bank.staff["colleague"])]}
    seen = handover.preview(**people, by=fresh(bank.staff["manager"]))
    book_loan(bank.home, officer=bank.staff["officer"])
    with pytest.raises(handover.HandOverStale):
        move(bank, sha256=seen.sha256)
    assert not HandOver.objects.exists()


def test_the_database_keeps_hand_overs(bank: Bank) -> None:
    made = move(bank)
    item = HandOverItem.objects.get(hand_over=made)
    for table in ("followups_handover", "followups_handoveritem"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - names of this test
    insert = (
        "INSERT INTO followups_handoveritem (hand_over_id, loan_id, from_officer_id, to_officer_id, tasks)"
        " VALUES (%s, %s, %s, %s, 0)"
    )
    for loan, giver in ((item.loan_id, item.from_officer_id), (bank.loans["other"].pk, item.to_officer_id)):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(insert, [made.pk, loan, giver, item.to_officer_id])
    assert HandOverItem.objects.count() == 1


def test_the_pages_lead_from_choice_to_the_printed_list(bank: Bank) -> None:
    client = Client()
    client.force_login(bank.staff["manager"], backend=BACKEND)
    officer, colleague = bank.staff["officer"].staff_no, bank.staff["colleague"].staff_no
    page = client.get("/hand-over/", {"officer": officer, "receiver": [colleague, "X"]})
    found = page.context["found"]
    assert found.loans_of(bank.staff["colleague"].pk) == 1
    typed = {"officer": officer, "receiver": [colleague], "content_sha256": found.sha256, "reason": "<i>离职移交</i>"}
    assert client.post("/hand-over/", {**typed, "content_sha256": ""}).status_code == 409
    done = client.post("/hand-over/", typed)
    assert done.status_code == 302
    text = client.get(done.headers["Location"]).content.decode()
    assert bank.loans["home"].loan_note_no in text and "&lt;i&gt;离职移交" in text
    other = make_staff("BRANCH_MANAGER", bank.other)
    stranger = Client()
    stranger.force_login(other, backend=BACKEND)
    assert stranger.get(done.headers["Location"]).status_code == 404
    assert client.post(f"{done.headers['Location']}reverse/", {"reason": "离职取消"}).status_code == 302
    assert HandOver.objects.filter(reverses__isnull=False).count() == 1
