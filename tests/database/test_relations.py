"""配偶与共同借款人: told by identity number, their tasks are done in one talk."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from followups.actions import merging
from followups.actions.relations import tell_relation, withdraw_relation
from followups.models import Visit
from followups.queries.merging import companions
from journal.models import Entry
from people.actions import NotAllowed
from people.actions.relations import RelationRefused
from people.models import PartyRelation
from tests.database.test_merging import Household
from tests.database.test_visits import AT, TODAY, make_task
from tests.factories import book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db


class Couple(Household):
    """Husband and wife, each with a loan and a visit due within 45 days of the other's."""

    def __init__(self) -> None:
        super().__init__()
        self.wife = book_loan(self.branch, self.officer)
        self.hers = make_task(self.wife, self.officer)
        self.auditor = make_staff("AUDITOR", self.branch)

    def tell(self, by: Any = None, kind: str = "SPOUSE", id_no: str = "") -> PartyRelation:
        number = id_no or self.wife.borrower.id_no
        return tell_relation(loan_id=self.loan.pk, id_no=number, kind=kind, by=by or self.officer, at=AT)


@pytest.fixture
def couple(db: None) -> Couple:
    return Couple()


def test_the_spouses_task_is_offered_once_the_two_are_known_to_belong_together(couple: Couple) -> None:
    assert couple.hers not in companions(couple.lead, couple.officer)
    relation = couple.tell()
    assert couple.hers in companions(couple.lead, couple.officer)
    assert couple.lead in companions(couple.hers, couple.officer)
    assert couple.tell() == relation and PartyRelation.objects.count() == 1
    told = Entry.objects.get(kind="people.relation_entered")
    assert couple.wife.borrower.id_no not in str(told.data) and told.loan_id == couple.loan.pk
    withdraw_relation(loan_id=couple.wife.pk, relation_id=relation.pk, by=couple.officer, at=AT)
    relation.refresh_from_db()
    assert relation.ended_on == TODAY and couple.hers not in companions(couple.lead, couple.officer)


def test_one_talk_with_a_joint_report_closes_both(couple: Couple) -> None:
    couple.tell()
    merging.merge_tasks(lead_id=couple.lead.pk, task_ids=[couple.hers.pk], mode="JOINT", by=couple.officer, at=AT)
    couple.approve(couple.submit())
    couple.hers.refresh_from_db()
    assert (couple.hers.state, couple.hers.outcome) == ("CLOSED", "APPROVED")


def test_with_a_report_each_nothing_he_said_of_himself_stands_in_hers(couple: Couple) -> None:
    couple.tell()
    merging.merge_tasks(lead_id=couple.lead.pk, task_ids=[couple.hers.pk], mode="EACH", by=couple.officer, at=AT)
    couple.submit()
    own = Visit.objects.get(task=couple.hers)
    assert own.draft["answers"] == {} and own.draft["contact_outcome"] == "REACHED"


def test_a_stranger_another_branch_and_a_wrong_number_are_refused_alike(couple: Couple) -> None:
    away = make_branch()
    foreign = book_loan(away, make_staff("LOAN_OFFICER", away))
    before = (PartyRelation.objects.count(), Entry.objects.count())
    words = set()
    for number in (foreign.borrower.id_no, "420106199001011234", "x", "<b>"):
        with pytest.raises(RelationRefused) as refused:
            couple.tell(id_no=number)
        words.add(refused.value.message)
    for wrong in ({"kind": "COUSIN"}, {"id_no": couple.loan.borrower.id_no}):
        with pytest.raises(RelationRefused):
            couple.tell(**wrong)
    with pytest.raises(NotAllowed):
        tell_relation(loan_id=couple.loan.pk, id_no=couple.wife.borrower.id_no, kind="SPOUSE",
                      by=couple.auditor, at=AT)  # fmt: skip
    assert len(words) == 1 and (PartyRelation.objects.count(), Entry.objects.count()) == before


def test_the_task_page_tells_and_ends_it(couple: Couple) -> None:
    client, path = Client(), f"/tasks/{couple.lead.pk}/"
    client.force_login(couple.officer)
    client.post(f"{path}relations/", {"kind": "SPOUSE", "id_no": f" {couple.wife.borrower.id_no.lower()} "})
    shown = client.get(path).content.decode()
    assert "配偶" in shown and couple.wife.borrower.name in shown and couple.hers.number in shown
    client.post(f"{path}relations/", {"end": str(PartyRelation.objects.get().pk)})
    assert couple.hers.number not in client.get(path).content.decode()


def test_the_database_keeps_one_row_for_two_people(couple: Couple) -> None:
    couple.tell()
    with_rows = (
        "INSERT INTO people_partyrelation (party_id, other_id, kind, known_on, ended_on, entered_by_id, at) SELECT "
    )
    for bad in (
        f"{with_rows} party_id, other_id, kind, known_on, ended_on, entered_by_id, at FROM people_partyrelation",
        f"{with_rows} other_id, party_id, kind, known_on, ended_on, entered_by_id, at FROM people_partyrelation",
        f"{with_rows} party_id, other_id, 'COUSIN', known_on, ended_on, entered_by_id, at FROM people_partyrelation",
        "UPDATE people_partyrelation SET ended_on = known_on - 1",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(bad)
    assert PartyRelation.objects.count() == 1
