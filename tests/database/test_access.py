"""Who sees which loans: officers their branch, managers their subtree, administrators none."""

import pytest

from loans.models import Loan
from people import actions
from people.queries import branch_ids_visible_to, may
from tests.factories import AT, book_loan, make_branch, make_staff


@pytest.fixture
def tree(db):
    city = make_branch("C1")
    east, west = make_branch("E1", city), make_branch("W1", city)
    return {"city": city, "east": east, "west": west, "east_loan": book_loan(east), "west_loan": book_loan(west)}


@pytest.mark.parametrize(
    ("role", "branch", "sees"),
    [
        ("LOAN_OFFICER", "east", {"east_loan"}),
        ("LOAN_OFFICER", "city", set()),
        ("BRANCH_MANAGER", "city", {"east_loan", "west_loan"}),
        ("BRANCH_MANAGER", "west", {"west_loan"}),
        ("RISK_MANAGER", "west", {"east_loan", "west_loan"}),
        ("AUDITOR", "city", {"east_loan", "west_loan"}),
        ("ADMINISTRATOR", "city", set()),
    ],
)
def test_a_role_sees_the_loans_of_its_scope(tree, role: str, branch: str, sees: set[str]) -> None:
    staff = make_staff(role, tree[branch])
    visible = set(Loan.objects.visible_to(staff).values_list("pk", flat=True))
    assert visible == {tree[name].pk for name in sees}


def test_an_inactive_person_sees_nothing_and_may_nothing(tree) -> None:
    staff = make_staff("AUDITOR", tree["city"])
    staff.is_active = False
    assert branch_ids_visible_to(staff) == []
    assert not may(staff, "loans.view")


def test_a_branch_code_that_begins_like_another_is_not_below_it(db) -> None:
    short, long = make_branch("77"), make_branch("777")
    loan = book_loan(long)
    assert loan not in Loan.objects.visible_to(make_staff("BRANCH_MANAGER", short))


def test_a_reveal_needs_permission_and_reason_and_is_recorded(tree) -> None:
    from journal.models import Entry

    loan, officer = tree["east_loan"], make_staff("LOAN_OFFICER", tree["east"])
    arguments = {"party_id": loan.borrower_id, "loan_id": loan.pk, "field": "phone", "at": AT}
    with pytest.raises(actions.NotAllowed):
        actions.reveal(**arguments, reason="客户来电核对", by=make_staff("AUDITOR", tree["city"]))
    with pytest.raises(actions.ReasonTooShort):
        actions.reveal(**arguments, reason=" 看 ", by=officer)
    assert not Entry.objects.filter(kind="people.revealed").exists()
    assert actions.reveal(**arguments, reason="客户来电核对", by=officer) == loan.borrower.phone
    entry = Entry.objects.get(kind="people.revealed")
    assert (entry.actor, entry.data) == (officer.staff_no, {"field": "phone", "reason": "客户来电核对"})


@pytest.mark.parametrize("reason", ["\x00" * 5, "客户来电\x00", "\u202e" * 5, "核" * 201, "客户来电\u200b核对"])
def test_a_reveal_needs_a_reason_that_can_be_read_and_kept_whole(tree, reason: str) -> None:
    from journal.models import Entry

    loan, officer = tree["east_loan"], make_staff("LOAN_OFFICER", tree["east"])
    before = Entry.objects.count()
    with pytest.raises((actions.ReasonTooShort, actions.ReasonWrong)) as refusal:
        actions.reveal(party_id=loan.borrower_id, loan_id=loan.pk, field="phone", reason=reason, by=officer, at=AT)
    assert refusal.value.field == "reason" and Entry.objects.count() == before
