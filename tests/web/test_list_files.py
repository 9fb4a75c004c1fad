"""Lists of the follow-up pages as workbooks: the rows of the page and no others, all of them, masked as there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followups.actions import list_file
from followups.actions.events import record_event
from followups.batch.sharing import share_out
from followups.models import CustomerResult, Event, Measure, ResponseMeasure, VisitReport, VisitTask
from followups.views import list_file as views
from journal.models import Entry
from loans.models import BusinessDate
from people.paging import PAGE_ROWS
from risk.batch.signals import Raise, raise_signals
from risk.rules.signals import Warned
from tests.database.test_digests import MONDAY, made_on, work_of
from tests.database.test_visits import make_task
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, clean_draft, make_bank
from tests.web.test_page_matrix import client_of
from tests.web.workbooks import content_of, lines_of, serial, table_of

pytestmark = pytest.mark.django_db
YESTERDAY, BEFORE = TODAY - timedelta(days=1), TODAY - timedelta(days=12)
OFFICERS = {"home": "officer", "other": "stranger"}


@pytest.fixture
def bank() -> Bank:
    """With a report handed in by each branch."""
    bank = make_bank()
    for place, who in OFFICERS.items():
        api, path = bank.api(who), f"tasks/{bank.tasks[place].pk}"
        visit = api.post(f"{path}/start/").json()
        sent = {"version": visit["version"], "draft": clean_draft(visit["sections"])}
        assert api.post(f"{path}/submit/", sent).status_code == 201
    return bank


def task_in(bank: Bank, place: str, **given: Any) -> VisitTask:
    officer = bank.staff[OFFICERS[place]]
    cycle = f"L{VisitTask.objects.count()}"
    return make_task(book_loan(bank.loans[place].branch, officer), officer, **{"cycle": cycle, **given})


def report_in(bank: Bank, place: str) -> VisitReport:
    """Another report like the one that the place's officer handed in."""
    report = VisitReport.objects.select_related("visit").filter(visit__task=bank.tasks[place]).get()
    visit = report.visit
    visit.task, visit.pk = task_in(bank, place, state="SUBMITTED"), None
    visit._state.adding = True
    visit.save()
    report.visit, report.pk = visit, None
    report._state.adding = True
    report.save()
    return report


def signal_in(bank: Bank, place: str) -> None:
    loan = book_loan(bank.loans[place].branch, bank.staff[OFFICERS[place]])
    warned = Warned("INCOME", "INCOME_DOWN_20", 3, 11, {"income_change_percent": "-25"})
    raise_signals([Raise(loan.pk, warned, "DAY_END", str(loan.pk))], version=1, by="system", as_of=TODAY, at=AT)


def measure_in(bank: Bank, place: str) -> None:
    report = report_in(bank, place)
    Measure.objects.create(
        report=report, kind=ResponseMeasure.objects.get(code="PROOF"), loan=report.visit.task.loan,
        branch=report.branch, owner=bank.staff[OFFICERS[place]], due_on=YESTERDAY, words="=补充收入证明",
        opened_by=bank.staff["manager"], opened_at=AT, opened_on=TODAY,
    )  # fmt: skip


def result_in(bank: Bank, place: str) -> None:
    report = VisitReport.objects.filter(visit__task=bank.tasks[place]).get()
    CustomerResult.objects.create(
        task=task_in(bank, place), report=report, branch=report.branch, why=["ASKED"], since=YESTERDAY, tell_by=TODAY
    )


def event_in(bank: Bank, place: str) -> None:
    count = Event.objects.count()
    words, happened = f"客户来电告知{count}", TODAY - timedelta(days=count)
    loan, who = bank.loans[place], bank.staff[OFFICERS[place]]
    record_event(loan_id=loan.pk, code="JOB_CHANGE", happened_on=happened, words=words, by=who, at=AT)


def field_visit_in(bank: Bank, place: str) -> None:
    task_in(bank, place, method="FIELD", due_on=TODAY)


def notice_in(bank: Bank, place: str) -> None:
    task_in(bank, place, due_on=YESTERDAY, opens_on=BEFORE, created_on=BEFORE)
    share_out(as_of=YESTERDAY, at=AT)


@dataclass(frozen=True)
class Case:
    """A page with its file; `head` is the column by which rows are told apart, `told` says it of a row of the page.

    `far` is told of the other branch too.
    """

    page: str
    file: str
    head: str
    told: Callable[[Any], str]
    more: Callable[[Bank, str], None]
    who: str = "manager"
    rows: str = "rows"
    far: str = "risk"
    of_loan: bool = False

    def address(self, name: str, bank: Bank) -> str:
        return reverse(f"followups:{name}", args=[bank.loans["home"].pk] if self.of_loan else [])

    def listed(self, client: Client, bank: Bank, **asked: str) -> list[str]:
        """What the page says of its rows, walked to its end."""
        return [self.told(row) for row in self._walk(client, self.address(self.page, bank), asked)]

    def _walk(self, client: Client, path: str, asked: dict[str, str]) -> Iterator[Any]:
        cursor = ""
        while True:
            context = client.get(path, {**asked, "cursor": cursor}).context
            yield from context[self.rows]
            page = context.get("page")
            cursor = page.next if page else ""
            if not cursor:
                return

    def taken(self, client: Client, bank: Bank, **asked: str) -> list[dict[str, str]]:
        reply = client.get(self.address(self.file, bank), asked)
        assert reply.status_code == 200 and reply.headers["Cache-Control"] == "no-store"
        content = content_of(reply)
        assert int(reply.headers["Content-Length"]) == len(content)
        return table_of(content, (self.head,))


CASES = {
    "review": Case("review", "review_file", "报告编号", lambda row: row.report.number, report_in),
    "signals": Case("signals", "signals_file", "借据号", lambda row: row[0].signal.loan.loan_note_no, signal_in),
    "measures": Case("measures", "measures_file", "报告", lambda row: row["measure"].report.number, measure_in),
    "results": Case("results", "results_file", "任务", lambda row: row["result"].task.number, result_in),
    "events": Case(
        "loan_events", "loan_events_file", "情况", lambda row: row.event.words, event_in, "officer", of_loan=True
    ),
    "day_plan": Case(
        "day_plan",
        "day_plan_file",
        "任务",
        lambda row: row["row"].task.number,
        field_visit_in,
        "officer",
        "found",
        "stranger",
    ),
    "notices": Case(
        "notices", "notices_file", "任务", lambda row: row[0].notice.task.number, notice_in, "officer", far="stranger"
    ),
}


def told_apart(case: Case, taken: list[dict[str, str]]) -> list[str]:
    return [row[case.head] for row in taken if row[case.head]]


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_file_holds_the_rows_of_the_page_and_no_others(name: str, bank: Bank) -> None:
    case = CASES[name]
    for place in ("home", "home", "home", "other"):
        case.more(bank, place)
    client = client_of(bank, case.who)
    listed = case.listed(client, bank)
    assert len(listed) >= 3 and told_apart(case, case.taken(client, bank)) == listed
    entry = Entry.objects.get(kind="followups.list_taken")
    assert (entry.actor, entry.data["rows"]) == (bank.staff[case.who].staff_no, len(listed))
    assert entry.data["list"] == name and len(entry.data["sha256"]) == 64
    assert f'href="{case.address(case.file, bank)}' in client.get(case.address(case.page, bank)).content.decode()
    if case.of_loan:
        assert client_of(bank, "stranger").get(case.address(case.file, bank)).status_code == 404
        return
    foreign = set(case.listed(client_of(bank, case.far), bank)) - set(listed)
    assert foreign, "the other branch has rows of its own"
    assert not foreign & set(told_apart(case, case.taken(client, bank)))


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_file_asks_no_more_with_more_rows(name: str, bank: Bank) -> None:
    case, counts = CASES[name], []
    client = client_of(bank, case.who)
    for more in (2, 7):
        for _ in range(more):
            case.more(bank, "home")
        case.taken(client, bank)
        with CaptureQueriesContext(connection) as asked:
            rows = len(case.taken(client, bank))
        counts.append((len(asked), rows))
    assert counts[0][0] == counts[1][0] <= 30 and counts[1][1] - counts[0][1] == 7


@pytest.mark.parametrize("name", ["signals", "measures", "events"])
def test_the_file_goes_on_where_the_page_ends(name: str, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    most = 50 if name == "events" else PAGE_ROWS
    for _ in range(most + 2):
        case.more(bank, "home")
    client = client_of(bank, case.who)
    assert len(client.get(case.address(case.page, bank)).context[case.rows]) == most
    whole = case.taken(client, bank)
    assert len(told_apart(case, whole)) >= most + 2
    monkeypatch.setattr(views, "AT_ONCE", 10)
    assert case.taken(client, bank) == whole


def test_filters_of_the_page_narrow_the_file_and_stand_in_it(bank: Bank) -> None:
    for name in ("signals", "measures", "results", "review"):
        CASES[name].more(bank, "home")
    client = client_of(bank, "manager")
    for name, asked in (
        ("signals", {"level": "1"}), ("signals", {"level": "3"}), ("signals", {"state": "CLOSED"}),
        ("measures", {"state": "DONE"}), ("results", {"state": "told"}), ("results", {"state": "late"}),
        ("review", {"chip": "past_limit"}), ("review", {"chip": "changed"}), ("review", {"chip": "nothing"}),
    ):  # fmt: skip
        case = CASES[name]
        assert told_apart(case, case.taken(client, bank, **asked)) == case.listed(client, bank, **asked), (name, asked)
    client.get(reverse("followups:signals_file"), {"level": "3", "branch": "\0"})
    assert Entry.objects.latest("id").data["filters"] == {"级别": "黄", "状态": "未结"}


def test_names_are_masked_as_on_the_page(bank: Bank) -> None:
    case = CASES["measures"]
    case.more(bank, "home")
    measure = Measure.objects.select_related("loan__borrower").get()
    name = measure.loan.borrower.name
    (own,) = case.taken(client_of(bank, "officer"), bank)
    (seen,) = case.taken(client_of(bank, "auditor"), bank)
    assert own["客户"] == name and seen["客户"] != name and "*" in seen["客户"]
    assert (own["完成日"], own["已超时限"], own["说明"]) == (serial(YESTERDAY), "是", "=补充收入证明")
    CASES["day_plan"].more(bank, "home")
    task = VisitTask.objects.latest("id")
    asked = {"officer": bank.staff["officer"].staff_no}
    (own,) = [row for row in CASES["day_plan"].taken(client_of(bank, "officer"), bank) if row["任务"] == task.number]
    colleague = CASES["day_plan"].taken(client_of(bank, "colleague"), bank, **asked)
    (seen,) = [row for row in colleague if row["任务"] == task.number]
    assert own["地址"] and own["客户"] == task.loan.borrower.name
    assert seen["地址"] != own["地址"] and "*" in seen["地址"] and "*" in seen["客户"]
    foreign = {"officer": bank.staff["stranger"].staff_no}
    assert client_of(bank, "officer").get(reverse("followups:day_plan_file"), foreign).status_code == 404


def test_the_digest_is_handed_out_to_its_owner_alone() -> None:
    bank = make_bank()
    work_of(bank)
    made_on(MONDAY)
    officer = client_of(bank, "officer")
    lines = officer.get(reverse("followups:digests")).context["lines"]
    reply = officer.get(reverse("followups:digest_file"))
    rows = table_of(content_of(reply), ("事项", "数量"))
    assert [(row["事项"], row["数量"]) for row in rows if row["事项"]] == [(x.label, str(x.count)) for x in lines]
    manager = client_of(bank, "manager")
    split = [line for line in manager.get(reverse("followups:digests")).context["lines"] if line.shares]
    told = table_of(content_of(manager.get(reverse("followups:digest_file"))), ("事项", "其中"))
    assert split and {row["事项"]: row["其中"] for row in told if row["其中"]} == {
        line.label: "，".join(f"{share.name} {share.count}" for share in line.shares) for line in split
    }
    stranger = content_of(client_of(bank, "stranger").get(reverse("followups:digest_file")))
    assert "退回修改" not in str(lines_of(stranger))


def test_requests_that_wait_stand_on_a_sheet_of_their_own(bank: Bank) -> None:
    task = task_in(bank, "home")
    client_of(bank, "officer").post(reverse("followups:reassign", args=[task.pk]), {"reason": "本周任务太多"})
    book = content_of(client_of(bank, "manager").get(reverse("followups:notices_file")))
    (row,) = table_of(book, ("申请人", "原因"), sheet=4)
    assert (row["任务"], row["申请人"], row["原因"]) == (task.number, "officer", "本周任务太多")


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_list_too_long_is_refused_and_nobody_took_it(name: str, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    case.more(bank, "home")
    monkeypatch.setattr(list_file, "MOST_ROWS", 0)
    reply = client_of(bank, case.who).get(case.address(case.file, bank))
    assert reply.status_code == 422 and "请先筛选再导出" in reply.content.decode()
    assert not Entry.objects.filter(kind="followups.list_taken").exists()


def test_a_bank_that_is_not_open_has_no_lists(bank: Bank) -> None:
    BusinessDate.objects.update(is_open=False, closed_at=AT)
    for case in CASES.values():
        assert client_of(bank, case.who).get(case.address(case.file, bank)).status_code == 404
