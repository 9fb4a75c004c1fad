"""Who may join a visit, read its report and take its PDF; and what a reviewer is told about a wrong word."""

import pytest
from django.http import QueryDict

from collateral.models import Property
from followups import actions, queries
from followups.actions import refusals
from followups.forms import DecisionForm, ReturnForm
from followups.models import Visit
from followups.rules.report import content_sha256
from journal.models import Entry
from people.actions import NotAllowed
from tests.database.test_visits import Road, changed, written
from tests.factories import AT, make_branch, make_staff


@pytest.fixture
def road(db: None) -> Road:
    return Road()


def test_a_second_visitor_is_one_of_those_the_page_offers(db: None) -> None:
    road = Road(method="FIELD")
    stranger = make_staff("LOAN_OFFICER", make_branch(), "外支行")
    left = make_staff("LOAN_OFFICER", road.branch)
    type(left).objects.filter(pk=left.pk).update(is_active=False)
    said = set()
    for staff_no in (stranger.staff_no, left.staff_no, road.manager.staff_no, road.officer.staff_no, "NOBODY"):
        with pytest.raises(refusals.SecondVisitorWrong) as refusal:
            road.submit(second_visitor=staff_no)
        said.add(refusal.value.message)
    assert len(said) == 1, "the sentence does not tell whether there is such a number"
    draft = {"second_visitor": stranger.staff_no}
    seen = actions.preview(task_id=road.task.pk, draft=draft, by=road.officer)
    assert [each["role"] for each in seen.content["opinions"]] == ["lead"], "nor does the preview"
    road.submit(second_visitor=make_staff("LOAN_OFFICER", road.branch).staff_no)


def test_what_a_visit_found_of_a_person_is_on_the_loans_timeline(road: Road) -> None:
    road.approve(road.submit(phone=changed("19900000881"), employer=changed("江城市安达物流有限公司")))
    for kind in ("people.phone_changed", "people.profile_recorded"):
        assert Entry.objects.get(kind=kind).loan_id == road.loan.pk
    assert "联系电话变更" in [row.text for row in queries.timeline(road.loan)]


def test_an_off_site_check_waits_for_the_systems_evidence(db: None) -> None:
    road = Road(method="OFF_SITE")
    before = written()
    with pytest.raises(refusals.WrongState, match="取证"):
        road.start()
    assert written() == before and not Visit.objects.exists()


def test_only_those_who_may_know_read_name_and_address(db: None) -> None:
    road = Road()
    home = Property.objects.get(charges__loan=road.loan).address
    moved = "江城市高新区光谷路88号2栋401室"
    report = road.submit(
        address=changed(moved), conclusion="WATCH", conclusion_text=f"孙丽华已搬到{moved}，原住{home}。"
    )
    colleague, risk = make_staff("LOAN_OFFICER", road.branch), make_staff("RISK_MANAGER", road.branch.parent)
    auditor = make_staff("AUDITOR", road.branch.parent)
    readers = {"own": road.officer, "manager": road.manager, "risk": risk, "auditor": auditor, "colleague": colleague}

    def open_to() -> set[str]:
        found = set()
        for who, staff in readers.items():
            text = str(queries.content_for(report, staff))
            hidden = [secret not in text for secret in ("孙丽华", moved, home, "光谷路", "悦府路")]
            assert all(hidden) or not any(hidden), who
            found |= set() if all(hidden) else {who}
        return found

    assert open_to() == {"own", "manager", "risk"}, "who must decide reads all"
    road.approve(report)
    report.refresh_from_db()
    assert open_to() == {"own"}
    assert content_sha256(report.content) == report.content_sha256, "what is stored stays whole"


def test_the_pdf_is_taken_by_those_who_may_know_and_recorded(road: Road) -> None:
    report = road.approve(road.submit())
    nobody = make_staff("OPERATIONS", road.branch)
    with pytest.raises(NotAllowed):
        actions.hand_out_pdf(report=report, by=nobody, at=AT)
    assert not Entry.objects.filter(kind="followups.report_handed_out").exists()
    for person in (road.officer, road.manager, make_staff("AUDITOR", road.branch)):
        assert actions.hand_out_pdf(report=report, by=person, at=AT).startswith(b"%PDF-")
    assert Entry.objects.filter(kind="followups.report_handed_out").count() == 3


@pytest.mark.parametrize(
    ("reason", "sections", "said"),
    [("请补充收入佐证", ["kitchen"], "没有这一部分"), ("请补充\x00收入佐证", [], "控制字符"), ("长" * 301, [], "过长")],
)
def test_a_return_says_what_is_wrong_with_it(road: Road, reason: str, sections: list[str], said: str) -> None:
    report = road.submit()
    form = ReturnForm(QueryDict(mutable=True))
    form.data.update({"content_sha256": report.content_sha256, "code": "NO_EVIDENCE", "reason": reason})
    form.data.setlist("sections", sections)
    assert form.is_valid(), "the form leaves judging to the action"
    with pytest.raises(refusals.ReasonMissing, match=said):
        actions.return_report(report_id=report.pk, by=road.manager, at=AT, **form.cleaned_data)


def test_an_approval_note_with_a_control_character_is_told_so(road: Road) -> None:
    report = road.submit()
    form = DecisionForm({"content_sha256": report.content_sha256, "note": "同意\x00"})
    assert form.is_valid()
    with pytest.raises(refusals.ReasonMissing, match="控制字符"):
        actions.approve_report(report_id=report.pk, by=road.manager, at=AT, **form.cleaned_data)
