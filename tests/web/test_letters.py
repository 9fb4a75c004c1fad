"""文书 on the pages and over the API: from the loan to the letter to its delivery; masked on screens."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followups import actions
from followups.actions.letters import Asked
from followups.models import Letter, LetterDelivery, Measure, ResponseMeasure, VisitReport
from journal.models import Entry
from loans.models import Loan
from loans.queries import loan_facts
from people.actions.leave import enter_leave
from tests.database.test_visits import TODAY
from tests.factories import AT
from tests.web.api_bank import Bank, make_bank, submitted
from tests.web.letter_rows import letter_in
from tests.web.test_page_matrix import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> Bank:
    return make_bank()


def address(bank: Bank) -> str:
    return reverse("followups:loan_letters", args=[bank.loans["home"].pk])


def test_from_the_loan_to_the_letter_to_its_delivery_and_back(bank: Bank) -> None:
    client, loan = client_of(bank, "officer"), Loan.objects.get(pk=bank.loans["home"].pk)
    assert address(bank) in client.get(reverse("loan_page", args=[loan.pk])).content.decode()
    for page in (("followups:task", bank.tasks["home"].pk), ("followups:loan_events", loan.pk)):
        assert f'hx-get="{address(bank)}"' in client.get(reverse(page[0], args=[page[1]])).content.decode()
    page = client.get(address(bank)).content.decode()
    assert "没有制作过文书" in page and f"{loan_facts(loan).owed:,.2f}" in page
    said = client.post(address(bank), {"kind": "DEMAND"}, follow=True).content.decode()
    letter = Letter.objects.get()
    assert letter.number in said and "未登记送达" in said and "没有重复" not in said
    assert "没有重复制作" in client.post(address(bank), {"kind": "DEMAND"}, follow=True).content.decode()
    taken = client.get(reverse("followups:letter_pdf", args=[letter.pk]))
    assert taken.content.startswith(b"%PDF-") and taken["Cache-Control"] == "no-store"
    assert Entry.objects.filter(kind="followups.letter_handed_out", loan_id=loan.pk).count() == 1
    deliver = reverse("followups:letter_deliver", args=[letter.pk])
    typed = {"way": "REFUSED", "witnesses": "周正 王敏", "words": "<b>当面</b>拒收", "delivered_on": "2026-11-01"}
    said = client.post(deliver, typed, follow=True).content.decode()
    assert "周正、王敏：&lt;b&gt;当面&lt;/b&gt;拒收" in said and "拒收 2026-11-01" in said
    part = client.get(address(bank), headers={"HX-Request": "true"}).content.decode()
    assert "拒收 2026-11-01" in part and "<html" not in part
    assert "先更正再登记" in client.post(deliver, typed, follow=True).content.decode()
    undo = reverse("followups:letter_undo", args=[letter.pk])
    said = client.post(undo, {"reason": "登记错了文书"}, follow=True).content.decode()
    assert "登记错了文书" in said and "<s>" in said and LetterDelivery.objects.count() == 2
    assert "2026-02-30" not in said
    wrong = client.post(deliver, {**typed, "delivered_on": "2026-02-30"}, follow=True).content.decode()
    assert "请填写有效日期" in wrong and LetterDelivery.objects.count() == 2


def test_who_stands_in_reads_the_name_in_full_and_others_do_not(bank: Bank) -> None:
    loan = Loan.objects.select_related("borrower").get(pk=bank.loans["home"].pk)
    officer, colleague = bank.staff["officer"], bank.staff["colleague"]
    pages = [address(bank), reverse("followups:loan_events", args=[loan.pk]), reverse("loan_page", args=[loan.pk])]

    def told() -> list[bool]:
        client = client_of(bank, "colleague")
        return [loan.borrower.name in client.get(page).content.decode() for page in pages]

    assert told() == [False] * 3
    enter_leave(staff=officer, first=TODAY, last=TODAY, deputy=colleague, reason="病假", by=officer, at=AT)
    assert told() == [True] * 3


def test_what_was_typed_stays_in_a_form_that_is_refused(bank: Bank) -> None:
    report = VisitReport.objects.get(pk=submitted(bank)["id"])
    measure = Measure.objects.create(
        report=report, loan=bank.loans["home"], branch=bank.home, kind=ResponseMeasure.objects.get(code="NOTICE"),
        owner=bank.staff["officer"], due_on=AT.date(), opened_by=bank.staff["manager"], opened_at=AT,
        opened_on=AT.date(), words="补交租赁合同",
    )  # fmt: skip
    client = client_of(bank, "officer")
    assert "补交租赁合同" in client.get(address(bank)).content.decode()
    typed = {"kind": "RECTIFY", "measure": str(measure.pk), "found": "<i>房屋已出租</i>", "asked": "请致电 13900002206"}
    reply = client.post(address(bank), typed)
    said = reply.content.decode()
    assert reply.status_code == 422 and "不能写电话号码" in said and "&lt;i&gt;房屋已出租&lt;/i&gt;" in said
    assert not Letter.objects.exists()
    assert client.post(address(bank), {**typed, "asked": "请补交租赁合同", "answer_by": "x"}).status_code == 422
    assert client.post(address(bank), {**typed, "asked": "请补交租赁合同"}).status_code == 302
    assert Letter.objects.get().measure == measure


def test_a_refused_delivery_keeps_what_was_filled_in_and_marks_the_field(bank: Bank) -> None:
    client = client_of(bank, "officer")
    client.post(address(bank), {"kind": "DEMAND"})
    letter = Letter.objects.get()
    typed = {"way": "LEFT", "witnesses": "周正", "words": "<b>贴</b>在门上", "delivered_on": "2026-11-01"}
    reply = client.post(reverse("followups:letter_deliver", args=[letter.pk]), typed)
    said = reply.content.decode()
    assert reply.status_code == 422 and "须有两名见证人" in said and not LetterDelivery.objects.exists()
    form = said[said.index('<details class="first"') :]
    form = form[: form.index("</details>")]
    assert " open" in form and '<option value="LEFT" selected>' in form
    assert 'value="周正" aria-invalid="true"' in form and "&lt;b&gt;贴&lt;/b&gt;在门上" in form
    assert form.count("aria-invalid") == 1
    own = {**typed, "witnesses": f"周正、{letter.loan.borrower.name}"}
    assert "不能见证" in client.post(reverse("followups:letter_deliver", args=[letter.pk]), own).content.decode()


def test_the_day_that_was_refused_stands_in_its_own_form_only(bank: Bank) -> None:
    client = client_of(bank, "officer")
    said = client.post(address(bank), {"kind": "DEMAND", "answer_by": "2027-06-30"}).content.decode()
    assert 'value="2027-06-30" aria-invalid="true"' in said and said.count("aria-invalid") == 1


def test_screens_and_the_api_mask_the_name_that_paper_bears(bank: Bank) -> None:
    letter, name = letter_in(bank, "home"), bank.loans["home"].borrower.name
    for who in ("colleague", "manager", "auditor"):
        assert name not in client_of(bank, who).get(address(bank)).content.decode()
    reply = bank.api("auditor").get(f"letters/{letter}/")
    assert name not in reply.content.decode() and reply.json()["number"] == Letter.objects.get().number
    assert bank.api("stranger").get(f"letters/{letter}/pdf/").status_code == 404


def test_the_list_asks_the_same_few_questions(bank: Bank) -> None:
    letter_in(bank, "home")
    client, loan, officer = client_of(bank, "officer"), bank.loans["home"], bank.staff["officer"]
    client.get(address(bank))
    with CaptureQueriesContext(connection) as few:
        client.get(address(bank))
    actions.withdraw_letter(letter_id=Letter.objects.get().pk, reason="期限写错了", by=officer, at=AT)
    for days in range(11, 15):
        asked = Asked("DEMAND", answer_by=AT.date().replace(day=1 + days))
        letter, _new = actions.make_letter(loan_id=loan.pk, asked=asked, by=officer, at=AT)
        actions.deliver_letter(letter_id=letter.pk, way="IN_PERSON", received_by="AGENT", by=officer, at=AT)
    with CaptureQueriesContext(connection) as many:
        page = client.get(address(bank)).content.decode()
    assert len(many) == len(few) <= 20 and page.count("，受托代理人") == 4


def test_over_the_api_a_letter_is_made_once_delivered_and_corrected(bank: Bank) -> None:
    api, path = bank.api("officer"), f"loans/{bank.loans['home'].pk}/letters/"
    made = api.post(path, {"kind": "DEMAND"}, key="letter-one")
    assert made.status_code == 201 and made.json()["delivery"] is None
    assert api.post(path, {"kind": "DEMAND"}, key="letter-one").json() == made.json()
    again = api.post(path, {"kind": "DEMAND"})
    assert again.status_code == 200 and again.json()["id"] == made.json()["id"]
    letter = f"letters/{made.json()['id']}/"
    body = {"way": "MAIL", "received_by": "BORROWER", "words": "EMS 1234567890123"}
    told = api.post(f"{letter}deliver/", body)
    assert told.status_code == 201 and told.json()["delivery"]["delivered_on"] == "2026-11-01"
    refused = api.post(f"{letter}deliver/", body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "already_delivered")
    undone = api.post(f"{letter}undo/", {"reason": "单号登记错误"}).json()
    assert undone["delivery"] is None and undone["deliveries"][0]["undone_by"]["words"] == "单号登记错误"
    assert api.get(path).json()["results"] == [undone]
    other = api.post(path, {"kind": "DEMAND", "answer_by": "2026-11-15"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "letter_stands")
    gone = api.post(f"{letter}withdraw/", {"reason": "期限写错了"})
    assert gone.status_code == 201 and gone.json()["withdrawal"]["reason"] == "期限写错了"
    assert api.post(f"{letter}withdraw/", {"reason": "期限写错了"}).status_code == 409
    assert api.post(f"{letter}deliver/", body).json()["error"]["code"] == "letter_withdrawn"
    assert api.post(path, {"kind": "DEMAND", "answer_by": "2026-11-15"}).status_code == 201
    assert api.get(f"{letter}pdf/").content.startswith(b"%PDF-")
    wrong = api.post(path, {"kind": "RECTIFY"}).json()["error"]
    assert wrong["code"] == "measure_missing" and "measure" in wrong["fields"]


def test_a_letters_number_leads_to_its_loan(bank: Bank) -> None:
    letter = Letter.objects.get(pk=letter_in(bank, "home"))
    for who, found in (("officer", {letter.loan_id}), ("stranger", set())):
        page = client_of(bank, who).get(reverse("loans:list"), {"q": letter.number})
        assert {row["loan"].pk for row in page.context["rows"]} == found


def test_a_letter_is_withdrawn_on_its_page_and_says_so(bank: Bank) -> None:
    letter = letter_in(bank, "home")
    client = client_of(bank, "officer")
    page = client.get(address(bank)).content.decode()
    assert "作废，不再发出" in page
    refused = client.post(reverse("followups:letter_withdraw", args=[letter]), {"reason": ""}, follow=True)
    assert "请写明原因" in refused.content.decode()
    page = client.post(reverse("followups:letter_withdraw", args=[letter]), {"reason": "期限写错了"}, follow=True)
    text = page.content.decode()
    assert "已作废，请勿再发出" in text and "期限写错了" in text
    assert "作废，不再发出" not in text and "登记送达</button>" not in text
