"""S2.15: handing in a visit scores the loan again, from old to new, and keeps what it rests on."""

from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from collateral.models import Charge, Property
from followups import actions
from followups.models import Event, EventFinding, Visit, VisitReport
from followups.queries.score import last_ratios, reports_of, score_shown
from followups.rules import checklist
from people.models import FinancialProfile
from risk.models import Score, ScorePolicy, Signal
from risk.queries import score_lines
from risk.rules.score import facts_from, score
from tests.database.test_visits import TODAY, Road, changed, filled, make_task
from tests.factories import AT

pytestmark = pytest.mark.django_db


@pytest.fixture
def road(db: None) -> Road:
    """A borrower who earned 20,000 when the bank first asked, of a registered home in good order."""
    road = Road()
    FinancialProfile.objects.create(
        party=road.loan.borrower, known_on=date(2023, 1, 20), source="TAPE", monthly_income=20000, employer="旧单位",
        other_monthly_debt=0,
    )  # fmt: skip
    Charge.objects.filter(loan=road.loan).update(kind="FORMAL")
    Property.objects.filter(charges__loan=road.loan).update(insured_until=TODAY + timedelta(days=90))
    return road


def parts(said: dict[str, Any]) -> dict[str, tuple[int | None, int]]:
    return {part["code"]: (part["before"], part["points"]) for part in said["parts"]}


def halved(road: Road) -> VisitReport:
    return road.submit(monthly_income=changed("8000.00"), conclusion_text="收入下降，已核对流水，约定下月复查。")


def again(road: Road, cycle: str = "2") -> Road:
    road.task = make_task(road.loan, road.officer, cycle=cycle)
    return road


def test_a_halved_income_lowers_the_score_part_by_part(road: Road) -> None:
    """20,000 became 8,000: the installment weighs more, and income is down by 60 %."""
    content = halved(road).content
    said, before = content["score"], content["score"]["before"]
    ratios = {ratio["code"]: Decimal(ratio["after"]) for ratio in content["ratios"]}
    assert Decimal(said["facts"]["debt_service"]) == ratios["debt_to_income"]
    assert parts(said) == {
        "DEBT_SERVICE": (15, 4), "PAYMENT_RECORD": (20, 20), "WORK_AND_INCOME": (10, 0), "BUREAU": (5, 5),
        "LOAN_TO_VALUE": (15, 15), "REGISTRATION": (8, 8), "CONDITION": (2, 4), "INSURANCE": (3, 3),
        "AREA": (5, 5), "PROJECT": (10, 10),
    }  # fmt: skip
    assert (before["points"], said["points"], said["change"], before["on"]) == (93, 74, -19, "")
    assert (before["level"]["code"], said["level"]["code"]) == ("LOW", "MEDIUM")


def test_what_is_kept_gives_the_same_score_again(road: Road) -> None:
    report = halved(road)
    kept = Score.objects.get(report_id=report.pk)
    version, lines = score_lines(TODAY)
    found = score(facts_from(kept.facts), lines)
    assert (kept.policy_version, kept.points, kept.level) == (version, found.points, found.level)
    assert kept.parts == [asdict(part) for part in found.parts]
    assert (kept.visit_id, kept.scored_by, kept.scored_on) == (report.visit_id, road.officer.staff_no, TODAY)
    for change in (lambda: Score.objects.update(points=100), lambda: Score.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_the_next_visit_compares_with_the_last_score_and_what_stayed_bad_stays_so(road: Road) -> None:
    first = halved(road)
    road.approve(first)
    said = again(road).submit(conclusion_text="收入未恢复，按期还款，继续关注。").content["score"]
    assert (said["before"]["points"], said["before"]["on"]) == (74, TODAY.isoformat())
    assert (said["points"], said["change"]) == (74, 0)
    assert parts(said)["WORK_AND_INCOME"] == (0, 0)
    assert Score.objects.filter(loan=road.loan).count() == 2


# S2.15
def test_ratios_stand_beside_those_of_the_last_report(road: Road) -> None:
    """The home lost half its value between two visits; handed in again the second compares with the first still."""
    first = halved(road)
    road.approve(first)
    before = {ratio["code"]: ratio["after"] for ratio in first.content["ratios"]}
    Property.objects.filter(charges__loan=road.loan).update(value=1000000)
    second = again(road).submit(conclusion_text="房价下跌，抵押率上升，按期还款，继续关注。")
    found = {ratio["code"]: ratio for ratio in second.content["ratios"]}
    assert {code: ratio["before"] for code, ratio in found.items()} == before
    assert found["loan_to_value"]["change"] == str(Decimal(before["loan_to_value"] or 0)) != "0.0"
    road.approve(second)
    assert last_ratios(reports_of(road.loan.pk), but_visit=second.visit_id) == {
        code: Decimal(after) for code, after in before.items() if after is not None
    }


def test_a_later_version_of_the_report_keeps_its_own_score_and_compares_with_the_visit_before(road: Road) -> None:
    report = halved(road)
    actions.return_report(
        report_id=report.pk, content_sha256=report.content_sha256, code="OTHER",
        reason="请补充收入证明后重新提交。", sections=["income"], by=road.manager, at=AT,
    )  # fmt: skip
    visit = Visit.objects.get(task=road.task)
    draft = filled(visit, monthly_income=changed("18000.00"), conclusion_text="补充流水后核实为一万八千元。")
    road.task.refresh_from_db()
    second = actions.submit_visit(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
    said = second.content["score"]
    assert (second.version, said["before"]["points"], said["before"]["on"]) == (2, 93, "")
    assert [row.points for row in Score.objects.order_by("id")] == [74, said["points"]]


def test_what_is_not_approved_yet_is_nobodys_last_score(road: Road) -> None:
    """Of two visits at once the one handed in again compares with what stood before it, not with the later one."""
    first, task = halved(road), road.task
    assert score_shown(road.loan.pk) is None
    later = again(road).submit(conclusion_text="收入未恢复，按期还款，继续关注。")
    assert later.content["score"]["before"]["on"] == ""
    road.approve(later)
    shown = score_shown(road.loan.pk)
    assert shown is not None and shown["report_id"] == later.pk
    actions.return_report(
        report_id=first.pk, content_sha256=first.content_sha256, code="OTHER",
        reason="请补充收入证明后重新提交。", sections=["income"], by=road.manager, at=AT,
    )  # fmt: skip
    road.task, visit = task, Visit.objects.get(task=task)
    draft = filled(visit, monthly_income=changed("18000.00"), conclusion_text="补充流水后核实为一万八千元。")
    second = actions.submit_visit(task_id=task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
    assert second.content["score"]["before"] == first.content["score"]["before"]


@pytest.mark.parametrize(("months", "counts"), [(11, True), (13, False)])
def test_a_development_counts_twelve_months_from_the_day_it_was_confirmed(
    road: Road, months: int, counts: bool
) -> None:
    report = road.approve(road.submit())
    told = TODAY - timedelta(days=31 * (months + 6))
    event = Event.objects.create(
        loan=road.loan, subject="CUSTOMER", customer=road.loan.borrower, code="JOB_LOSS", level=2, happened_on=told,
        known_on=told, source="STAFF", external_id="1", is_baseline=True, content_sha256="0" * 64, recorded_by="A",
        at=AT,
    )  # fmt: skip
    EventFinding.objects.create(
        event=event, finding="CONFIRMED", report=report, recorded_by="A", at=AT,
        business_date=TODAY - timedelta(days=round(30.4 * months)),
    )  # fmt: skip
    said = again(road).submit(conclusion_text="失业情况未变，按期还款。").content["score"]
    assert (said["facts"]["work"] == "LOST") is counts


def test_a_red_signal_makes_it_high_whatever_the_points(road: Road) -> None:
    Signal.objects.create(
        loan=road.loan, family="EVENT_DEATH", code="EVENT_DEATH", level=1, policy_version=1, line_number=16, inputs={},
        source="VALUATION", occasion="test", raised_on=TODAY, raised_at=AT, raised_by="system", answer_by=TODAY,
    )  # fmt: skip
    said = road.submit(conclusion_text="借款人身故传闻已核对，家属配合。").content["score"]
    assert (said["level"]["code"], said["is_forced"], said["points"] > 80) == ("HIGH", True, True)
    kept = Score.objects.get()
    assert (kept.level, kept.is_forced) == ("HIGH", True)


def test_a_preview_writes_no_score_and_shows_the_one_that_would_be(road: Road) -> None:
    visit = road.start()
    draft = filled(visit, monthly_income=changed("8000.00"))
    found = actions.preview(task_id=road.task.pk, draft=draft, by=road.officer)
    assert found.content["score"]["points"] == 74
    assert not Score.objects.exists()


def test_a_visit_of_unknown_means_scores_what_is_unknown_as_such(db: None) -> None:
    road = Road()
    visit = road.start()
    said = actions.preview(task_id=road.task.pk, draft={"answers": {}}, by=road.officer).content["score"]
    known = {part["code"]: part["inputs"] for part in said["parts"]}
    assert known["DEBT_SERVICE"] == {} and "work" not in known["WORK_AND_INCOME"]
    assert parts(said)["DEBT_SERVICE"] == (8, 8)
    assert checklist.items_for(road.task.kind, visit.method, visit.checklist.items)


def test_a_bank_without_a_score_policy_makes_reports_without_scores(road: Road) -> None:
    policy = ScorePolicy.objects.get()
    policy.lines.all().delete()
    policy.delete()
    report = road.submit()
    assert report.content["score"] is None and not Score.objects.exists()
    assert score_shown(road.loan.pk) is None


def test_the_loans_page_of_signals_shows_the_last_score_with_its_parts(road: Road) -> None:
    report = road.approve(road.submit())
    said, shown = report.content["score"], score_shown(road.loan.pk)
    assert shown is not None
    assert (shown["points"], shown["report_id"], len(shown["parts"])) == (said["points"], report.pk, 10)
