"""Files of money, the break queue and refunds as people and programs meet them."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config import files_page
from loans.actions import ReceiptRow, post_receipts
from loans.models import DebitInstruction, MoneyFile, MoneyReturn, Position, Receipt, ReceiptBreak, Refund
from tests.factories import AT, book_loan, make_staff
from tests.web.api_bank import TODAY, Bank, make_bank
from tests.web.test_api_hostile import AMOUNTS

HEADER = "loan,amount,value_on,channel,serial\n"
UPLOAD = "/receipts/files/new/"
NOTE = "付款附言写错借据号"


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def client_of(bank: Bank, staff: Any = None) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(staff or bank.staff["operations"], backend="django.contrib.auth.backends.ModelBackend")
    return client


def csv(bank: Bank, *rows: str) -> bytes:
    loan = bank.loans["home"].loan_note_no
    return (HEADER + "".join(row.replace("HOME", loan) + "\n" for row in rows)).encode()


def send(client: Client, content: bytes, **more: str) -> Any:
    return client.post(UPLOAD, {"file": SimpleUploadedFile("收款.csv", content), **more})


def counts() -> tuple[int, int, int]:
    return MoneyFile.objects.count(), Receipt.objects.count(), ReceiptBreak.objects.count()


def unmatched(bank: Bank, serial: str = "2") -> Receipt:
    client = client_of(bank)
    content = csv(bank, f"NOBODY,500.00,2026-11-01,CNAPS,{serial}")
    sha256 = send(client, content, verb="preview").context["report"].sha256
    assert send(client, content, verb="take", sha256=sha256).status_code == 302
    return Receipt.objects.get(serial=serial)


# ── Sending a file in ────────────────────────────────────────────────────────────────────────────


def test_a_file_is_looked_at_without_a_trace_and_then_taken_in(bank: Bank) -> None:
    client = client_of(bank)
    content = csv(
        bank, "HOME,100.00,2026-11-01,CNAPS,1", "NOBODY,500.00,2026-11-01,CNAPS,2",
        'HOME,"=HYPERLINK(""x"")",2026-11-01,CNAPS,3',
    )  # fmt: skip
    seen = send(client, content, verb="preview")
    text = seen.content.decode()
    assert seen.status_code == 200 and counts() == (0, 0, 0)
    assert "将入账" in text and "已入账" not in text
    assert "没有这个借据号或外部编号的贷款" in text and "确认入账" in text
    assert "=HYPERLINK(&quot;x&quot;)" in text
    report = seen.context["report"]
    assert (report.counts["rows"], report.counts["posted"], report.counts["breaks"]) == (3, 1, 2)
    done = send(client, content, verb="take", sha256=report.sha256)
    file = MoneyFile.objects.get()
    assert (done.status_code, done.headers["Location"]) == (302, reverse("loans:file", args=[file.pk]))
    assert (file.name, file.actor, counts()) == ("收款.csv", bank.staff["operations"].staff_no, (1, 2, 2))
    page = client.get(reverse("loans:file", args=[file.pk])).content.decode()
    assert file.sha256 in page and "差异" in page


def test_the_same_file_is_refused_and_nothing_happens(bank: Bank) -> None:
    client, content = client_of(bank), csv(bank, "HOME,100.00,2026-11-01,CNAPS,1")
    sha256 = send(client, content, verb="preview").context["report"].sha256
    send(client, content, verb="take", sha256=sha256)
    before = counts()
    again = send(client, content, verb="preview").content.decode()
    assert "不会再次入账" in again and "确认入账" not in again
    refused = send(client, content, verb="take", sha256=sha256)
    assert refused.status_code == 409 and "不会再次入账" in refused.content.decode()
    assert counts() == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "空"),
        (b"loan,amount\n", "表头"),
        (HEADER.encode() + b"A,1.00,2026-11-01,CNAPS,x\x00y\n" + b"A,1.00,2026-11-01,CNAPS,1\n" * 20, "NUL"),
        (b"PK\x03\x04" + b"x" * 50, "Excel"),
        (HEADER.encode("utf-16"), "UTF-16"),
        (HEADER.encode() + b"\xff\xff\xff\n", "GB18030"),
        (HEADER.encode() + b'A,"1.00\n', "CSV"),
    ],
)
def test_what_is_no_such_file_is_refused_with_a_sentence(bank: Bank, content: bytes, words: str) -> None:
    for verb in ("preview", "take"):
        refused = send(client_of(bank), content, verb=verb, sha256="0" * 64)
        assert refused.status_code == 422, refused.content.decode()[:500]
        assert words in refused.content.decode() or verb == "take"
    assert counts() == (0, 0, 0)


def test_a_file_too_large_or_too_long_or_another_than_previewed_is_refused(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, content = client_of(bank), csv(bank, *(f"HOME,1.00,2026-11-01,CNAPS,{n}" for n in range(5)))
    other = send(client, csv(bank, "HOME,1.00,2026-11-01,CNAPS,9"), verb="preview").context["report"].sha256
    for sha256 in (other, "", "x" * 64):
        assert send(client, content, verb="take", sha256=sha256).status_code == 422
    assert client.post(UPLOAD, {"verb": "preview"}).status_code == 422
    assert client.post(UPLOAD, {"verb": "preview", "file": "text"}).status_code == 422
    monkeypatch.setattr(files_page, "MOST_ROWS", 4)
    assert "4" in send(client, content, verb="preview").content.decode()
    monkeypatch.setattr(files_page, "LARGEST", 10)
    assert send(client, content, verb="preview").status_code == 422
    assert counts() == (0, 0, 0)


# ── Debits, breaks, refunds on pages ─────────────────────────────────────────────────────────────


def test_debits_are_made_once_a_date_and_downloaded_as_they_went_out(bank: Bank) -> None:
    client = client_of(bank)
    assert "生成今日扣款" in client.get(reverse("loans:files")).content.decode()
    for _twice in (1, 2):
        assert client.post(reverse("loans:make_debits")).status_code == 302
    file = MoneyFile.objects.get()
    paths = reverse("loans:debit_download", args=[file.pk])
    first, second = client.get(paths), client.get(paths)
    assert first.content == second.content and first.content.startswith(b"serial,loan,amount,value_on\n")
    assert first.headers["Content-Disposition"] == 'attachment; filename="debits-20261101.csv"'
    assert "生成今日扣款" not in client.get(reverse("loans:files")).content.decode()
    api = bank.api("operations")
    assert api.get(f"money-files/{file.pk}/content/").content == first.content
    assert api.post("debits/", {}, key="d").status_code == 200


def test_a_file_of_debits_shows_what_became_of_each(bank: Bank) -> None:
    overdue = book_loan(bank.home, days_past_due=40)
    client, api = client_of(bank), bank.api("operations")
    client.post(reverse("loans:make_debits"))
    file = MoneyFile.objects.get()
    DebitInstruction.objects.filter(loan=overdue).update(result="FAILED", failure="余额不足")
    path = reverse("loans:file", args=[file.pk])
    assert overdue.loan_note_no in client.get(path).content.decode()
    failed, waiting = (client.get(path, {"result": each}).content.decode() for each in ("FAILED", "PENDING"))
    assert overdue.loan_note_no in failed and "余额不足" in failed and overdue.loan_note_no not in waiting
    rows = api.get(f"money-files/{file.pk}/debits/", result="FAILED").json()["results"]
    assert [(row["loan_id"], row["result"], row["failure"]) for row in rows] == [(overdue.pk, "FAILED", "余额不足")]
    assert api.get(f"money-files/{file.pk}/debits/", result="LOST").status_code == 400

    def counted() -> list[int]:
        found = []
        for ask in (lambda: client.get(path), lambda: api.get(f"money-files/{file.pk}/debits/")):
            ask()
            with CaptureQueriesContext(connection) as queries:
                assert ask().status_code == 200
            found.append(len(queries))
        return found

    before = counted()
    DebitInstruction.objects.bulk_create(
        DebitInstruction(file=file, serial=f"M{n}", loan=bank.loans["home"], amount=1, value_on=TODAY)
        for n in range(20)
    )
    assert counted() == before and max(before) < 16


def test_an_unmatched_receipt_is_found_its_loan_on_the_page(bank: Bank) -> None:
    receipt, client, loan = unmatched(bank), client_of(bank), bank.loans["home"]
    path = reverse("loans:settle_receipt", args=[receipt.pk])
    assert path in client.get(reverse("loans:breaks")).content.decode()
    assert path in client.get(reverse("loans:receipts") + "?state=UNMATCHED").content.decode()
    shown = client.get(path, {"loan": loan.external_id}).content.decode()
    assert loan.loan_note_no in shown and "匹配并入账" in shown
    assert "没有这笔贷款" in client.get(path, {"loan": "NOBODY"}).content.decode()
    for posted in ({"loan": "NOBODY", "note": NOTE}, {"loan": loan.loan_note_no, "note": "短"}):
        refused = client.post(path, {"verb": "match", **posted})
        assert refused.status_code == 422 and refused.context["note"] == posted["note"]
    assert client.post(path, {"verb": "match", "loan": loan.loan_note_no, "note": NOTE}).status_code == 302
    receipt.refresh_from_db()
    assert (receipt.state, receipt.loan_id) == ("POSTED", loan.pk)
    late = client.post(path, {"verb": "return", "note": "原路退回付款行"})
    assert late.status_code == 409 and bank.staff["operations"].name in late.content.decode()
    assert path not in client.get(reverse("loans:breaks")).content.decode()
    settled = client.get(reverse("loans:breaks") + "?state=RESOLVED").content.decode()
    assert "已入账" in settled


def test_the_same_money_twice_is_pointed_out(bank: Bank) -> None:
    receipt, loan = unmatched(bank), bank.loans["home"]
    row = ReceiptRow(loan.loan_note_no, Decimal("500.00"), TODAY, "COUNTER", "K-77")
    post_receipts(rows=[row], by="system", at=AT)
    path = reverse("loans:settle_receipt", args=[receipt.pk])
    shown = client_of(bank).get(path, {"loan": loan.loan_note_no}).content.decode()
    assert "请确认不是同一笔钱" in shown and "K-77" in shown


def overpaid(bank: Bank) -> Any:
    loan = book_loan(bank.home)
    row = ReceiptRow(loan.loan_note_no, Decimal("2000.00"), TODAY, "CNAPS", "over")
    post_receipts(rows=[row], by="system", at=AT)
    return loan


def test_a_refund_is_asked_for_by_one_and_decided_by_another(bank: Bank) -> None:
    loan, client = overpaid(bank), client_of(bank)
    path = reverse("loans:propose_refund", args=[loan.pk])
    for amount in ("2,000.01", "1e3", "-5", "NaN", "٣", "1.234", "", "１２．３４５"):
        refused = client.post(path, {"amount": amount, "reason": "客户多还退回"})
        assert refused.status_code == 422 and not Refund.objects.exists()
    done = client.post(path, {"amount": "１，２３４．５６", "reason": "客户多还退回"}, follow=True)
    refund = Refund.objects.get()
    assert refund.amount == Decimal("1234.56") and "1,234.56" in done.content.decode()
    part = client.get(path, {"amount": "\uff11\uff0c\uff12\uff13\uff14.5"}, headers={"HX-Request": "true"})
    assert "1,234.50" in part.content.decode() and "<html" not in part.content.decode()
    wrong = client.get(path, {"amount": "1e3"}, headers={"HX-Request": "true"})
    assert 'class="fault"' in wrong.content.decode()
    own = reverse("loans:refund", args=[refund.pk])
    assert "同意退款" not in client.get(own).content.decode()
    assert client.post(own, {"verb": "approve"}).status_code == 422
    checker = make_staff("OPERATIONS", bank.staff["operations"].branch, "田野")
    second = client_of(bank, checker)
    assert "同意退款" in second.get(own).content.decode()
    assert second.post(own, {"verb": "reject", "note": ""}).status_code == 422
    assert second.post(own, {"verb": "approve"}).status_code == 302
    assert Position.objects.get(loan=loan).suspense == Decimal("765.44")
    third = client_of(bank, make_staff("OPERATIONS", bank.staff["operations"].branch, "沈三"))
    late = third.post(own, {"verb": "reject", "note": "再看一看"})
    assert late.status_code == 409 and "田野" in late.content.decode()
    assert "1,234.56" in client.get(reverse("loans:refunds")).content.decode()


def test_hostile_words_on_the_pages_end_in_a_sentence(bank: Bank) -> None:
    receipt, client, loan = unmatched(bank), client_of(bank), overpaid(bank)
    row = ReceiptBreak.objects.get()
    for text in ("\x00" * 9, "看不见\u202e的字符", "x" * 100_000, "{{7*7}}<script>", "'; DROP TABLE x;--"):
        for name in ("loans:breaks", "loans:files", "loans:refunds"):
            for key in ("kind", "state", "file", "money", "serial", "loan", "loan_note_no", "cursor", "business_date"):
                assert client.get(reverse(name), {key: text[:400]}).status_code == 200, (name, key, text[:20])
        settle = reverse("loans:settle_receipt", args=[receipt.pk])
        assert client.get(settle, {"loan": text[:400]}).status_code == 200
        assert client.post(settle, {"verb": "match", "loan": text, "note": NOTE}).status_code == 422
        refund = reverse("loans:propose_refund", args=[loan.pk])
        assert client.post(refund, {"amount": text, "reason": text}).status_code == 422
    for note in ("\x00" * 9, "看不见\u202e的字符", "x" * 100_000):
        assert client.post(reverse("loans:close_break", args=[row.pk]), {"note": note}).status_code == 422
        assert client.post(settle, {"verb": "return", "note": note}).status_code == 422
    receipt.refresh_from_db()
    assert receipt.state == "UNMATCHED"


def many(bank: Bank, count: int, start: int) -> None:
    client = client_of(bank)
    receipt = Receipt(channel="CNAPS", loan_ref="NOBODY", amount=1, value_on=TODAY, state="UNMATCHED", received_at=AT)
    for n in range(start, start + count):
        receipt.pk, receipt.serial = None, f"R{n}"
        receipt.save(force_insert=True)
        MoneyReturn.objects.create(
            receipt_id=receipt.pk, reason="x", proposed_by=bank.staff["operations"], proposed_at=AT
        )
        content = csv(bank, f"NOBODY,500.00,2026-11-01,CNAPS,{n}", f"NOBODY,1e2,2026-11-01,CNAPS,x{n}")
        sha256 = send(client, content, verb="preview").context["report"].sha256
        send(client, content, verb="take", sha256=sha256)
        loan = book_loan(bank.home)
        Refund.objects.create(loan=loan, amount=1, reason="x", proposed_by=bank.staff["operations"], proposed_at=AT)


def test_lists_cost_the_same_however_many_rows_they_show(bank: Bank) -> None:
    client, api = client_of(bank), bank.api("operations")
    asked: list[Callable[[], Any]] = [
        *(lambda name=name: client.get(reverse(name)) for name in ("loans:files", "loans:breaks", "loans:refunds")),  # type: ignore[misc]
        *(lambda path=path: api.get(path) for path in ("money-files/", "breaks/", "refunds/", "returns/")),  # type: ignore[misc]
    ]

    def costs() -> list[int]:
        found = []
        for ask in asked:
            ask()
            with CaptureQueriesContext(connection) as seen:
                assert ask().status_code == 200
            found.append(len(seen))
        return found

    many(bank, 1, 0)
    few = costs()
    many(bank, 4, 10)
    assert costs() == few and max(few) <= 16, few


def test_the_queue_is_read_page_by_page(bank: Bank) -> None:
    content = csv(bank, *(f"HOME,1e2,2026-11-01,CNAPS,{n}" for n in range(60)))
    client = client_of(bank)
    sha256 = send(client, content, verb="preview").context["report"].sha256
    send(client, content, verb="take", sha256=sha256)
    lines: list[int] = []
    path = reverse("loans:breaks")
    while path:
        page = client.get(path).context
        lines += [each["row"].line for each in page["rows"]]
        path = f"{reverse('loans:breaks')}?cursor={page['page'].next}" if page["page"].next else ""
    assert lines == list(range(2, 62))
    assert len(bank.api("operations").get("breaks/", page_size=50).json()["results"]) == 50


def test_the_pages_have_their_english(bank: Bank) -> None:
    receipt, client = unmatched(bank), client_of(bank)
    client.cookies["django_language"] = "en"
    assert "Settle" in client.get(reverse("loans:breaks")).content.decode()
    page = client.get(reverse("loans:settle_receipt", args=[receipt.pk])).content.decode()
    assert "Unmatched receipt" in page and "匹配" not in page


# ── The API ──────────────────────────────────────────────────────────────────────────────────────


def test_amounts_over_the_api_are_digits_in_a_string_and_nothing_else(bank: Bank) -> None:
    loan, api = overpaid(bank), bank.api("operations")
    for n, amount in enumerate(AMOUNTS):
        body = {"loan": loan.loan_note_no, "amount": amount, "reason": "客户多还退回"}
        reply = api.post("refunds/", body, key=f"a{n}")
        assert reply.status_code == 400, (amount, reply.content)
    assert not Refund.objects.exists()


def test_a_return_over_the_api_takes_two(bank: Bank) -> None:
    api, receipt = bank.api("operations"), unmatched(bank)
    made = api.post(f"receipts/{receipt.pk}/return/", {"note": "原路退回付款行"}, key="r")
    assert (made.status_code, made.json()["state"], made.json()["receipt"]["state"]) == (201, "PROPOSED", "UNMATCHED")
    number = made.json()["id"]
    own = api.post(f"returns/{number}/decide/", {"approve": True}, key="o")
    assert (own.status_code, own.json()["error"]["code"]) == (422, "return_needs_second_person")
    match = {"loan": bank.loans["home"].loan_note_no, "note": NOTE}
    assert api.post(f"receipts/{receipt.pk}/match/", match, key="m").json()["error"]["code"] == "return_is_open"
    assert api.get("returns/", state="PROPOSED").json()["results"][0]["id"] == number
    second = client_of(bank, make_staff("OPERATIONS", bank.staff["operations"].branch, "田野"))
    assert "退回待复核" in second.get(reverse("loans:breaks")).content.decode()
    path = reverse("loans:settle_receipt", args=[receipt.pk])
    assert "同意退回" in second.get(path).content.decode()
    assert "同意退回" not in client_of(bank).get(path).content.decode()
    assert client_of(bank).post(path, {"verb": "approve"}).status_code == 422
    assert second.post(path, {"verb": "reject"}).status_code == 422
    assert second.post(path, {"verb": "approve"}).status_code == 302
    assert Receipt.objects.get().state == "RETURNED"
    assert second.post(path, {"verb": "approve"}).status_code == 409
    late = api.post(f"returns/{number}/decide/", {"approve": False, "note": "再看一看"}, key="l")
    assert (late.status_code, late.json()["error"]["code"]) == (409, "return_is_decided")


def test_a_refund_over_the_api(bank: Bank) -> None:
    loan, api = overpaid(bank), bank.api("operations")
    body = {"loan": loan.loan_note_no, "amount": "100.00", "reason": "客户多还退回"}
    assert api.post("refunds/", body).status_code == 400
    made = api.post("refunds/", body, key="r")
    assert made.status_code == 201 and api.post("refunds/", body, key="r").json() == made.json()
    number = made.json()["id"]
    own = api.post(f"refunds/{number}/decide/", {"approve": True}, key="o")
    assert (own.status_code, own.json()["error"]["code"]) == (422, "refund_needs_second_person")
    for approve in ("true", 1, None, "yes"):
        assert api.post(f"refunds/{number}/decide/", {"approve": approve}, key=f"x{approve}").status_code == 400
    too_much = api.post("refunds/", {**body, "amount": "99999.00"}, key="m")
    assert too_much.json()["error"]["code"] == "refund_exceeds_suspense"
    assert api.post("refunds/", body, key="again").json()["error"]["code"] == "refund_is_open"
    assert api.get("refunds/", state="PROPOSED").json()["results"][0]["amount"] == "100.00"


def test_a_file_over_the_api_is_looked_at_or_taken_in(bank: Bank) -> None:
    api = bank.api("operations")
    content = csv(bank, "HOME,100.00,2026-11-01,CNAPS,1", "NOBODY,500.00,2026-11-01,CNAPS,2").decode()
    body = {"kind": "RECEIPTS", "name": "r.csv", "content": content}
    seen = api.post("money-files/", {**body, "dry_run": True}, key="s").json()
    assert (seen["id"], seen["posted"], seen["breaks"], counts()) == (None, 1, 1, (0, 0, 0))
    assert seen["problems"] == [
        {"row": 3, "column": "loan", "value": "NOBODY", "reason": "没有这个借据号或外部编号的贷款"}
    ]
    done = api.post("money-files/", body, key="t")
    assert done.status_code == 201 and done.json()["id"] == MoneyFile.objects.get().pk
    again = api.post("money-files/", body, key="u")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "file_already_taken")
    for wrong in ("", "x", HEADER + "a,1\n" * 2500):
        reply = api.post("money-files/", {**body, "content": wrong}, key=f"w{len(wrong)}")
        assert reply.status_code in (400, 422), wrong[:40]
    found = api.get("breaks/").json()["results"]
    assert [(each["line"], each["reason"], each["receipt"]["state"]) for each in found] == [
        (3, "没有这个借据号或外部编号的贷款", "UNMATCHED")
    ]
    money = api.post(f"breaks/{found[0]['id']}/close/", {"note": "渠道已重发文件"})
    assert (money.status_code, money.json()["error"]["code"]) == (422, "break_holds_money")
    receipt = found[0]["receipt"]["id"]
    match = {"loan": bank.loans["home"].loan_note_no, "note": NOTE}
    matched = api.post(f"receipts/{receipt}/match/", match, key="match")
    assert (matched.status_code, matched.json()["state"]) == (200, "POSTED")
    late = api.post(f"receipts/{receipt}/return/", {"note": "原路退回付款行"}, key="back")
    assert (late.status_code, late.json()["error"]["code"]) == (409, "receipt_is_settled")


def test_a_receipt_of_absurd_days_is_refused(bank: Bank) -> None:
    rows = [
        f"HOME,1.00,{day},CNAPS,{n}"
        for n, day in enumerate(("0001-01-01", "9999-12-31", "2026-02-30", "2023-01-19", "2026-10-30", "2099-01-01"))
    ]
    client, content = client_of(bank), csv(bank, *rows)
    report = send(client, content, verb="preview").context["report"]
    assert (report.counts["rows"], report.counts["refused"]) == (6, 6)
    send(client, content, verb="take", sha256=report.sha256)
    assert not Receipt.objects.exists() and ReceiptBreak.objects.count() == 6
    assert date(2026, 10, 31) == bank.loans["home"].baseline_on


def test_an_auditor_reads_receipts_files_and_breaks_and_acts_on_none(bank: Bank) -> None:
    receipt = unmatched(bank)
    auditor = client_of(bank, bank.staff["auditor"])
    row = ReceiptBreak.objects.get(receipt=receipt)
    settle = reverse("loans:settle_receipt", args=[receipt.pk])
    pages = [reverse(f"loans:{name}") for name in ("receipts", "files", "breaks", "refunds")]
    pages += [settle, reverse("loans:file", args=[row.file_id]), reverse("loans:close_break", args=[row.pk])]
    for path in pages:
        shown = auditor.get(path)
        text = shown.content.decode()
        main = text[text.index('id="content"') :]
        assert shown.status_code == 200 and 'method="post"' not in main and "btn-primary" not in main, path
    assert reverse("loans:receipts") in auditor.get(reverse("loans:list")).content.decode()
    before = counts()
    for path in (settle, reverse("loans:close_break", args=[row.pk]), reverse("loans:make_debits")):
        assert auditor.post(path, {"verb": "return", "note": "原路退回付款行"}).status_code == 403, path
    assert counts() == before and Receipt.objects.get(pk=receipt.pk).state == "UNMATCHED"
