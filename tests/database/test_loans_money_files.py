"""Files of money: debits out once a date, answers back, receipts; nothing is lost and nothing counts twice."""

import csv
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from config import money_file
from config.boarding_file import TapeRefused
from journal.models import Entry
from loans.actions import FileAlreadyTaken, debit_content, make_debits
from loans.actions.debits import DebitFileDiffers
from loans.batch import bill, subsidise
from loans.models import DebitInstruction, Fee, MoneyFile, Position, Posting, Receipt, ReceiptBreak
from loans.queries.charges import charges_owed
from people.actions import NotAllowed
from tests.contracts import disbursed, operator
from tests.database.test_loans_subsidy import FIRST, HOME, open_on
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 1)
ANSWER = "serial,result,paid,value_on,core_serial,reason\n"


def owing(**given: Any) -> Any:
    """A loan with arrears taken over."""
    return book_loan(days_past_due=40, **given)


def asked_of(file: MoneyFile) -> dict[str, Decimal]:
    rows = list(csv.reader(StringIO(debit_content(file).decode())))
    assert rows[0] == ["serial", "loan", "amount", "value_on"] and rows[-1][0] == "TOTAL"
    return {row[1]: Decimal(row[2]) for row in rows[1:-1]}


def answers(path: Path, *rows: str, total: str | None = None) -> Path:
    """A file of answers with its control line."""
    paid = total or str(sum((Decimal(row.split(",")[2] or "0") for row in rows), Decimal("0.00")))
    path.write_text(ANSWER + "".join(f"{row}\n" for row in rows) + f"TOTAL,{len(rows)},{paid},,,\n", encoding="utf-8")
    return path


def take(path: Path) -> dict[str, Any]:
    return dict(money_file.take_in(path, by="system", clock=lambda: AT).counts)


def state() -> tuple[Any, ...]:
    """Everything that taking a file in may touch."""
    models = (MoneyFile, DebitInstruction, Receipt, ReceiptBreak, Posting, Position, Entry)
    return tuple(list(model.objects.order_by("pk").values()) for model in models)


# ── Out ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_debit_asks_for_arrears_charges_fees_and_what_falls_due_today_less_suspense() -> None:
    quiet, late, due = book_loan(), owing(), book_loan(due_day=1, disbursed_on=date(2023, 1, 1))
    rich = book_loan(due_day=1, disbursed_on=date(2023, 1, 1))
    Position.objects.filter(loan=rich).update(suspense=Decimal("1000.00"))
    Fee.objects.create(
        loan=late, code="LETTER", amount=Decimal("50.00"), charged_on=DAY, reason="催收函", charged_by="system"
    )
    Position.objects.filter(loan=late).update(fees_due=Decimal("50.00"))
    file, is_new = make_debits(by="system", at=AT)
    asked = asked_of(file)
    owed = charges_owed(late, DAY)
    assert is_new and quiet.loan_note_no not in asked
    assert owed.fees == Decimal("50.00") and asked[late.loan_note_no] == owed.total > owed.principal
    bill(as_of=DAY, at=AT)
    billed = charges_owed(due, DAY).total
    assert asked[due.loan_note_no] == billed > 0
    assert asked[rich.loan_note_no] == billed - Decimal("1000.00")
    assert file.counts == {"rows": 3, "amount": str(sum(asked.values()))}


def test_what_the_treasury_bears_is_not_asked_of_the_borrower() -> None:
    loan = disbursed(operator(), first_home=HOME)
    open_on(FIRST)
    asked = asked_of(make_debits(by="system", at=AT)[0])
    bill(as_of=FIRST, at=AT)
    subsidise(as_of=FIRST, at=AT)
    assert asked == {loan.loan_note_no: charges_owed(loan, FIRST).total} == {loan.loan_note_no: Decimal("3713.12")}


def test_a_date_has_one_file_and_it_is_downloaded_with_the_same_bytes() -> None:
    loan = owing()
    file, _new = make_debits(by="system", at=AT)
    content, before = debit_content(file), state()
    money_file_row, is_new = make_debits(by="system", at=AT)
    assert (money_file_row.pk, is_new, state()) == (file.pk, False, before)
    assert debit_content(money_file_row) == content
    instruction = DebitInstruction.objects.get()
    assert (instruction.serial, instruction.result) == (f"DD20261101{loan.pk}", "PENDING")
    out, again = StringIO(), StringIO()
    for each in (out, again):
        call_command("make_debits", stdout=each, stderr=StringIO())
    assert out.getvalue().encode() == again.getvalue().encode() == content


def test_instructions_that_are_not_those_sent_are_not_sent_again() -> None:
    owing()
    file, _new = make_debits(by="system", at=AT)
    DebitInstruction.objects.update(amount=Decimal("1.00"))
    with pytest.raises(DebitFileDiffers):
        debit_content(file)


def test_money_on_its_way_is_not_asked_for_twice() -> None:
    from loans.actions import close_business_date

    loan = owing()
    first = asked_of(make_debits(by="system", at=AT)[0])[loan.loan_note_no]
    close_business_date(day=DAY, at=AT)
    second = asked_of(make_debits(by="system", at=AT)[0])
    # What is new are the charges of one day.
    assert second[loan.loan_note_no] == charges_owed(loan, date(2026, 11, 2)).total - first < Decimal("5.00")
    DebitInstruction.objects.update(result="FAILED", failure="余额不足")
    close_business_date(day=date(2026, 11, 2), at=AT)
    third = asked_of(make_debits(by="system", at=AT)[0])
    assert third[loan.loan_note_no] == charges_owed(loan, date(2026, 11, 3)).total > first


def test_debits_are_made_by_those_who_may() -> None:
    owing()
    officer, before = make_staff("LOAN_OFFICER", make_branch()), state()
    with pytest.raises(NotAllowed):
        make_debits(by=officer, at=AT)
    assert state() == before


# ── Back ─────────────────────────────────────────────────────────────────────────────────────────


def asked_three() -> tuple[list[DebitInstruction], dict[str, Any]]:
    loans = [owing() for _ in range(3)]
    make_debits(by="system", at=AT)
    return list(DebitInstruction.objects.order_by("loan_id")), {str(loan.pk): loan for loan in loans}


def test_answers_post_fail_or_become_breaks_and_nothing_is_lost(tmp_path: Path) -> None:
    (one, two, three), _loans = asked_three()
    path = answers(
        tmp_path / "back.csv",
        f"{one.serial},PAID,{one.amount},2026-11-01,C-1,",
        f"{two.serial},PARTIAL,100.00,2026-11-01,C-2,余额不足",
        f"{three.serial},FAILED,,2026-11-01,,账户冻结",
        f"{one.serial},PAID,{one.amount},2026-11-01,C-1,",
        f"{one.serial},PAID,{one.amount},2026-11-01,C-9,",
        "DD20261101999999,PAID,77.00,2026-11-01,C-3,",
        f"{three.serial},FAILED,,2026-11-01,,账户冻结",
        f"{two.serial},PARTIAL,60.00,2026-11-01,C-2,",
    )
    counts = take(path)
    assert counts["rows"] == 8 and counts["finished"]
    assert (counts["posted"], counts["duplicate"], counts["failed"], counts["breaks"]) == (2, 2, 1, 3)
    assert counts["rows"] == sum(counts[word] for word in ("posted", "waiting", "duplicate", "failed", "breaks"))
    assert counts["amount_posted"] == str(one.amount + 100)
    found = {each.serial: each for each in DebitInstruction.objects.select_related("receipt")}
    assert (found[one.serial].result, found[one.serial].paid) == ("PAID", one.amount)
    receipt = found[one.serial].receipt
    assert receipt and (receipt.channel, receipt.serial, receipt.state) == ("AUTO_DEBIT", "C-1", "POSTED")
    assert (found[two.serial].result, found[two.serial].paid) == ("PARTIAL", Decimal("100.00"))
    assert (found[three.serial].result, found[three.serial].failure) == ("FAILED", "账户冻结")
    breaks = {each.line: each for each in ReceiptBreak.objects.select_related("receipt")}
    assert {line: (each.column, each.reason) for line, each in breaks.items()} == {
        6: ("serial", "该指令已有不同的回盘结果"),
        7: ("serial", "没有这个指令号的扣款指令"),
        9: ("serial", "该指令已有不同的回盘结果"),
    }
    # Money that came with a break is kept as a receipt of nobody; the known serial of the core is no new money.
    assert [breaks[line].receipt is not None for line in (6, 7, 9)] == [True, True, False]
    kept = breaks[7].receipt
    assert kept and (kept.state, kept.loan_id, kept.amount) == ("UNMATCHED", None, Decimal("77.00"))
    assert breaks[7].row["core_serial"] == "C-3"


def test_money_that_is_more_or_less_than_asked_waits_for_a_person(tmp_path: Path) -> None:
    (one, two, _three), _loans = asked_three()
    before = list(Posting.objects.values())
    counts = take(
        answers(
            tmp_path / "back.csv",
            f"{one.serial},PAID,{one.amount + 1},2026-11-01,C-1,",
            f"{two.serial},PAID,{two.amount - 1},2026-11-01,C-2,",
        )
    )
    assert (counts["posted"], counts["unmatched"]) == (0, 2)
    assert list(Posting.objects.values()) == before
    assert set(DebitInstruction.objects.values_list("result", flat=True)) == {"PENDING"}
    assert set(Receipt.objects.values_list("loan_ref", "state")) == {
        (one.serial, "UNMATCHED"),
        (two.serial, "UNMATCHED"),
    }


def test_a_serial_of_the_core_that_was_used_for_another_payment_is_a_break(tmp_path: Path) -> None:
    (one, two, _three), _loans = asked_three()
    counts = take(
        answers(
            tmp_path / "back.csv",
            f"{one.serial},PAID,{one.amount},2026-11-01,C-1,",
            f"{two.serial},PAID,{two.amount},2026-11-01,C-1,",
        )
    )
    assert (counts["posted"], counts["refused"]) == (1, 1)
    assert DebitInstruction.objects.get(pk=two.pk).result == "PENDING"
    assert ReceiptBreak.objects.get().reason == "流水号已用于另一笔还款"


def test_rows_that_cannot_be_read_are_breaks_with_their_words(tmp_path: Path) -> None:
    (one, _two, _three), _loans = asked_three()
    rows = [
        f"{one.serial},PAID,1e2,2026-11-01,C-1,",
        f"{one.serial},PAID,{one.amount},2026-02-30,C-1,",
        f"{one.serial},OK,{one.amount},2026-11-01,C-1,",
        f'{one.serial},PAID,{one.amount},2026-11-01,"=HYPERLINK(""x"")",',
        f"{one.serial},PAID,{one.amount},2026-11-01,C-1,,surplus",
    ]
    counts = take(answers(tmp_path / "back.csv", *rows, total="1.00"))
    assert (counts["rows"], counts["breaks"], counts["posted"]) == (5, 5, 0)
    found = ReceiptBreak.objects.order_by("line").values_list("column", flat=True)
    assert list(found) == ["paid", "value_on", "result", "core_serial", ""]
    assert not Receipt.objects.exists()


def test_a_file_comes_in_once(tmp_path: Path) -> None:
    (one, _two, _three), _loans = asked_three()
    path = answers(tmp_path / "back.csv", f"{one.serial},PAID,{one.amount},2026-11-01,C-1,")
    take(path)
    before = state()
    with pytest.raises(FileAlreadyTaken):
        take(path)
    # Under another name or as part of a longer file nothing happens again either.
    path.rename(tmp_path / "other.csv")
    with pytest.raises(FileAlreadyTaken):
        take(tmp_path / "other.csv")
    assert state() == before
    longer = answers(
        tmp_path / "longer.csv",
        f"{one.serial},PAID,{one.amount},2026-11-01,C-1,",
        "DD1,FAILED,,2026-11-01,,无此账户",
    )
    assert (take(longer)["duplicate"], Receipt.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (ANSWER, "控制行"),
        (ANSWER + "DD1,PAID,1.00,2026-11-01,C-1,\n", "控制行"),
        (ANSWER + "DD1,PAID,1.00,2026-11-01,C-1,\nTOTAL,2,1.00,,,\n", "笔数"),
        (ANSWER + "DD1,PAID,1.00,2026-11-01,C-1,\nTOTAL,1,2.00,,,\n", "合计"),
        (
            ANSWER
            + "DD1,PAID,1.00,2026-11-01,C-1,a\x00b\n"
            + "DD1,FAILED,,2026-11-01,,x\n" * 20
            + "TOTAL,21,1.00,,,\n",
            "NUL",
        ),
        (ANSWER + 'DD1,PAID,1.00,2026-11-01,C-1,"open\nTOTAL,1,1.00,,,\n', "CSV"),
        ("serial,result\n", "表头"),
    ],
)
def test_a_file_that_is_cut_off_or_no_such_file_is_refused_as_a_whole(tmp_path: Path, content: str, words: str) -> None:
    owing()
    path, before = tmp_path / "back.csv", state()
    path.write_bytes(content.encode())
    with pytest.raises(CommandError, match=words) as caught:
        call_command("post_debits", str(path))
    assert caught.value.returncode == 2 and state() == before


def test_a_preview_says_what_taking_in_does_and_writes_nothing(tmp_path: Path) -> None:
    (one, two, _three), _loans = asked_three()
    path = answers(
        tmp_path / "back.csv",
        f"{one.serial},PAID,{one.amount},2026-11-01,C-1,",
        f"{two.serial},PAID,1.00,2026-11-01,C-2,",
        f"{one.serial},PAID,{one.amount},2026-11-01,C-1,",
        "DD9,FAILED,,2026-11-01,,无此账户",
    )
    before = state()
    seen = money_file.preview(path)
    assert state() == before and seen.before is None
    assert [(each.row, each.column) for each in seen.problems] == [(3, "result"), (5, "serial")]
    done = take(path)
    assert seen.counts == {name: value for name, value in done.items() if name != "finished"}
    assert money_file.preview(path).before is not None


def test_what_is_taken_in_is_what_was_previewed(tmp_path: Path) -> None:
    (one, _two, _three), _loans = asked_three()
    path = answers(tmp_path / "back.csv", f"{one.serial},PAID,{one.amount},2026-11-01,C-1,")
    before = state()
    with pytest.raises(TapeRefused):
        money_file.take_in(path, by="system", clock=lambda: AT, sha256="0" * 64)
    assert state() == before


def test_a_file_that_stopped_half_way_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loan = owing()
    path = tmp_path / "receipts.csv"
    rows = "".join(f"{loan.loan_note_no},1.00,2026-11-01,CNAPS,{n}\n" for n in range(5))
    path.write_text("loan,amount,value_on,channel,serial\n" + rows + "nobody,1.00,2026-11-01,CNAPS,x\n")
    monkeypatch.setattr(money_file, "CHUNK", 2)
    finish = money_file.finish_file

    def killed(**_given: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(money_file, "finish_file", killed)
    with pytest.raises(KeyboardInterrupt):
        take(path)
    monkeypatch.setattr(money_file, "finish_file", finish)
    counts = take(path)
    assert (counts["rows"], counts["posted"], counts["unmatched"], counts["duplicate"]) == (6, 5, 1, 0)
    assert ReceiptBreak.objects.get().receipt == Receipt.objects.get(serial="x")


def test_receipts_in_gb18030_with_breaks_are_kept_with_their_rows(tmp_path: Path) -> None:
    loan = owing()
    path = tmp_path / "receipts.csv"
    path.write_bytes(
        (
            "loan,amount,value_on,channel,serial\n"
            f"{loan.loan_note_no},100.00,2026-11-01,CNAPS,1\n"
            "未知借据,100.00,2026-11-01,CNAPS,2\n"
            f"{loan.loan_note_no},1０0,2026-11-01,CNAPS,3\n"
            f"{loan.loan_note_no},100.00,2020-01-01,CNAPS,4\n"
        ).encode("gb18030")
    )
    report = money_file.take_in(path, by="system", clock=lambda: AT)
    assert report.encoding == "gb18030" and report.counts["rows"] == 4
    assert [(each.column, each.reason) for each in ReceiptBreak.objects.order_by("line")] == [
        ("loan", "没有这个借据号或外部编号的贷款"),
        ("amount", "不是金额：只能是数字，至多两位小数"),
        ("value_on", "起息日早于贷款的基准日或放款日"),
    ]
    assert ReceiptBreak.objects.order_by("line")[0].row["loan"] == "未知借据"
    assert Entry.objects.filter(kind="loans.money_file_taken").count() == 1


# ── The database ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("INSERT INTO loans_moneyfile (kind, name, sha256, business_date, actor, at, counts) "
         "SELECT kind, 'x', 'other', business_date, 'x', at, '{}' FROM loans_moneyfile WHERE kind = 'DEBITS_OUT'",
         "debits_asked_once_a_date"),
        ("INSERT INTO loans_moneyfile (kind, name, sha256, business_date, actor, at, counts) "
         "SELECT 'RECEIPTS', 'x', sha256, business_date, 'x', at, '{}' FROM loans_moneyfile WHERE kind = 'DEBITS_BACK'",
         "money_file_comes_in_once"),
        ("INSERT INTO loans_debitinstruction (file_id, serial, loan_id, amount, value_on, result, paid, failure) "
         "SELECT file_id, serial, loan_id, 1, value_on, 'PENDING', 0, '' FROM loans_debitinstruction LIMIT 1",
         "serial"),
        ("UPDATE loans_debitinstruction SET amount = 0", "debit_amount_positive"),
        ("INSERT INTO loans_receiptbreak (file_id, line, row, \"column\", reason, state, resolution) "
         "SELECT file_id, line, row, '', '', 'OPEN', '' FROM loans_receiptbreak", "break_once_a_line"),
        ("UPDATE loans_receiptbreak SET state = 'RESOLVED'", "resolved_break_has_its_person"),
    ],
)  # fmt: skip
def test_the_database_refuses_what_may_not_be(tmp_path: Path, statement: str, name: str) -> None:
    asked_three()
    take(answers(tmp_path / "back.csv", "DD1,FAILED,,2026-11-01,,无此账户"))
    with (
        pytest.raises(IntegrityError, match=name),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
