"""跨机构同户 as page, file and API: for who sees both branches, few statements, clear refusals."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followups.models import AcrossPair, MergedTask, VisitTask
from journal.models import Entry
from loans.models import BusinessDate
from people.models import Staff
from people.tokens import issue_token
from tests.factories import make_staff
from tests.web.across_rows import pair_below
from tests.web.api_bank import TODAY, Api, Bank, _now, make_bank
from tests.web.test_page_matrix import client_of
from tests.web.workbooks import content_of, lines_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> Bank:
    return make_bank()


@pytest.fixture
def pair(bank: Bank) -> AcrossPair:
    return pair_below(bank.home)


@pytest.fixture
def officer(bank: Bank) -> Staff:
    return make_staff(["LOAN_OFFICER", "BRANCH_MANAGER"], bank.home, "林总")


def api_of(staff: Staff) -> Api:
    return Api(issue_token(staff=staff, name="test", by="system", at=_now())[0])


def page(bank: Bank, **asked: str) -> Any:
    return client_of(bank, "manager").get(reverse("followups:across"), asked)


def cells(bank: Bank, **asked: str) -> set[str]:
    """What stands in the workbook."""
    reply = client_of(bank, "manager").get(reverse("followups:across_file"), asked)
    return {cell for line in lines_of(content_of(reply)) for cell in line.values()}


def post(bank: Bank, name: str, pair: AcrossPair, **sent: str) -> str:
    """What the page says after it."""
    reply = client_of(bank, "manager").post(reverse(name, args=[pair.pk]), sent, follow=True)
    assert reply.status_code == 200
    return " ".join(str(each) for each in reply.context["messages"])


def test_the_page_shows_both_tasks_and_who_could_make_the_visit(bank: Bank, pair: AcrossPair, officer: Staff) -> None:
    text = page(bank).content.decode()
    for task in (pair.one, pair.other):
        assert task.loan.loan_note_no in text and task.branch.name in text and task.assigned_to.name in text
    assert "同一借款人" in text and f'value="{officer.staff_no}"' in text and pair.one.loan.borrower.name in text
    count = client_of(bank, "manager").get(reverse("followups:across_count")).content.decode()
    assert ">1<" in count
    menu = client_of(bank, "manager").get("/").content.decode()
    assert reverse("followups:across_count") in menu
    assert reverse("followups:across_count") not in client_of(bank, "officer").get("/").content.decode()


def test_without_anybody_who_sees_both_the_page_says_so(bank: Bank, pair: AcrossPair) -> None:
    text = page(bank).content.decode()
    assert "没有可办理的人员" in text and reverse("followups:across_together", args=[pair.pk]) not in text
    assert reverse("followups:across_apart", args=[pair.pk]) in text


def test_before_the_bank_is_open_the_page_says_so(bank: Bank) -> None:
    BusinessDate.objects.update(is_open=False, closed_at=_now())
    assert page(bank).status_code == 200
    assert client_of(bank, "manager").get(reverse("followups:across_file")).status_code == 404


def test_a_manager_below_sees_nothing_of_it(bank: Bank, pair: AcrossPair) -> None:
    below = make_staff("BRANCH_MANAGER", pair.one.branch, "何")
    client = Client()
    client.force_login(below, backend="django.contrib.auth.backends.ModelBackend")
    assert list(client.get(reverse("followups:across")).context["rows"]) == []
    assert ">1<" not in client.get(reverse("followups:across_count")).content.decode()
    for name in ("across_together", "across_apart"):
        replies = [client.post(reverse(f"followups:{name}", args=[pk]), {}) for pk in (pair.pk, 987654321)]
        assert {reply.status_code for reply in replies} == {404} and replies[0].content == replies[1].content
    api = api_of(below)
    assert api.get("across/").json()["results"] == [] and api.get(f"across/{pair.pk}/").status_code == 404
    assert api.post(f"across/{pair.pk}/apart/", {"reason": "分别回访"}).status_code == 404
    assert not AcrossPair.objects.filter(left_on__isnull=False).exists()


def test_one_visit_by_the_page_told_with_its_number_and_pressed_twice_once(
    bank: Bank, pair: AcrossPair, officer: Staff
) -> None:
    assert "请从名单中选择主办人" in post(bank, "followups:across_together", pair, officer="A9999")
    assert not MergedTask.objects.exists()
    told = post(bank, "followups:across_together", pair, officer=officer.staff_no)
    assert pair.one.number in told and "林总" in told
    assert told == post(bank, "followups:across_together", pair, officer=officer.staff_no)
    assert MergedTask.objects.count() == 1 and list(page(bank).context["rows"]) == []
    assert "名单已有变化" in post(bank, "followups:across_apart", pair, reason="分别回访")
    # The colleague below sees the own task, and of the other visit neither number nor address.
    below = make_staff("BRANCH_MANAGER", pair.other.branch, "何")
    client = Client()
    client.force_login(below, backend="django.contrib.auth.backends.ModelBackend")
    text = client.get(reverse("followups:task", args=[pair.other_id])).content.decode()
    assert "由其他机构的回访一并办理" in text and pair.one.number not in text and ">拆开<" in text
    shown = api_of(below).get(f"tasks/{pair.other_id}/").json()
    assert shown["along_of"] is None
    assert bank.api("manager").get(f"tasks/{pair.other_id}/").json()["along_of"] == pair.one_id
    beside = make_staff("BRANCH_MANAGER", pair.one.branch, "程")
    client.force_login(beside, backend="django.contrib.auth.backends.ModelBackend")
    text = client.get(reverse("followups:task", args=[pair.one_id])).content.decode()
    assert pair.other.number not in text and pair.other.loan.loan_note_no not in text
    assert api_of(beside).get(f"tasks/{pair.other_id}/").status_code == 404


def test_giving_the_visit_away_from_below_is_told_in_a_sentence(bank: Bank, pair: AcrossPair, officer: Staff) -> None:
    post(bank, "followups:across_together", pair, officer=officer.staff_no)
    below = make_staff("BRANCH_MANAGER", pair.one.branch, "何")
    mine = make_staff("LOAN_OFFICER", pair.one.branch, "秦越")
    client = Client()
    client.force_login(below, backend="django.contrib.auth.backends.ModelBackend")
    reply = client.post(reverse("followups:assign", args=[pair.one_id]),
                        {"officer": mine.staff_no, "reason": "本机构办理"}, follow=True)  # fmt: skip
    assert "其他机构任务已拆开" in " ".join(str(each) for each in reply.context["messages"])
    assert VisitTask.objects.get(pk=pair.one_id).assigned_to == mine
    assert VisitTask.objects.get(pk=pair.other_id).assigned_to == pair.other.assigned_to


def test_left_apart_by_the_page_its_reason_can_be_read(bank: Bank, pair: AcrossPair) -> None:
    assert "至少" in post(bank, "followups:across_apart", pair, reason=" ")
    assert "不合并" in post(bank, "followups:across_apart", pair, reason="<b>分居</b>")
    assert list(page(bank).context["rows"]) == []
    text = page(bank, state="LEFT").content.decode()
    assert "&lt;b&gt;分居&lt;/b&gt;" in text and bank.staff["manager"].name in text
    assert "<b>分居</b>" in cells(bank, state="LEFT")


def test_filters_pages_and_statements(bank: Bank, officer: Staff) -> None:
    for number in range(3):
        pair_below(bank.home, 9 + number)
    client = client_of(bank, "manager")
    client.get(reverse("followups:across"))
    with CaptureQueriesContext(connection) as few:
        assert len(client.get(reverse("followups:across")).context["rows"]) == 3
    for number in range(27):
        pair_below(bank.home, 12 + number)
    with CaptureQueriesContext(connection) as many:
        found = client.get(reverse("followups:across"))
    assert len(many) == len(few) <= 9
    assert len(found.context["rows"]) == 25 and found.context["count"] == "30"
    rest = page(bank, cursor=found.context["page"].next)
    shown = [row.pair for row in (*found.context["rows"], *rest.context["rows"])]
    assert len({one.pk for one in shown}) == 30 and shown == sorted(shown, key=lambda one: (one.due_on, one.pk))
    until = (TODAY + timedelta(days=10)).isoformat()
    assert len(page(bank, due_to=until).context["rows"]) == 2
    code = shown[0].other.branch.code
    assert [row.pair for row in page(bank, branch=code).context["rows"]] == [shown[0]]
    for wrong in ({"due_to": "gestern"}, {"branch": "\x00"}, {"state": "X"}, {"cursor": "n!"}):
        assert page(bank, **wrong).status_code == 200
    notes = {one.loan.loan_note_no for pair in shown for one in (pair.one, pair.other)}
    listed = {one.loan.loan_note_no for pair in shown[:2] for one in (pair.one, pair.other)}
    assert cells(bank, due_to=until) & notes == listed
    taken = Entry.objects.get(kind="followups.list_taken")
    assert (taken.data["list"], taken.data["rows"]) == ("across", 2)


def test_over_the_api(bank: Bank, pair: AcrossPair, officer: Staff) -> None:
    api = bank.api("manager")
    (row,) = api.get("across/", state="OPEN", due_to="2027-01-01", branch=pair.one.branch.code).json()["results"]
    assert (row["id"], row["why"], row["one"]["id"]) == (pair.pk, "BORROWER", pair.one_id)
    assert row["one"]["borrower"]["name"] != pair.one.loan.borrower.name, "masked"
    assert api.get("across/", state="LEFT").json()["results"] == []
    for wrong in ({"state": "X"}, {"due_to": "morgen"}, {"officer": "1"}):
        assert api.get("across/", **wrong).status_code == 400
    found = api.get(f"across/{pair.pk}/").json()
    assert found["able"] == [{"staff_no": officer.staff_no, "name": "林总"}]
    refused = api.post(f"across/{pair.pk}/together/", {"officer": pair.one.assigned_to.staff_no})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "wrong_officer")
    assert list(refused.json()["error"]["fields"]) == ["officer"]
    for wrong in ({}, {"officer": 7}, {"officer": "x" * 21}, {"officer": officer.staff_no, "mode": "JOINT"}):
        assert api.post(f"across/{pair.pk}/together/", wrong).status_code == 400
    for wrong in ({}, {"reason": "x" * 201}, {"reason": None}):
        assert api.post(f"across/{pair.pk}/apart/", wrong).status_code == 400
    assert api.post(f"across/{pair.pk}/apart/", {"reason": "x"}).status_code == 422
    sent = {"officer": officer.staff_no}
    done = [api.post(f"across/{pair.pk}/together/", sent, key=key) for key in ("a", "a", "b")]
    assert [reply.status_code for reply in done] == [200, 200, 200]
    assert {reply.json()["id"] for reply in done} == {pair.one_id} and MergedTask.objects.count() == 1
    stale = api.post(f"across/{pair.pk}/apart/", {"reason": "分别回访"})
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "across_pair_stale")
    assert api.get(f"across/{pair.pk}/").status_code == 404
    undone = api.post(f"tasks/{pair.other_id}/unmerge/", {"reason": "分别办理"})
    assert undone.status_code == 200 and undone.json()["assigned_to"]["name"] == "白露"
    other = pair_below(bank.home)
    left = api.post(f"across/{other.pk}/apart/", {"reason": "分别回访"})
    assert left.status_code == 200 and left.json()["reason"] == "分别回访" and left.json()["able"] == []
    assert [each["id"] for each in api.get("across/", state="LEFT").json()["results"]] == [other.pk]


def test_the_digest_leads_to_the_list_and_names_both_branches(bank: Bank, pair: AcrossPair) -> None:
    from tests.database.test_digests import MONDAY, made_on

    made_on(MONDAY)
    text = client_of(bank, "manager").get(reverse("followups:digests")).content.decode()
    assert "新发现跨机构同户" in text and f'href="{reverse("followups:across")}"' in text
    (digest,) = bank.api("manager").get("digests/").json()["results"]
    (figure,) = [each for each in digest["figures"] if each["code"] == "ACROSS"]
    assert figure["parts"][0]["beside"]["code"] == pair.other_branch.code
