"""The review desk as pages and over the API: tabs, hints, what goes together, the strip and its lists."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followups import actions
from followups.models import Measure, ReportHint, ReportOpening, ReportState, VisitReport
from tests.database.test_review import several
from tests.database.test_visits import AT, Road, filled, make_task
from tests.factories import book_loan, make_party, make_staff
from tests.web.test_pages import _signed_in

# Session, person, roles, branches, business date, tabs, queue, report, its parts, hints, strip, frame.
MOST_QUERIES = 34
TEXT = "客户称行业淡季收入减少，房屋自住无变化，下季度再核实一次。"


@pytest.fixture
def road(db: None) -> Road:
    return Road()


def desk(client: Any, **asked: Any) -> str:
    page = client.get(reverse("followups:review"), asked)
    assert page.status_code == 200
    text: str = page.content.decode()
    return text


def at_desk(road: Road) -> Any:
    return _signed_in("BRANCH_MANAGER", road.branch)


def test_tabs_count_what_waits_for_this_person(road: Road) -> None:
    several(road, 2)
    several(road, 1, conclusion="WATCH", conclusion_text="收入下降，持续关注。")
    page = desk(at_desk(road))
    for words in ("待我审核 <b>3</b>", "无异常 <b>2</b>", "橙/红 <b>0</b>", "已超时限 <b>0</b>", "抽查 <b>0</b>"):
        assert words in page, words
    assert page.count('class="qrow') == 3 and 'name="report"' not in page
    clean = desk(at_desk(road), chip="clean")
    assert clean.count('class="qrow picks"') == 2 and clean.count('name="report"') == 2


# S1.22
def test_only_what_was_opened_can_be_ticked_and_goes_together(road: Road) -> None:
    first, second = several(road, 2)
    client = at_desk(road)
    page = desk(client, chip="clean", report=first.pk)
    assert page.count("disabled title=") == 1, "the other was not opened yet"
    assert set(ReportOpening.objects.values_list("report", flat=True)) == {first.pk}
    ticked = [f"{one.pk} {one.content_sha256}" for one in (first, second)]
    reply = client.post(reverse("followups:approve_clean"), {"report": ticked}, follow=True)
    assert "尚未打开看过" in reply.content.decode()
    assert VisitReport.objects.filter(state=ReportState.APPROVED).count() == 0
    desk(client, chip="clean", report=second.pk)
    reply = client.post(reverse("followups:approve_clean"), {"report": ticked}, follow=True)
    assert "已批量通过 2 份报告" in reply.content.decode()
    assert VisitReport.objects.filter(state=ReportState.APPROVED).count() == 2


def test_approving_moves_on_within_the_tab(road: Road) -> None:
    first, second = several(road, 2)
    client = at_desk(road)
    page = desk(client, chip="clean", report=first.pk)
    assert f'name="next" value="{second.pk}"' in page and 'name="chip" value="clean"' in page
    asked = {"content_sha256": first.content_sha256, "chip": "clean", "next": second.pk}
    reply = client.post(reverse("followups:approve", args=[first.pk]), asked)
    assert reply.headers["Location"] == f"{reverse('followups:review')}?chip=clean&report={second.pk}"
    for odd in ({"chip": "//evil", "next": "x"}, {"chip": "clean&x=1", "next": "٣"}):
        reply = client.post(reverse("followups:approve", args=[second.pk]), {"content_sha256": "0" * 64, **odd})
        assert reply.headers["Location"] == f"{reverse('followups:review')}?report={second.pk}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sections": []}, "请至少选择一个需修改的部分"),
        ({"sections": ["kitchen"]}, "没有这一部分"),
        ({"code.income": "BECAUSE"}, "请选择退回原因"),
        ({"code": ""}, "请选择退回原因"),
        ({"reason": "短"}, "至少"),
    ],
)
def test_a_return_that_lacks_something_keeps_what_was_typed(road: Road, given: dict[str, Any], said: str) -> None:
    report = road.submit()
    asked = {
        "content_sha256": report.content_sha256, "code": "NO_EVIDENCE", "reason": "请补充收入佐证",
        "sections": ["income"], "code.income": "NOT_VERIFIED", "chip": "changed", "next": "7", **given,
    }  # fmt: skip
    reply = at_desk(road).post(reverse("followups:return", args=[report.pk]), asked)
    page = reply.content.decode()
    fault = page.split('id="return-fault">')[1].split("</p>")[0]
    assert reply.status_code == 422 and said in fault and report.number in page
    assert (">请补充收入佐证</textarea>" in page) == ("reason" not in given)
    assert ('name="code" value="NO_EVIDENCE" required checked' in page) == (given.get("code") != "")
    assert ('value="income" checked' in page) == ("sections" not in given)
    assert ('value="NOT_VERIFIED" selected' in page) == (not {"sections", "code.income"} & given.keys())
    assert 'name="chip" value="changed"' in page and 'name="next" value="7"' in page
    report.refresh_from_db()
    assert report.state == ReportState.SUBMITTED


def test_each_part_of_a_return_may_have_a_reason_of_its_own(road: Road) -> None:
    report = road.submit()
    assert 'name="sections" value="conclusion"' in desk(at_desk(road), report=report.pk)
    asked = {"content_sha256": report.content_sha256, "code": "NO_EVIDENCE", "reason": "请按各部分的原因修改",
             "sections": ["conclusion", "income"], "code.conclusion": "CONCLUSION", "code.debts": "OTHER"}  # fmt: skip
    reply = at_desk(road).post(reverse("followups:return", args=[report.pk]), asked, follow=True)
    assert "已退回，2 部分须修改" in reply.content.decode()
    step = road.task.events.get(kind="RETURNED")
    assert step.data["codes"] == {"income": "NO_EVIDENCE", "conclusion": "CONCLUSION"}
    officer = _client_of(road.officer)
    visit_page = officer.get(reverse("followups:visit", args=[road.task.pk])).content.decode()
    assert "佐证缺失，请按各部分的原因修改" in visit_page.split('id="s-income"')[1].split("</p>")[0]
    assert "结论依据不足，请按各部分的原因修改" in visit_page.split('id="s-end"')[1].split("</p>")[0]
    first = officer.get(reverse("followups:report", args=[report.pk])).content.decode()
    assert "<li>风险结论：结论依据不足</li>" in first
    visit = road.start()
    draft = filled(visit, conclusion_text="收入已凭征信核实，未见变化。")
    second = actions.submit_visit(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
    assert [part["code"] for part in second.content["returned"]["parts"]] == ["NO_EVIDENCE", "CONCLUSION"]
    assert "风险结论 结论依据不足" in desk(at_desk(road), report=second.pk)
    road.approve(second)
    assert VisitReport.objects.get(pk=second.pk).pdf is not None


def test_a_hint_leads_to_its_proof(road: Road) -> None:
    given = {"conclusion": "WATCH", "conclusion_text": TEXT}
    first, second = several(road, 1, **given)[0], several(road, 1, **given)[0]
    client = at_desk(road)
    page = desk(client, report=second.pk)
    href = reverse("followups:look_alike", args=[second.pk, first.pk])
    assert "文字相似 100%" in page and f'href="{href}"' in page and 'href="#evidence"' in page
    beside = client.get(href).content.decode()
    assert beside.count(f"<mark>{TEXT}</mark>") == 2 and first.number in beside
    assert client.get(reverse("followups:look_alike", args=[first.pk, second.pk])).status_code == 404
    officer = _signed_in("LOAN_OFFICER", road.branch).get(reverse("followups:report", args=[second.pk]))
    assert "文字相似" not in officer.content.decode(), "hints are for who reviews"


def test_the_bunched_hint_leads_to_the_list_of_that_day(road: Road) -> None:
    several(road, 2)
    reports = VisitReport.objects.order_by("id")
    ReportHint.objects.create(report=reports[0], code="MONTH_END", data={"reports": 9})
    page = desk(at_desk(road), report=reports[0].pk)
    asked = {"submitted_by": road.officer.staff_no, "submitted_from": "2026-11-01", "submitted_to": "2026-11-01"}
    assert "月末一天提交 9 份" in page
    listed = at_desk(road).get(reverse("followups:reports"), asked).content.decode()
    assert all(one.number in listed for one in reports)


def test_a_resubmission_shows_only_the_difference(road: Road) -> None:
    report = road.submit()
    actions.return_report(
        report_id=report.pk, content_sha256=report.content_sha256, code="NO_EVIDENCE", reason="请补充收入佐证",
        sections=["income"], by=road.manager, at=AT,
    )  # fmt: skip
    officer = _client_of(road.officer)
    visit_page = officer.get(reverse("followups:visit", args=[road.task.pk])).content.decode()
    assert 'data-land="monthly_income"' in visit_page
    visit = road.start()
    draft = filled(visit, conclusion_text="收入已凭征信核实，未见变化。")
    second = actions.submit_visit(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
    page = desk(at_desk(road), report=second.pk)
    assert "与上一版的不同" in page and "收入已凭征信核实" in page
    folded = page.index('<details class="fold-in whole">')
    assert page.index("与上一版的不同") < folded < page.index("发生了什么变化")


def _client_of(staff: Any) -> Any:
    from django.test import Client

    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def red_report(road: Road) -> VisitReport:
    road.task.level = 1
    road.task.save(update_fields=["level"])
    second = make_staff("LOAN_OFFICER", road.branch, "白露")
    measure = {"code": "PLAN", "owner": road.officer.staff_no, "due_on": "2026-11-20", "words": "商定延期"}
    return road.submit(
        second_visitor=second.staff_no, conclusion="AT_RISK", conclusion_text="收入下降，须调整还款。",
        measures=[measure],
    )  # fmt: skip


def test_a_red_report_goes_from_the_manager_to_the_risk_head(road: Road) -> None:
    report, manager = red_report(road), at_desk(road)
    page = desk(manager)
    assert "签署并送风险审核" in page and "商定延期" in page and "待批准" in page
    body = {"content_sha256": report.content_sha256, "note": "情况属实。"}
    reply = manager.post(reverse("followups:approve", args=[report.pk]), body, follow=True)
    assert "送风险负责人审核" in reply.content.decode()
    shown = manager.get(reverse("followups:review"), {"report": report.pk}).content.decode()
    assert "待风险审核" in shown and "没有待审核的报告" in shown and 'id="approve"' not in shown
    risk = _signed_in("RISK_MANAGER", road.branch)
    assert "风险负责人意见" in desk(risk)
    risk.post(reverse("followups:approve", args=[report.pk]), {**body, "note": "同意。"})
    done = risk.get(reverse("followups:report", args=[report.pk])).content.decode()
    assert "同意上报" in done and "审核通过" in done and "办理中" in done
    loan = risk.get(reverse("loan_visits", args=[road.loan.pk])).content.decode()
    assert "调整还款计划" in loan
    listed = _client_of(road.officer).get(reverse("followups:measures")).content.decode()
    assert "调整还款计划" in listed
    measure = Measure.objects.get()
    _client_of(road.officer).post(
        reverse("followups:measure_end", args=[measure.pk]), {"words": "延期变更已生效", "verb": "done"}
    )
    measure.refresh_from_db()
    assert measure.state == "DONE"


def test_each_number_of_the_strip_opens_its_list(road: Road) -> None:
    late = make_task(book_loan(road.branch, road.officer, borrower=make_party()), road.officer, due_on="2026-11-01")
    done = several(road, 1)[0]
    actions.approve_report(report_id=done.pk, content_sha256=done.content_sha256, by=road.manager, at=AT)
    client = at_desk(road)
    page = desk(client)
    counts = {"due": 3, "done": 1, "open": 2, "late": 0}
    for part, count in counts.items():
        assert f"{reverse('followups:month_tasks', args=[part])}" in page
        listed = client.get(reverse("followups:month_tasks", args=[part])).content.decode()
        assert listed.count('<td class="strong">') == count, part
    assert late.number in client.get(reverse("followups:month_tasks", args=["open"])).content.decode()
    assert client.get(reverse("followups:month_tasks", args=["nothing"])).status_code == 404


def test_longer_lists_ask_no_more_statements(road: Road) -> None:
    client = at_desk(road)
    several(road, 2, conclusion="WATCH", conclusion_text=TEXT)
    several(road, 1)
    pages = [
        reverse("followups:review"), f"{reverse('followups:review')}?chip=clean", reverse("followups:reports"),
        reverse("followups:month_tasks", args=["due"]), reverse("followups:measures"),
    ]  # fmt: skip
    counts = []
    for _round in range(2):
        found = []
        for page in pages:
            client.get(page)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(page).status_code == 200
            found.append(len(queries))
        counts.append(found)
        several(road, 12)
        several(road, 6, conclusion="WATCH", conclusion_text=TEXT)
    assert counts[0] == counts[1] and max(counts[0]) <= MOST_QUERIES, counts


def test_what_people_type_is_only_text(road: Road) -> None:
    markup = "<script>alert(1)</script>客户情况说明足够长的一段文字"
    given = {"conclusion": "WATCH", "conclusion_text": markup}
    first, second = several(road, 1, **given)[0], several(road, 1, **given)[0]
    client = at_desk(road)
    for page in (
        desk(client, report=second.pk),
        client.get(reverse("followups:look_alike", args=[second.pk, first.pk])).content.decode(),
    ):
        assert "<script>alert" not in page and "&lt;script&gt;alert" in page
