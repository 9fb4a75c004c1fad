"""The file of a loan tape: what can be read, what is refused whole, and that nothing is ever half-written."""

import codecs
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from collateral.models import Property, Valuation
from config import boarding
from loans.models import Loan
from loans.rules import tape
from people.models import Party
from tests.tapes import ROOT, Outcome, Sheet, everything, importer

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    return importer(tmp_path, capsys)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_usual_encodings_are_read(run: Callable[..., Outcome], encoding: str) -> None:
    outcome = run(Sheet().add(borrower_name="𠮷田·买买提").text().encode(encoding))
    assert outcome.counts == (1, 0, 0)
    assert Party.objects.get().name == "𠮷田·买买提"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_usual_line_ends_are_read(run: Callable[..., Outcome], ending: str) -> None:
    assert run(Sheet().add().add().text().replace("\r\n", ending)).counts == (2, 0, 0)


def good() -> str:
    return Sheet().add().text()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (lambda: codecs.BOM_UTF16_LE + good().encode("utf-16-le"), "UTF-16"),
        (lambda: codecs.BOM_UTF16_BE + good().encode("utf-16-be"), "UTF-16"),
        (lambda: good().encode("utf-16-le"), "UTF-16"),
        (lambda: good().encode("utf-16-be"), "UTF-16"),
        (lambda: good().encode("utf-32"), "UTF-32"),
        (lambda: b"PK\x03\x04" + bytes(500), "Excel (.xlsx)"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "Excel (.xls)"),
        (lambda: b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (lambda: bytes(range(256)) * 20, "二进制文件"),
        (lambda: b"\xff" * 400, "二进制文件"),
        (lambda: good().encode() + b"\xff\xff\n", "GB18030"),
        (lambda: b"", "文件是空的"),
        (lambda: b"\n\n", "没有列名"),
        (lambda: good().split("\r\n")[0], "只有表头"),
        (lambda: good().replace("principal_outstanding", "principle_outstanding"), "是否误写为 principle_outstanding"),
        (lambda: good().replace(",due_day", ","), "缺少列：due_day"),
        (lambda: good().replace("credit_score", "due_day"), "列名重复：due_day"),
        (lambda: good().replace(",", ";"), "半角逗号"),
        (lambda: good().replace(",", "\t"), "Tab"),
        (lambda: ",".join(f"c{n}" for n in range(1_000_000)), "最多 200 列"),
        (lambda: ",".join(f"c{n}" for n in range(300)), "最多 200 列"),
        (lambda: good() + "x" * 200_000, "第 3 行超过 65536 个字符"),
        (lambda: good() + '"' + "x,\n" * 60_000, "第 3 行超过 65536 个字符"),
        (lambda: good() + '"never closed', "第 3 行起不是规范的 CSV"),
        (lambda: good().replace("孙丽华", '"孙"丽华'), "第 2 行起不是规范的 CSV"),
        (lambda: good().replace("2026-10-31", "unknown"), "--as-of"),
    ],
)
def test_unusable_file_is_refused_whole_with_one_sentence(
    run: Callable[..., Outcome], tmp_path: Path, content: Callable[[], str | bytes], sentence: str
) -> None:
    before = everything()
    out = tmp_path / "refused.csv"
    outcome = run(content(), "--refused", str(out))
    assert outcome.code == 2 and outcome.out == ""
    assert sentence in outcome.err and len(outcome.err.splitlines()) == 1
    assert everything() == before
    assert not out.exists() and [each.name for each in tmp_path.iterdir()] == ["book.csv"]


def test_path_that_is_no_readable_file_is_refused(run: Callable[..., Outcome], tmp_path: Path) -> None:
    assert (missing := run(tmp_path / "none.csv")).code == 2 and "文件不存在" in missing.err
    assert (folder := run(tmp_path)).code == 2 and "文件夹" in folder.err
    assert (nul := run(Path("a\x00b"))).code == 2 and "无法读取" in nul.err


def test_refused_rows_cannot_overwrite_the_tape_or_a_folder(run: Callable[..., Outcome], tmp_path: Path) -> None:
    same = run(Sheet().add(), "--refused", str(tmp_path / "book.csv"))
    assert same.code == 2 and "不能覆盖" in same.err and (tmp_path / "book.csv").read_text().startswith("external_id")
    assert run(Sheet().add(), "--refused", str(tmp_path)).code == 2
    assert run(Sheet().add(), "--refused", str(tmp_path / "no" / "such" / "folder.csv")).code == 2
    assert not Loan.objects.exists()


def test_surplus_columns_are_named_and_ignored(run: Callable[..., Outcome]) -> None:
    outcome = run(Sheet((*tape.HEADER_NAMES, "favourite_colour")).add(favourite_colour="blue"))
    assert outcome.counts == (1, 0, 0) and "忽略未知的列：favourite_colour" in outcome.out
    assert run(Sheet().add()).counts == (0, 1, 0)


def test_what_was_typed_is_kept_letter_by_letter(run: Callable[..., Outcome]) -> None:
    typed = r"示例路\t1号 \\ \N {a,b} 'x' \"y\""
    sheet = Sheet((*tape.HEADER_NAMES, "registration_no"))
    sheet.add(property_address=typed, registration_no=r"鄂\N(2023)", appraised_value="")
    assert run(sheet).counts == (1, 0, 0)
    home = Property.objects.get()
    assert (home.address, home.value, home.valued_on) == (typed, None, None)
    charge = home.charges.get()
    assert (charge.registration_no, charge.registered_on, charge.rank) == (r"鄂\N(2023)", None, 1)
    assert not Valuation.objects.exists()


def test_columns_may_come_in_any_order(run: Callable[..., Outcome]) -> None:
    assert run(Sheet(tuple(reversed(tape.HEADER_NAMES))).add()).counts == (1, 0, 0)
    assert run(Sheet().add()).counts == (0, 1, 0)


def test_fault_in_the_middle_takes_everything_back(
    run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(boarding, "CHUNK", 1)
    genuine, calls = boarding.take_over, []

    def fails_on_the_third(**given: Any) -> None:
        calls.append(given)
        if len(calls) == 3:
            raise RuntimeError("power cut")
        genuine(**given)

    monkeypatch.setattr(boarding, "take_over", fails_on_the_third)
    before = everything()
    with pytest.raises(RuntimeError, match="power cut"):
        run(Sheet().add().add().add().add(due_day="0"), "--refused", str(tmp_path / "refused.csv"))
    assert everything() == before and not (tmp_path / "refused.csv").exists()


def test_ledger_that_differs_from_the_file_takes_everything_back(
    run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything()
    monkeypatch.setattr(boarding, "PostingKind", type("Wrong", (), {"OPENING": "BILLING"}))
    with pytest.raises(boarding.DoesNotReconcile):
        run(Sheet().add())
    assert everything() == before


def test_dry_run_says_the_same_and_writes_nothing(run: Callable[..., Outcome], tmp_path: Path) -> None:
    sheet = Sheet().add(branch_code="9999").add(due_day="0").add(days_past_due="95", annual_rate_percent="12")
    before = everything()
    rehearsed = run(sheet, "--dry-run", "--refused", str(tmp_path / "first.csv"))
    assert everything() == before
    assert "试运行" in rehearsed.out
    real = run(sheet, "--refused", str(tmp_path / "second.csv"))
    assert rehearsed.json == real.json
    first, second = (text.out.replace("first.csv", "second.csv").splitlines() for text in (rehearsed, real))
    assert first[1:] == second
    assert (tmp_path / "first.csv").read_text() == (tmp_path / "second.csv").read_text()


def test_planner_knows_the_book_as_soon_as_it_is_in(run: Callable[..., Outcome]) -> None:
    sheet = Sheet()
    for _each in range(300):
        sheet.add()
    run(sheet)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'loans_position'")
        assert cursor.fetchone()[0] == 300


def test_two_imports_at_once_book_each_loan_once(fresh_bank: Any, tmp_path: Path) -> None:
    path = tmp_path / "book.csv"
    sheet = Sheet()
    for _each in range(60):
        sheet.add()
    path.write_text(sheet.text())
    command = [sys.executable, "manage.py", "import_loans", str(path), "--json"]
    runs = [subprocess.Popen(command, env=fresh_bank.env, cwd=ROOT, stdout=subprocess.PIPE) for _each in range(2)]
    counts = [json.loads(each.communicate(timeout=120)[0].splitlines()[-1]) for each in runs]
    assert sorted((each["imported"], each["unchanged"]) for each in counts) == [(0, 60), (60, 0)]
