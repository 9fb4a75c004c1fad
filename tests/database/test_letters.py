"""文书: made once a day and cause, kept as they were made; how they arrived is a fact that only another undoes."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from config.invariants import findings
from followups import actions
from followups.actions import ReasonMissing
from followups.actions.letters import (
    AlreadyDelivered,
    Asked,
    LetterRefused,
    LetterStands,
    NotDelivered,
    Withdrawn,
    WrongDelivery,
)
from followups.models import Letter, LetterDelivery, LetterKind, LetterWithdrawal, Measure, Method, VisitTask
from followups.queries.letters import letters_of, offers
from followups.queries.timeline import timeline
from journal.models import Entry, Exhibit
from journal.queries import exhibit_bytes
from loans.actions import ReceiptRow, charge_fee, post_receipts
from loans.models import BusinessDate, Loan
from loans.queries import loan_facts
from people.actions import NotAllowed
from people.actions.leave import enter_leave
from people.models import Role, Staff
from tests.database.test_visits import AT, TODAY, Road
from tests.factories import book_loan, make_staff

RECEIVED: dict[str, Any] = {"way": "IN_PERSON", "received_by": "BORROWER"}
DEMAND = Asked(LetterKind.DEMAND)


@pytest.fixture
def road(db: None) -> Road:
    """A loan in arrears with a visit in the field by two."""
    made = Road(method=Method.FIELD)
    made.loan = book_loan(made.branch, made.officer, days_past_due=40)
    second = make_staff("LOAN_OFFICER", made.branch, "白露")
    VisitTask.objects.filter(pk=made.task.pk).update(loan=made.loan, proposed_second=second)
    return made


def written() -> tuple[int, ...]:
    return tuple(table.objects.count() for table in (Entry, Letter, LetterDelivery, Exhibit))


def make(road: Road, asked: Asked = DEMAND, by: Any = None) -> tuple[Letter, bool]:
    return actions.make_letter(loan_id=road.loan.pk, asked=asked, by=by or road.officer, at=AT)


def deliver(road: Road, letter: Letter, **given: Any) -> LetterDelivery:
    said: dict[str, Any] = {"by": road.officer, "at": AT, **(given or RECEIVED)}
    return actions.deliver_letter(letter_id=letter.pk, **said)


def measure_of(kind: str = "NOTICE") -> tuple[Road, Measure]:
    """An approved report's open measure."""
    road = Road()
    words = {"code": kind, "owner": road.officer.staff_no, "due_on": "2026-11-20", "words": "补交租赁合同"}
    report = road.submit(conclusion="AT_RISK", conclusion_text="房屋已出租，须整改。", measures=[words])
    road.approve(report)
    return road, Measure.objects.get()


def test_a_demand_says_to_the_fen_what_the_loans_page_says(road: Road) -> None:
    maker = make_staff("OPERATIONS", road.branch)
    charge_fee(loan_id=road.loan.pk, code="COPY", amount=Decimal("80.00"), reason="补打合同副本", by=maker, at=AT)
    letter, is_new = make(road)
    loan = Loan.objects.select_related("position", "borrower").get(pk=road.loan.pk)
    facts = loan_facts(loan)
    assert is_new and facts.charges > 0 and facts.fees == Decimal("80.00")
    assert letter.total == facts.owed == Decimal(letter.content["total"])
    sums = letter.content["sums"]
    assert (sums["principal"], sums["interest"]) == (f"{facts.unpaid_principal}", f"{facts.unpaid_interest}")
    assert (sums["penalty"], sums["compound"]) == (f"{facts.penalty}", f"{facts.compound}")
    # The former system told 41 days; the oldest installment that it handed over was due twelve days ago.
    assert (facts.days_past_due, letter.content["days_past_due"]) == (41, "12")
    assert letter.content["overdue_since"] == min(row["due_on"] for row in letter.content["installments"])
    assert letter.number == f"TZ20261101{letter.pk:07d}" and letter.answer_by == TODAY + timedelta(days=10)
    kept = Letter.objects.select_related("pdf").get()
    assert exhibit_bytes(kept.pdf).startswith(b"%PDF-")
    said = json.dumps(kept.content, ensure_ascii=False)
    assert loan.borrower.name in said and loan.borrower.phone not in said and loan.borrower.id_no not in said
    (entry,) = Entry.objects.filter(kind="followups.letter_made")
    assert loan.borrower.name not in str(entry.data) and entry.data["pdf_sha256"] == kept.pdf.sha256


def test_the_same_of_the_same_day_is_the_same_letter_until_the_figures_change(road: Road) -> None:
    first, _new = make(road)
    before = written()
    assert make(road) == (first, False) == make(road, by=road.manager) and written() == before
    row = ReceiptRow(road.loan.loan_note_no, Decimal("100.00"), TODAY, "CORE", "L1")
    post_receipts(rows=[row], by="system", at=AT)
    before = written()
    with pytest.raises(LetterStands, match=first.number):
        make(road)
    assert written() == before, "two demands of one day that differ are not both to go out"
    actions.withdraw_letter(letter_id=first.pk, reason="客户当日部分还款", by=road.officer, at=AT)
    again, is_new = make(road)
    assert is_new and again.total is not None and first.total is not None
    assert again.total < first.total and again.number != first.number
    assert [each.letter.pk for each in letters_of(road.loan.pk)] == [again.pk, first.pk]


def test_who_has_no_business_with_a_loan_makes_no_letter_of_it(road: Road) -> None:
    on_time, stranger = book_loan(road.branch, road.officer), Road().officer
    colleague, auditor = make_staff("LOAN_OFFICER", road.branch), make_staff("AUDITOR", road.branch)
    before = written()
    with pytest.raises(LetterRefused, match="没有逾期"):
        actions.make_letter(loan_id=on_time.pk, asked=DEMAND, by=road.officer, at=AT)
    with pytest.raises(LetterRefused, match="周楠管户"):
        make(road, by=colleague)
    with pytest.raises(NotAllowed):
        make(road, by=auditor)
    with pytest.raises(Loan.DoesNotExist):
        make(road, by=stranger)
    for day in (TODAY + timedelta(days=2), TODAY + timedelta(days=61)):
        with pytest.raises(LetterRefused) as refused:
            make(road, DEMAND._replace(answer_by=day))
        assert refused.value.field == "answer_by"
    with pytest.raises(LetterRefused):
        make(road, Asked("POSTCARD"))
    assert written() == before


def test_a_notice_names_who_comes_on_a_day_not_after_the_visit_is_due(road: Road) -> None:
    asked = Asked(LetterKind.NOTICE, task_id=road.task.pk)
    letter, _new = make(road, asked)
    elsewhere = Road().task
    assert letter.answer_by == road.task.due_on and letter.task == road.task and letter.total is None
    assert [one["name"] for one in letter.content["visitors"]] == ["周楠", "白露"]
    assert letter.content["places"] == ["江城市滨江区悦府路1号6栋1803室"]
    before = written()
    for day, code in ((TODAY - timedelta(days=1), "past"), (road.task.due_on + timedelta(days=1), "after_due")):
        with pytest.raises(LetterRefused) as refused:
            make(road, asked._replace(answer_by=day))
        assert refused.value.code == code
    VisitTask.objects.update(proposed_second=None)
    with pytest.raises(LetterRefused) as refused:
        make(road, asked)
    assert refused.value.code == "visitors_missing"
    VisitTask.objects.update(method=Method.PHONE)
    with pytest.raises(LetterRefused) as refused:
        make(road, asked)
    assert refused.value.code == "not_in_the_field"
    with pytest.raises(LetterRefused):
        make(road, Asked(LetterKind.NOTICE, task_id=elsewhere.pk))
    VisitTask.objects.filter(pk=road.task.pk).update(state="CANCELLED", outcome="SKIPPED", closed_on=TODAY)
    with pytest.raises(actions.TaskAlreadyEnded):
        make(road, asked)
    assert written() == before


def test_a_rectification_comes_only_from_an_open_measure_that_asks_for_it(db: None) -> None:
    road, measure = measure_of()
    (offer,) = offers(road.loan, road.officer, TODAY).rectifications
    assert offer.answer_by == date(2026, 11, 20) == measure.due_on
    asked = Asked(LetterKind.RECTIFY, measure_id=measure.pk, found="房屋已出租，未告知本行。", asked="补交租赁合同。")
    letter, _new = make(road, asked)
    colleague = make_staff("LOAN_OFFICER", road.branch)
    assert (letter.measure, letter.answer_by, letter.content["found"]) == (measure, measure.due_on, asked.found)
    before = written()
    wrong = ({"found": "短"}, {"asked": "请致电 13900002206 办理"}, {"found": "不整改就曝光您的情况"})
    for given in wrong:
        with pytest.raises(LetterRefused) as refused:
            make(road, asked._replace(**given))
        assert refused.value.field in given
    with pytest.raises(actions.MeasureWrong):
        make(road, asked, by=colleague)
    with pytest.raises(LetterRefused):
        make(road, Asked(LetterKind.RECTIFY))
    assert written() == before
    actions.end_measure(measure_id=measure.pk, is_done=True, words="合同已补交", by=road.officer, at=AT)
    with pytest.raises(actions.MeasureWrong):
        make(road, asked)
    assert offers(road.loan, road.officer, TODAY).rectifications == ()


def test_another_measure_asks_for_no_letter(db: None) -> None:
    road, measure = measure_of("PROOF")
    asked = Asked(LetterKind.RECTIFY, measure_id=measure.pk, found="房屋已出租，未告知。", asked="补交租赁合同。")
    with pytest.raises(LetterRefused) as refused:
        make(road, asked)
    assert refused.value.code == "measure_asks_for_none" and not Letter.objects.exists()
    assert not offers(road.loan, road.officer, TODAY).are_any


def test_a_delivery_is_a_fact_that_only_another_undoes(road: Road) -> None:
    letter, _new = make(road)
    returned = deliver(road, letter, way="RETURNED", words="原址查无此人")
    made = deliver(road, letter)
    (row,) = letters_of(road.loan.pk)
    assert row.deliveries == (returned, made) and row.standing == made
    before = written()
    with pytest.raises(AlreadyDelivered):
        deliver(road, letter, way="REFUSED", witnesses="周正、王敏", words="当面拒收")
    assert written() == before
    undone = actions.undo_delivery(letter_id=letter.pk, reason="登记错了文书", by=road.officer, at=AT)
    assert undone.undoes == made
    (row,) = letters_of(road.loan.pk)
    assert row.standing == returned
    deliver(road, letter, way="LEFT", witnesses="周正 王敏", words="留在门内，已拍照")
    (row,) = letters_of(road.loan.pk)
    assert row.standing is not None and row.standing.witnesses == "周正、王敏"
    told = [each.text for each in timeline(road.loan) if "催收通知书" in each.text]
    assert len(told) == 5 and "制作逾期催收通知书" in told and "逾期催收通知书：留置送达，2026-11-01" in told
    for statement in (
        "UPDATE followups_letterdelivery SET words = 'x'", "DELETE FROM followups_letterdelivery",
        "UPDATE followups_letter SET content = '{}'", "DELETE FROM followups_letter",
    ):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert {each.code for each in findings() if not each.is_ok} & {"history_is_guarded"} == set()


def test_a_letter_that_should_not_go_out_is_withdrawn_once_and_for_good(road: Road) -> None:
    letter, _new = make(road)
    stranger = Road().officer
    before = written()
    for reason in ("", "错"):
        with pytest.raises(ReasonMissing):
            actions.withdraw_letter(letter_id=letter.pk, reason=reason, by=road.officer, at=AT)
    with pytest.raises(Letter.DoesNotExist):
        actions.withdraw_letter(letter_id=letter.pk, reason="期限写错了", by=stranger, at=AT)
    assert written() == before
    made = actions.withdraw_letter(letter_id=letter.pk, reason="期限写错了", by=road.officer, at=AT)
    (row,) = letters_of(road.loan.pk)
    assert row.withdrawal == made and not row.may_be_delivered
    before = written()
    with pytest.raises(Withdrawn):
        actions.withdraw_letter(letter_id=letter.pk, reason="期限写错了", by=road.officer, at=AT)
    with pytest.raises(Withdrawn):
        deliver(road, letter)
    with pytest.raises(LetterRefused, match="完全相同"):
        make(road)
    assert written() == before
    other, is_new = make(road, Asked(LetterKind.DEMAND, answer_by=TODAY + timedelta(days=12)))
    assert is_new and other.pk != letter.pk
    assert Entry.objects.filter(kind="followups.letter_withdrawn", loan_id=road.loan.pk).count() == 1
    assert any("作废逾期催收通知书" in row.text for row in timeline(road.loan))
    with pytest.raises(DatabaseError), transaction.atomic():
        LetterWithdrawal.objects.filter(pk=made.pk).update(reason="另有原因")


def test_a_letter_that_arrived_is_not_withdrawn_one_that_came_back_may_be(road: Road) -> None:
    letter, _new = make(road)
    deliver(road, letter)
    with pytest.raises(AlreadyDelivered):
        actions.withdraw_letter(letter_id=letter.pk, reason="期限写错了", by=road.officer, at=AT)
    actions.undo_delivery(letter_id=letter.pk, reason="登记错了文书", by=road.officer, at=AT)
    deliver(road, letter, way="RETURNED", words="查无此人")
    assert actions.withdraw_letter(letter_id=letter.pk, reason="地址已变，另行送达", by=road.officer, at=AT)


def test_what_came_back_is_kept_once_and_arrives_no_earlier(road: Road) -> None:
    letter, _new = make(road)
    back = {"way": "RETURNED", "words": "原址查无此人"}
    later = TODAY + timedelta(days=5)
    BusinessDate.objects.update(day=later)
    deliver(road, letter, **back, delivered_on=TODAY + timedelta(days=3))
    before = written()
    with pytest.raises(AlreadyDelivered):
        deliver(road, letter, **back, delivered_on=TODAY + timedelta(days=3))
    with pytest.raises(WrongDelivery, match="2026-11-04") as refused:
        deliver(road, letter, **RECEIVED, delivered_on=TODAY + timedelta(days=2))
    assert refused.value.field == "delivered_on" and written() == before
    deliver(road, letter, **RECEIVED, delivered_on=later)
    assert letters_of(road.loan.pk)[0].standing is not None


def test_a_notice_names_who_stands_in_on_the_day_of_the_visit(road: Road) -> None:
    deputy = make_staff("LOAN_OFFICER", road.branch, "秦川")
    due = road.task.due_on
    enter_leave(staff=road.officer, first=due, last=due, deputy=deputy, reason="病假", by=road.officer, at=AT)
    asked = Asked(LetterKind.NOTICE, task_id=road.task.pk)
    letter, _new = make(road, asked)
    assert [one["staff_no"] for one in letter.content["visitors"]][0] == deputy.staff_no
    actions.withdraw_letter(letter_id=letter.pk, reason="改早一天走访", by=road.officer, at=AT)
    earlier, _new = make(road, asked._replace(answer_by=due - timedelta(days=1)))
    assert [one["staff_no"] for one in earlier.content["visitors"]][0] == road.officer.staff_no


def test_who_goes_along_takes_the_notice_that_names_them(road: Road) -> None:
    permissions = ["loans.view", "followups.view", "followups.record_visit"]
    role = Role.objects.create(code="ALONG", name="协办", scope="BRANCH", permissions=permissions)
    second = VisitTask.objects.get(pk=road.task.pk).proposed_second
    colleague = make_staff("LOAN_OFFICER", road.branch)
    assert second is not None
    for one in (second, colleague):
        one.roles.set([role])
    second, colleague = (Staff.objects.get(pk=one.pk) for one in (second, colleague))
    letter, _new = make(road, Asked(LetterKind.NOTICE, task_id=road.task.pk))
    assert actions.hand_out_letter(letter=letter, by=second, at=AT).startswith(b"%PDF-")
    with pytest.raises(NotAllowed):
        actions.hand_out_letter(letter=letter, by=colleague, at=AT)


def test_what_cannot_have_arrived_is_refused_and_changes_nothing(road: Road) -> None:
    letter, _new = make(road)
    colleague, auditor = make_staff("LOAN_OFFICER", road.branch), make_staff("AUDITOR", road.branch)
    stranger = Road().officer
    before = written()
    for given, field in (
        ({**RECEIVED, "delivered_on": TODAY - timedelta(days=1)}, "delivered_on"),
        ({**RECEIVED, "delivered_on": TODAY + timedelta(days=1)}, "delivered_on"),
        ({"way": "IN_PERSON", "received_by": "NEIGHBOR"}, "received_by"),
        ({"way": "REFUSED", "witnesses": "周正", "words": "当面拒收"}, "witnesses"),
        ({**RECEIVED, "words": "\u202e反写"}, "words"),
    ):
        with pytest.raises(WrongDelivery) as refused:
            deliver(road, letter, **given)
        assert refused.value.field == field
    with pytest.raises(NotDelivered):
        actions.undo_delivery(letter_id=letter.pk, reason="登记错了文书", by=road.officer, at=AT)
    with pytest.raises(LetterRefused):
        deliver(road, letter, **RECEIVED, by=colleague)
    with pytest.raises(NotAllowed):
        deliver(road, letter, **RECEIVED, by=auditor)
    with pytest.raises(Letter.DoesNotExist):
        deliver(road, letter, **RECEIVED, by=stranger)
    assert written() == before


def test_the_database_refuses_a_letter_twice_or_without_cause_and_a_delivery_that_says_nothing(road: Road) -> None:
    letter, _new = make(road)
    columns = "loan_id, kind, answer_by, total, content, content_sha256, pdf_id, made_by_id, made_at, business_date"
    copy = f"INSERT INTO followups_letter ({columns}) SELECT {columns} FROM followups_letter"
    other = copy.replace("SELECT loan_id, kind, answer_by, total, content, content_sha256", "SELECT {}")
    told = "INSERT INTO followups_letterdelivery (letter_id, way, delivered_on, received_by, witnesses, words, by_id, at, business_date) "  # noqa: E501
    end = f"{road.officer.pk}, now(), '2026-11-01')"
    bad = (
        copy,
        other.format("loan_id, kind, answer_by, NULL, content, 'x'"),
        other.format("loan_id, 'NOTICE', answer_by, NULL, content, 'x'"),
        other.format("loan_id, kind, business_date - 1, total, content, 'x'"),
        f"{told} VALUES ({letter.pk}, 'IN_PERSON', NULL, 'BORROWER', '', '', {end}",
        f"{told} VALUES ({letter.pk}, 'IN_PERSON', '2026-11-02', 'BORROWER', '', '', {end}",
        f"{told} VALUES ({letter.pk}, 'IN_PERSON', '2026-11-01', '', '', '', {end}",
        f"{told} VALUES ({letter.pk}, 'REFUSED', '2026-11-01', '', '', 'x', {end}",
        f"{told} VALUES ({letter.pk}, 'PIGEON', '2026-11-01', '', '', 'x', {end}",
    )
    for statement in bad:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    with connection.cursor() as cursor:
        cursor.execute(other.format("loan_id, kind, answer_by, total, content, 'x'"))
    assert Letter.objects.count() == 2
