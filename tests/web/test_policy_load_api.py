"""The workload of a dry run over the API and as a workbook: what the page says, of every officer and every branch."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followups import batch
from followups.models.policy import PolicyRun, PolicyRunLoad
from followups.queries.policy_load import MOST_OFFICERS
from journal.models import Entry
from loans.models import Parameter
from people.models import Staff
from people.tokens import issue_token
from tests.database.policy_bank import AT, FROM, drafted, risk_people, try_out
from tests.database.test_policy import twice_a_year
from tests.factories import book_loan, make_branch, make_staff
from tests.web.api_bank import Api, _now
from tests.web.test_policy_load import client_of
from tests.web.workbooks import content_of, serial, table_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def tried() -> tuple[PolicyRun, Staff, Staff]:
    """A run with a ceiling of one visit a week over an officer's loans in two branches; its maker and the officer."""
    officer = make_staff("LOAN_OFFICER", make_branch())
    elsewhere = make_branch()
    for number in range(14):
        branch = elsewhere if number % 4 == 3 else officer.branch
        book_loan(branch=branch, officer=officer, days_past_due=(0, 0, 40)[number % 3])
    batch.replan(as_of=FROM.replace(month=11), at=AT)
    Parameter.objects.filter(code="visit_week_ceiling").update(value=1)
    maker, _checker = risk_people()
    return try_out(drafted(maker, twice_a_year), maker), maker, officer


def api_of(staff: Staff) -> Api:
    return Api(issue_token(staff=staff, name="test", by="system", at=_now())[0])


def page_of(run: PolicyRun, staff: Staff, **asked: str) -> Any:
    return client_of(staff).get(reverse("followups:policy_load", args=[run.policy_id, run.pk]), asked).context


def pairs(row: dict[str, Any]) -> tuple[Any, ...]:
    hours = tuple(Decimal(row["hours"][side]) for side in ("before", "after"))
    return tuple(row["visits"].values()), tuple(row["in_field"].values()), hours


def shown(cell: Any) -> tuple[Any, ...]:
    return tuple((pair.before, pair.after) for pair in (cell.visits, cell.in_field, cell.hours))


def crowd(run: PolicyRun, count: int) -> list[Staff]:
    """More officers, each with a week above the ceiling."""
    branch, found = make_branch(), []
    for _ in range(count):
        found.append(make_staff("LOAN_OFFICER", branch))
    PolicyRunLoad.objects.bulk_create(
        PolicyRunLoad(
            run=run, unit="W", branch_id=branch.pk, officer_id=one.pk, starts_on=FROM + timedelta(days=400),
            phone_before=1, field_before=0, off_site_before=0, phone_after=3, field_after=1, off_site_after=0,
        )
        for one in found
    )  # fmt: skip
    return found


def test_officers_and_weeks_are_the_figures_of_the_page(tried: Any) -> None:
    run, maker, officer = tried
    assert PolicyRunLoad.objects.filter(run=run, unit="W").values("branch_id").distinct().count() == 2
    api = api_of(maker)
    (row,) = api.get(f"dry-runs/{run.pk}/officers/").json()["results"]
    page = page_of(run, maker, officer=officer.staff_no)
    (year,) = page["officers"]
    assert row["officer"] == {"staff_no": officer.staff_no, "name": officer.name}
    assert pairs(row) == shown(year)
    assert tuple(row["busiest"].values()) == (year.busiest.before, year.busiest.after)
    assert tuple(row["weeks_above"].values()) == (year.weeks_above.before, year.weeks_above.after)
    assert [(week["starts_on"], *pairs(week)) for week in row["weeks"]] == [
        (week.starts_on.isoformat(), *shown(week)) for week in page["weeks"]
    ]
    over = {week["starts_on"]: week["over"] for week in row["weeks"] if week["over"]}
    assert over == {each.monday.isoformat(): each.over for each in page["above"]} and over
    path = f"dry-runs/{run.pk}/officers/"
    for code in (officer.branch.code, make_branch().code):
        narrowed = api.get(path, branch=code).json()["results"]
        assert [pairs(one) for one in narrowed] == [shown(one) for one in page_of(run, maker, branch=code)["officers"]]
    assert api.get(path, branch=officer.branch.code).json()["results"][0]["visits"] != row["visits"]
    for kind in ("officers", "branches"):
        missing = api.get(f"dry-runs/{run.pk}/{kind}/", branch="NOTHING")
        assert missing.status_code == 404 and missing.json()["error"]["code"] == "not_found"
    assert len(api.get(path, officer=officer.staff_no).json()["results"]) == 1
    assert api.get(path, officer="NOBODY").json()["results"] == []


def test_branches_and_months_are_the_figures_of_the_page(tried: Any) -> None:
    run, maker, _officer = tried
    rows = api_of(maker).get(f"dry-runs/{run.pk}/branches/").json()["results"]
    page = page_of(run, maker)
    assert len(rows) == 2
    for row, year in zip(rows, page["years"], strict=True):
        assert row["branch"]["code"] == year.branch.code
        assert tuple(row["visits"].values()) == (year.total.before, year.total.after)
        assert Decimal(row["hours"]["after"]) == year.total_hours.after
        assert {month["starts_on"]: pairs(month) for month in row["months"]} == {
            month.isoformat(): shown(cell) for month, cell in zip(page["months"], year.months, strict=True) if cell
        }
    one = rows[0]["branch"]["code"]
    narrowed = api_of(maker).get(f"dry-runs/{run.pk}/branches/", branch=one).json()["results"]
    assert narrowed == rows[:1]


def test_every_officer_is_given_where_the_page_ends(tried: Any) -> None:
    run, maker, officer = tried
    numbers = sorted([officer.staff_no, *(one.staff_no for one in crowd(run, MOST_OFFICERS + 1))])
    assert len(page_of(run, maker)["officers"]) == MOST_OFFICERS
    api, found, cursor = api_of(maker), [], ""
    while True:
        reply = api.get(f"dry-runs/{run.pk}/officers/", page_size="60", **({"cursor": cursor} if cursor else {})).json()
        found += [row["officer"]["staff_no"] for row in reply["results"]]
        cursor = reply["next"]
        if not cursor:
            break
    assert found == numbers
    book = content_of(client_of(maker).get(reverse("followups:policy_load_file", args=[run.policy_id, run.pk])))
    years = [row for row in table_of(book, ("工号", "现最忙一周")) if row["工号"]]
    above = [row for row in table_of(book, ("工号", "超上限"), sheet=3) if row["工号"]]
    assert sorted(row["工号"] for row in years) == numbers
    assert {row["工号"] for row in above} == set(numbers) and len(above) > 60


def test_the_workbook_says_what_the_page_says_and_is_on_record(tried: Any) -> None:
    run, maker, officer = tried
    address = reverse("followups:policy_load_file", args=[run.policy_id, run.pk])
    reply = client_of(maker).get(address)
    assert reply.status_code == 200 and reply.headers["Cache-Control"] == "no-store"
    book, page = content_of(reply), page_of(run, maker, officer=officer.staff_no)
    weeks = [row for row in table_of(book, ("周", "现工时"), sheet=2) if row["工号"]]
    assert [(row["周"], row["原户数"], row["现户数"], row["现实地"], Decimal(row["现工时"])) for row in weeks] == [
        (serial(week.starts_on), str(week.visits.before), str(week.visits.after), str(week.in_field.after),
         week.hours.after) for week in page["weeks"]
    ]  # fmt: skip
    months = [row for row in table_of(book, ("月份", "现工时"), sheet=4) if row["月份"]]
    assert {(row["机构号"], row["月份"]): row["现户数"] for row in months} == {
        (year.branch.code, f"{month:%Y-%m}"): str(cell.visits.after)
        for year in page["years"] for month, cell in zip(page["months"], year.months, strict=True) if cell
    }  # fmt: skip
    entry = Entry.objects.get(kind="followups.policy_load_taken")
    assert (entry.data["rows"], entry.actor, entry.data["branch"]) == (1, maker.staff_no, "")
    narrowed = content_of(client_of(maker).get(address, {"branch": officer.branch.code}))
    (row,) = [row for row in table_of(narrowed, ("工号", "现户数")) if row["工号"]]
    (year,) = page_of(run, maker, branch=officer.branch.code)["officers"]
    assert row["现户数"] == str(year.visits.after)
    assert (
        f'href="{address}"'
        in client_of(maker).get(reverse("followups:policy_load", args=[run.policy_id, run.pk])).content.decode()
    )


def test_as_many_questions_for_many_officers_as_for_one(tried: Any) -> None:
    run, maker, _officer = tried
    api, client, counts = api_of(maker), client_of(maker), []
    address = reverse("followups:policy_load_file", args=[run.policy_id, run.pk])
    for more in (1, 9):
        crowd(run, more)
        for ask in (
            lambda: api.get(f"dry-runs/{run.pk}/officers/"),
            lambda: api.get(f"dry-runs/{run.pk}/branches/"),
            lambda: content_of(client.get(address)),
        ):
            ask()
            with CaptureQueriesContext(connection) as asked:
                ask()
            counts.append(len(asked))
    assert counts[:3] == counts[3:] and max(counts) <= 25


def test_a_run_that_has_not_ended_or_is_not_seen_has_no_workload(tried: Any) -> None:
    run, maker, officer = tried
    paths = [f"dry-runs/{run.pk}/{name}/" for name in ("officers", "branches")]
    assert [api_of(officer).get(path).status_code for path in paths] == [403, 403]
    assert api_of(maker).get("dry-runs/987654321/officers/").status_code == 404
    bad = api_of(maker).get(paths[0], chip="x")
    assert bad.status_code == 400 and "chip" in bad.json()["error"]["fields"]
    PolicyRun.objects.filter(pk=run.pk).update(state="FAILED")
    assert [api_of(maker).get(path).status_code for path in paths] == [404, 404]
    address = reverse("followups:policy_load_file", args=[run.policy_id, run.pk])
    assert client_of(maker).get(address).status_code == 404
