"""Levelling brings no visit before the window of a first follow-up that it does along."""

from datetime import timedelta

import pytest

from followups.batch.talks import merge_talks
from followups.models import VisitTask
from tests.database.test_sharing import MONDAY, TODAY, Network, share
from tests.database.test_visits import make_task
from tests.factories import AT, book_loan

pytestmark = pytest.mark.django_db


def test_a_first_talk_done_along_is_not_held_before_its_window() -> None:
    network = Network()
    due = MONDAY + timedelta(days=24)
    window = MONDAY + timedelta(days=21)
    lead = network.tasks(1, kind="IRREGULAR", rule="TEST", method="FIELD", opens_on=TODAY, due_on=due)[0]
    more = book_loan(network.branch, network.officer, borrower=lead.loan.borrower)
    first = make_task(
        more, network.officer, kind="FIRST", rule="FIRST", opens_on=window, due_on=due + timedelta(days=9)
    )
    assert merge_talks(as_of=TODAY, at=AT, loan_ids=[lead.loan_id])["merged"] == 1
    assert VisitTask.objects.get(pk=lead.pk).due_on == due
    network.tasks(12, opens_on=window, due_on=due)
    share()
    assert VisitTask.objects.get(pk=lead.pk).due_on >= window
    assert merge_talks(as_of=TODAY, at=AT, loan_ids=[lead.loan_id]) == {"merged": 0, "unmerged": 0}
    assert VisitTask.objects.get(pk=first.pk).opens_on == window
