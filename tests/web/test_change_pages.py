"""Changes of contract on pages: prepaying side by side, asking, deciding by another person, applying, undoing."""

import re
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from journal.models import Entry
from loans.actions.changes import preview_change, preview_of
from loans.models import ChangeKind, ContractChange, Loan, Posting, Terms
from loans.queries.charges import charges_owed
from tests.changing import PDF, People, apply, e1_loan, pay, propose, signed
from tests.factories import AT, make_branch, make_staff

LOWER, SHORTEN = "LOWER_INSTALLMENT", "SHORTEN_TERM"
TODAY = date(2026, 11, 30)


@pytest.fixture
def branch(db: None) -> Any:
    return make_branch()


@pytest.fixture
def who(branch: Any) -> People:
    return People(branch)


@pytest.fixture
def loan(branch: Any, who: People) -> Loan:
    return e1_loan(branch=branch, officer=who.officer)


def client_of(staff: Any) -> Client:
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page_of(client: Client, name: str, pk: int, status: int = 200, **query: str) -> str:
    reply = client.get(reverse(f"loans:{name}", args=[pk]), query)
    assert reply.status_code == status, (name, reply.status_code)
    assert "no-store" in reply.headers["Cache-Control"]
    return str(reply.content.decode())


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the form that hands in."""
    form = page[page.index('enctype="multipart/form-data"') :]
    form = form[: form.index("</form>")]
    return dict(re.findall(r'<input type="hidden" name="(?!csrf)(\w+)" value="([^"]*)"', form))


def step(staff: Any, name: str, change: ContractChange, **sent: str) -> Any:
    change.refresh_from_db()
    sent = {"version": str(change.version), **sent}
    return client_of(staff).post(reverse(f"loans:{name}", args=[change.pk]), sent)


def ask(staff: Any, loan: Loan, kind: str, *, reason: str = "客户申请办理", file: Any = None, **asked: str) -> Any:
    client = client_of(staff)
    page = page_of(client, "change_new", loan.pk, kind=kind, **asked)
    sent = {**hidden(page), "reason": reason, **({"evidence": file} if file else {})}
    return client.post(reverse("loans:change_new", args=[loan.pk]), sent)


def test_e7_side_by_side_with_its_chart(loan: Loan, who: People) -> None:
    page = page_of(client_of(who.officer), "prepay", loan.pk, amount="２００，０００")
    for shown in (
        "4,546.45",
        "3,619.68",
        "601,033.56",
        "200,000.00",
        "200.00",
        "200,200.00",
        ">106<",
        ">242<",
        ">348<",
    ):
        assert shown in page, shown
    for effect in (LOWER, SHORTEN):
        asked = {"amount": "200000.00", "effect": effect}
        found = preview_change(loan_id=loan.pk, kind="PREPAYMENT", asked=asked, by=who.officer, at=AT)
        assert f"{found.interest_saved:,.2f}" in page and f"effect={effect}" in page
    assert page.count("<polyline") == 3 and "<script>" not in page
    assert "全部结清需" in page
    assert not ContractChange.objects.exists()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"amount": "1,5"}, "金额须为"),
        ({"amount": "9999999"}, "超过剩余本金"),
        ({"amount": "5000"}, "不得低于 10,000.00 元"),
        ({"amount": "200000", "effective_on": "2026-11-01"}, "不能早于营业日期"),
        ({"amount": "200000", "effective_on": "x"}, "YYYY-MM-DD"),
        ({"amount": "200000", "fee": "100"}, "不得收取"),
    ],
)
def test_what_cannot_be_prepaid_is_said_in_words(loan: Loan, who: People, query: dict[str, str], words: str) -> None:
    page = page_of(client_of(who.officer), "prepay", loan.pk, 422, **query)
    assert words in page and "<polyline" not in page


def test_every_kind_has_its_form_with_the_fields_of_the_rules(loan: Loan, who: People) -> None:
    from loans.rules.change_asked import FIELDS

    client = client_of(who.officer)
    kinds = page_of(client, "change_new", loan.pk)
    for kind in ChangeKind.values:
        assert f"?kind={kind}" in kinds
        reply = client.get(reverse("loans:change_new", args=[loan.pk]), {"kind": kind})
        assert reply.status_code in (200, 422), kind
        required, optional = FIELDS[kind]
        for name in (*required, *optional, "effective_on"):
            assert f'name="{name}"' in reply.content.decode(), (kind, name)


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("PREPAYMENT", {"amount": "200,000", "effect": LOWER}),
        ("SETTLEMENT", {}),
        ("METHOD", {"method": "EQUAL_PRINCIPAL"}),
        ("DUE_DAY", {"due_day": "5"}),
        ("INTEREST_PAUSE", {"from": "2026-12-20", "to": "2027-01-19"}),
        ("DEFERRAL", {"installments": "6", "extend": "no"}),
        ("RESTRUCTURING", {"annual_rate_percent": "3.1"}),
        ("ACCELERATION", {}),
    ],
)
def test_each_kind_is_asked_for_and_shown(loan: Loan, who: People, kind: str, asked: dict[str, str]) -> None:
    reply = ask(who.officer, loan, kind, **asked)
    change = ContractChange.objects.get()
    assert reply.status_code == 302 and reply.headers["Location"].endswith(f"/changes/{change.pk}/")
    assert (change.kind, change.state, change.proposed_by) == (kind, "PROPOSED", who.officer)
    preview = preview_of(change)
    page = page_of(client_of(who.manager), "change", change.pk)
    assert f"{preview.after.interest_left:,.2f}" in page and f"{preview.before.installment:,.2f}" in page
    assert str(change.get_kind_display()) in page and change.result_sha256 in page
    assert "与现在" in page and "已变" not in page
    printed = page_of(client_of(who.manager), "change_print", change.pk)
    assert change.result_sha256 in printed and "签字" in printed
    assert f"#{change.pk}" in page_of(client_of(who.officer), "contract", loan.pk)


def test_handing_in_keeps_the_file_and_its_download(loan: Loan, who: People) -> None:
    ask(who.officer, loan, "METHOD", method="EQUAL_PRINCIPAL", file=SimpleUploadedFile("收入证明.pdf", PDF))
    change = ContractChange.objects.get()
    assert change.evidence_name == "收入证明.pdf"
    reply = client_of(who.manager).get(reverse("loans:change_evidence", args=[change.pk]))
    assert reply.content == PDF and "attachment" in reply.headers["Content-Disposition"]
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    told = Entry.objects.get(kind="loans.change_evidence_taken")
    assert (told.actor, told.subject_id, told.loan_id) == (who.manager.staff_no, change.pk, loan.pk)
    assert told.data == {"kind": "METHOD", "sha256": change.evidence_sha256}


def test_a_change_without_a_file_has_none_to_take(loan: Loan, who: People) -> None:
    change = propose(loan, "METHOD", who, method="EQUAL_PRINCIPAL")
    assert client_of(who.manager).get(reverse("loans:change_evidence", args=[change.pk])).status_code == 404
    assert not Entry.objects.filter(kind="loans.change_evidence_taken").exists()


@pytest.mark.parametrize(
    ("reason", "file", "words"),
    [
        ("短", None, "4 至 400 个字"),
        ("客户申请办理", SimpleUploadedFile("x.pdf", b"<script>alert(1)</script>"), "PDF、PNG 或 JPEG"),
    ],
)
def test_a_refused_form_keeps_what_was_typed_and_stores_nothing(
    loan: Loan, who: People, reason: str, file: Any, words: str
) -> None:
    before = Entry.objects.count()
    reply = ask(who.officer, loan, "METHOD", method="EQUAL_PRINCIPAL", reason=reason, file=file)
    page = reply.content.decode()
    assert reply.status_code == 422 and words in page and reason in page
    assert not ContractChange.objects.exists() and Entry.objects.count() == before


def test_another_preview_than_the_one_seen_is_not_handed_in(loan: Loan, who: People) -> None:
    client = client_of(who.officer)
    sent = {"kind": "METHOD", "method": "EQUAL_PRINCIPAL", "reason": "客户申请办理", "seen": "0" * 32}
    reply = client.post(reverse("loans:change_new", args=[loan.pk]), sent)
    assert reply.status_code == 409 and "有变动" in reply.content.decode()
    assert not ContractChange.objects.exists()


def test_two_people_decide_and_the_borrower_signs_before_it_applies(loan: Loan, who: People) -> None:
    ask(who.officer, loan, "METHOD", method="EQUAL_PRINCIPAL")
    change = ContractChange.objects.get()
    own = page_of(client_of(who.officer), "change", change.pk)
    assert reverse("loans:change_decide", args=[change.pk]) not in own
    assert reverse("loans:change_decide", args=[change.pk]) in page_of(client_of(who.manager), "change", change.pk)
    assert step(who.manager, "change_decide", change, decision="approve").status_code == 302
    assert step(who.officer, "change_sign", change, note="柜面签署补充协议").status_code == 302
    assert step(who.officer, "change_apply", change).status_code == 302
    change.refresh_from_db()
    assert change.state == "APPLIED"
    assert Terms.objects.filter(loan_id=loan.pk).order_by("-version")[0].source_id == change.pk
    assert reverse("loans:change", args=[change.pk]) in page_of(client_of(who.officer), "contract", loan.pk)


def test_a_person_with_both_roles_cannot_decide_the_own_change(loan: Loan, who: People, branch: Any) -> None:
    both = make_staff(["LOAN_OFFICER", "BRANCH_MANAGER"], branch, name="兼岗")
    ask(both, loan, "METHOD", method="EQUAL_PRINCIPAL")
    change = ContractChange.objects.get()
    page = page_of(client_of(both), "change", change.pk)
    assert "须由另一人审批" in page and reverse("loans:change_decide", args=[change.pk]) not in page
    assert step(both, "change_decide", change, decision="approve").status_code == 422
    change.refresh_from_db()
    assert change.state == "PROPOSED"


def test_what_is_above_the_authority_says_so(loan: Loan, who: People) -> None:
    ask(who.officer, loan, "RESTRUCTURING", annual_rate_percent="3.1")
    change = ContractChange.objects.get()
    assert "超出您的审批权限" in page_of(client_of(who.manager), "change", change.pk)
    assert reverse("loans:change_decide", args=[change.pk]) in page_of(client_of(who.risk), "change", change.pk)


def test_a_loan_that_moved_is_named_and_cannot_be_approved(loan: Loan, who: People) -> None:
    ask(who.officer, loan, "METHOD", method="EQUAL_PRINCIPAL")
    change = ContractChange.objects.get()
    terms = Terms.objects.get(loan_id=loan.pk)
    Terms.objects.create(
        loan_id=loan.pk, version=terms.version + 1, effective_on=TODAY, principal=terms.principal,
        annual_rate_percent=terms.annual_rate_percent, installment_amount=terms.installment_amount,
        first_number=terms.first_number, installments=terms.installments, engine_version=terms.engine_version,
        schedule_sha256=terms.schedule_sha256, principal_fen=terms.principal_fen, interest_fen=terms.interest_fen,
    )  # fmt: skip
    page = page_of(client_of(who.manager), "change", change.pk)
    assert "合同条款由第 1 版变为第 2 版" in page and "已变" in page and 'value="approve"' not in page
    reply = step(who.manager, "change_decide", change, decision="approve", note="同意办理")
    assert reply.status_code == 409 and "同意办理" in reply.content.decode()
    change.refresh_from_db()
    assert change.state == "PROPOSED"


def test_a_write_off_shows_what_leaves_the_books_and_the_claim_that_stays(loan: Loan, who: People) -> None:
    apply(signed(loan, "ACCELERATION", who, who.risk), who)
    owed = charges_owed(loan, TODAY)
    client = client_of(who.officer)
    asked = page_of(client, "change_new", loan.pk, kind="WRITE_OFF")
    sent = {**hidden(asked), "reason": "诉讼终结，认定为呆账", "evidence": SimpleUploadedFile("认定书.pdf", PDF)}
    assert client.post(reverse("loans:change_new", args=[loan.pk]), sent).status_code == 302
    change = ContractChange.objects.get(kind="WRITE_OFF")
    pages = (asked, page_of(client, "change", change.pk), page_of(client, "change_print", change.pk))
    for page in pages:
        assert "981,133.31" in page and f"{owed.total:,.2f}" in page and "账销案存的债权" in page
        assert "剩余期数" not in page


def test_an_old_form_does_not_decide(loan: Loan, who: People) -> None:
    ask(who.officer, loan, "METHOD", method="EQUAL_PRINCIPAL")
    change = ContractChange.objects.get()
    path = reverse("loans:change_decide", args=[change.pk])
    for version in ("7", "x", "", "-1", "１"):
        reply = client_of(who.manager).post(path, {"version": version, "decision": "approve"})
        assert reply.status_code == 422 and "没有这个版本" in reply.content.decode(), version
    change.refresh_from_db()
    assert change.state == "PROPOSED"


def test_a_rejection_needs_its_reason_and_a_withdrawal_too(loan: Loan, who: People) -> None:
    ask(who.officer, loan, "METHOD", method="EQUAL_PRINCIPAL")
    change = ContractChange.objects.get()
    assert step(who.manager, "change_decide", change, decision="reject").status_code == 422
    assert step(who.officer, "change_withdraw", change, reason="错").status_code == 422
    assert step(who.manager, "change_decide", change, decision="reject", note="收入证明不全").status_code == 302
    assert "收入证明不全" in page_of(client_of(who.officer), "change", change.pk)


def test_a_prepayment_goes_from_the_comparison_to_the_ledger_and_back(loan: Loan, who: People) -> None:
    compared = page_of(client_of(who.officer), "prepay", loan.pk, amount="200000")
    (link,) = re.findall(r'href="([^"]*effect=LOWER_INSTALLMENT[^"]*)"', compared)
    client = client_of(who.officer)
    page = client.get(link.replace("&amp;", "&")).content.decode()
    client.post(reverse("loans:change_new", args=[loan.pk]), {**hidden(page), "reason": "客户年终奖还款"})
    change = ContractChange.objects.get()
    step(who.manager, "change_decide", change, decision="approve")
    step(who.officer, "change_sign", change, note="柜面签署补充协议")
    waiting = step(who.officer, "change_apply", change)
    assert waiting.status_code == 422 and "还差 200,200.00" in waiting.content.decode().replace(
        "200200.00", "200,200.00"
    )
    pay(loan, change.principal + change.interest, TODAY, "A1")
    assert step(who.officer, "change_apply", change).status_code == 302
    assert Posting.objects.filter(kind="PREPAYMENT", source_id=change.pk).exists()
    traced = page_of(client_of(who.officer), "postings", loan.pk, kind="PREPAYMENT", source=str(change.pk))
    assert "200,000.00" in traced and "200.00" in traced
    assert step(who.officer, "change_reverse", change, reason="客户操作失误").status_code == 403
    assert step(who.manager, "change_reverse", change, reason="客户操作失误").status_code == 302
    change.refresh_from_db()
    assert (change.state, change.ended_by, change.ended_on) == ("REVERSED", who.manager, TODAY)
    ended = page_of(client_of(who.officer), "change", change.pk).split("<dt>已冲正</dt>")[1].split("</dd>")[0]
    assert who.manager.name in ended and str(TODAY) in ended and "客户操作失误" in ended


def test_the_list_is_narrowed_and_says_what_waits_for_whom(loan: Loan, who: People, branch: Any) -> None:
    first = propose(loan, "METHOD", who, method="EQUAL_PRINCIPAL")
    other = e1_loan(branch=branch)
    second = propose(other, "RESTRUCTURING", who, annual_rate_percent="3.1")
    path = reverse("loans:changes")

    def ids(staff: Any, **query: str) -> set[int]:
        return {int(pk) for pk in re.findall(r">#(\d+)</a>", client_of(staff).get(path, query).content.decode())}

    assert ids(who.officer) == {first.pk, second.pk} == ids(who.manager)
    assert ids(who.manager, mine="1") == {first.pk} and ids(who.risk, mine="1") == {first.pk, second.pk}
    assert ids(who.officer, mine="1") == set()
    assert ids(who.manager, kind="RESTRUCTURING") == {second.pk}
    assert ids(who.manager, state="APPLIED") == set() and ids(who.manager, loan_note_no=loan.loan_note_no) == {first.pk}
    count = client_of(who.risk).get(reverse("loans:changes_waiting")).content.decode()
    assert ">2<" in count
    step(who.manager, "change_decide", first, decision="approve")
    assert ids(who.officer, mine="1") == {first.pk}
    stranger = make_staff("BRANCH_MANAGER", make_branch())
    assert ids(stranger) == set() == ids(stranger, mine="1")


def test_names_are_masked_except_for_the_portfolio_officer(loan: Loan, who: People) -> None:
    change = propose(loan, "METHOD", who, method="EQUAL_PRINCIPAL")
    name = loan.borrower.name
    assert name in page_of(client_of(who.officer), "change", change.pk)
    assert name not in page_of(client_of(who.manager), "change", change.pk)
    assert name in client_of(who.officer).get(reverse("loans:changes")).content.decode()
    assert name not in client_of(who.manager).get(reverse("loans:changes")).content.decode()


def test_the_paper_names_the_borrower_who_signs_it_and_its_printing_is_recorded(
    loan: Loan, who: People, branch: Any
) -> None:
    change = propose(loan, "METHOD", who, method="EQUAL_PRINCIPAL")
    name = loan.borrower.name
    operations, auditor = make_staff("OPERATIONS", branch), make_staff("AUDITOR", branch)
    for staff in (who.officer, who.manager, operations):
        assert name in page_of(client_of(staff), "change_print", change.pk)
    for staff in (who.risk, auditor):
        assert name not in page_of(client_of(staff), "change_print", change.pk)
    told = Entry.objects.filter(kind="loans.change_printed", subject_id=change.pk, loan_id=loan.pk).order_by("id")
    assert [(each.actor, each.data["is_name_full"], each.data["sha256"]) for each in told] == [
        (staff.staff_no, is_full, change.result_sha256)
        for staff, is_full in (
            (who.officer, True), (who.manager, True), (operations, True), (who.risk, False), (auditor, False)
        )
    ]  # fmt: skip
    assert not any(name in str(each.data) for each in told)


def test_the_paper_of_another_branch_is_neither_shown_nor_recorded(loan: Loan, who: People) -> None:
    change = propose(loan, "METHOD", who, method="EQUAL_PRINCIPAL")
    stranger = client_of(make_staff("BRANCH_MANAGER", make_branch()))
    before = Entry.objects.count()
    for name in ("change_print", "change_evidence"):
        assert stranger.get(reverse(f"loans:{name}", args=[change.pk])).status_code == 404
    assert Entry.objects.count() == before


def test_rows_come_page_by_page(loan: Loan, who: People) -> None:
    change = propose(loan, "METHOD", who, method="EQUAL_PRINCIPAL")
    client = client_of(who.officer)
    path = reverse("loans:change_rows", args=[change.pk])
    numbers = [row.number for row in preview_of(change).rows_after]
    last = client.get(path, {"from": str(numbers[-1])}, headers={"HX-Request": "true"}).content.decode()
    assert last.lstrip().startswith('<div id="change-rows">') and f">{numbers[-1]}</td>" in last
    for odd in ("0", "x", "9999", "-3"):
        assert client.get(path, {"from": odd}).status_code == 200


def test_pages_of_changes_ask_the_same_number_of_queries(loan: Loan, who: People, branch: Any) -> None:
    change = propose(loan, "METHOD", who, method="EQUAL_PRINCIPAL")
    manager, officer = client_of(who.manager), client_of(who.officer)

    def count(client: Client, path: str, query: dict[str, str] | None = None) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path, query or {}).status_code == 200
        return len(queries)

    one = count(manager, reverse("loans:changes"))
    for _each in range(4):
        propose(e1_loan(branch=branch), "METHOD", who, method="EQUAL_PRINCIPAL")
    assert count(manager, reverse("loans:changes")) == one <= 12
    assert count(manager, reverse("loans:change", args=[change.pk])) <= 24
    assert count(manager, reverse("loans:change_print", args=[change.pk])) <= 24
    other = e1_loan(branch=branch, officer=who.officer)
    assert count(officer, reverse("loans:prepay", args=[other.pk]), {"amount": "200000"}) <= 75
    query = {"kind": "METHOD", "method": "EQUAL_PRINCIPAL"}
    assert count(officer, reverse("loans:change_new", args=[other.pk]), query) <= 32
