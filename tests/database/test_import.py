"""A loan tape comes in: what is booked, what is only odd, and which rows are refused and why."""

import csv
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from collateral.models import Charge, ChargeKind, Property, Valuation
from config import boarding
from journal.models import Entry
from loans.models import BusinessDate, ImportBatch, Installment, Loan, Position
from loans.rules import tape
from people.models import Branch, FinancialProfile, Party
from tests.factories import identity_no, make_branch, make_staff, open_bank
from tests.tapes import BOOK, Outcome, Sheet, everything, importer, reasons

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    return importer(tmp_path, capsys)


# ── Booking ──────────────────────────────────────────────────────────────────────────────────────


def test_good_rows_are_booked_and_reconcile(run: Callable[..., Outcome]) -> None:
    outcome = run(Sheet().add().add())
    assert outcome.code == 0
    assert outcome.json == {
        "rows": 2,
        "imported": 2,
        "unchanged": 0,
        "refused": 0,
        "principal_in": "1800003.00",
        "principal_booked": "1800003.00",
    }
    assert set(Position.objects.values_list("principal_balance", flat=True)) == {
        Decimal("900001.00"),
        Decimal("900002.00"),
    }
    batch = ImportBatch.objects.get()
    assert (batch.file_name, batch.as_of, batch.counts) == ("book.csv", date(2026, 10, 31), outcome.json)


def test_empty_bank_opens_on_the_day_after_the_latest_appraisal(run: Callable[..., Outcome]) -> None:
    outcome = run(Sheet().add(appraised_on="2025-01-05").add(appraised_on="2026-06-29").add(appraised_on="never"))
    assert outcome.counts == (2, 0, 1)
    assert BusinessDate.objects.get().day == date(2026, 6, 30)
    assert "2026-06-30" in outcome.out


def test_as_of_day_can_be_given(run: Callable[..., Outcome]) -> None:
    outcome = run(Sheet().add(), "--as-of", "2026-11-30")
    assert outcome.code == 0 and BusinessDate.objects.get().day == date(2026, 12, 1)
    assert Loan.objects.get().baseline_on == date(2026, 11, 30)


def test_as_of_day_must_be_a_day(run: Callable[..., Outcome]) -> None:
    with pytest.raises(Exception, match="2026-10-31"):
        run(Sheet().add(), "--as-of", "31.10.2026")


def test_open_bank_takes_only_balances_of_the_day_before(run: Callable[..., Outcome]) -> None:
    open_bank(date(2027, 1, 1))
    before = everything()
    outcome = run(Sheet().add())
    assert outcome.code == 2 and outcome.out == ""
    assert "2027-01-01" in outcome.err and "2026-12-31" in outcome.err and len(outcome.err.splitlines()) == 1
    assert everything() == before
    assert run(Sheet().add(), "--as-of", "2026-12-31").counts == (1, 0, 0)


def test_unchanged_file_is_no_fault_after_the_business_date_moved_on(run: Callable[..., Outcome]) -> None:
    from loans.actions import close_business_date
    from tests.factories import AT

    run(Sheet().add())
    close_business_date(day=date(2026, 11, 1), at=AT)
    before = everything()
    outcome = run(Sheet().add())
    assert (outcome.code, outcome.counts) == (0, (0, 1, 0))
    assert everything() == before
    assert run(Sheet().add().add()).code == 2


def test_unknown_branch_is_created_under_the_root_recorded_and_listed(run: Callable[..., Outcome]) -> None:
    make_branch("4201")
    outcome = run(Sheet().add().add(branch_code="HB-9"))
    branch = Branch.objects.get(code="HB-9")
    assert branch.parent is not None and branch.parent.parent is None
    assert branch.path == f"{branch.parent.path}HB-9/"
    assert Entry.objects.filter(kind="people.branch_created", subject_id=branch.pk).count() == 1
    assert "新建机构 1 个：HB-9" in outcome.out


def test_people_are_known_by_identity_number(run: Callable[..., Outcome]) -> None:
    same = {"borrower_id_no": identity_no(77), "borrower_phone": "19900000077"}
    outcome = run(Sheet().add(**same).add(**same).add(**{**same, "borrower_name": "孙利华"}))
    party = Party.objects.get(id_no=same["borrower_id_no"])
    assert (party.name, party.name_initials, party.loans.count()) == ("孙丽华", "slh", 3)
    assert "姓名不同" in outcome.out and "孙利华" not in outcome.out


def test_optional_columns_are_taken_in(run: Callable[..., Outcome]) -> None:
    officer = make_staff("LOAN_OFFICER", make_branch("4201"))
    sheet = Sheet(tape.COLUMN_NAMES).add(
        portfolio_officer=officer.staff_no,
        loan_note_no="JJ-2023-0001",
        monthly_income="25000.50",
        employer="示例科技有限公司",
        registration_no="鄂(2023)武汉市不动产证明第0012345号",
        registered_on="2023-02-01",
        last_visit_on="2026-04-01",
        payment_record="*NNNNNNNNNNN1NNNNNNNNNNN",
    )
    outcome = run(sheet)
    assert outcome.counts == (1, 0, 0) and "提示" not in outcome.out
    loan = Loan.objects.get()
    assert (loan.loan_note_no, loan.portfolio_officer, loan.last_visit_on) == (
        "JJ-2023-0001",
        officer,
        date(2026, 4, 1),
    )
    assert loan.payment_record == "*NNNNNNNNNNN1NNNNNNNNNNN"
    profile = FinancialProfile.objects.get()
    assert (profile.party, profile.monthly_income, profile.employer) == (
        loan.borrower,
        Decimal("25000.50"),
        "示例科技有限公司",
    )
    assert (profile.source, profile.known_on) == ("tape", date(2026, 10, 31))
    charge = Charge.objects.get()
    assert (charge.kind, charge.registered_on) == (ChargeKind.FORMAL, date(2023, 2, 1))


def test_home_has_district_charge_and_valuation(run: Callable[..., Outcome]) -> None:
    run(Sheet().add())
    home = Property.objects.get()
    assert (home.district, home.value, home.valued_on) == ("武昌区", Decimal("2000000.00"), date(2026, 10, 31))
    assert Charge.objects.get().kind == ChargeKind.NOT_RECORDED
    valuation = Valuation.objects.get()
    assert (valuation.property, valuation.value, valuation.source) == (home, home.value, "tape")
    assert not FinancialProfile.objects.exists()


def test_loan_without_value_is_booked_with_a_warning_and_no_valuation(run: Callable[..., Outcome]) -> None:
    outcome = run(Sheet().add(appraised_value="", appraised_on="").add())
    assert outcome.counts == (2, 0, 0) and "没有评估价值" in outcome.out
    assert Property.objects.get(charges__loan__external_id="T00001").value is None
    assert Valuation.objects.count() == 1


def test_arrears_are_unpaid_installments_inside_the_balance(run: Callable[..., Outcome]) -> None:
    outcome = run(Sheet().add(days_past_due="41"))
    position = Position.objects.get()
    assert position.overdue_since == date(2026, 9, 20)
    unpaid = Installment.objects.filter(settled_on__isnull=True).order_by("number")
    assert [each.due_on for each in unpaid] == [date(2026, 9, 20), date(2026, 10, 20)]
    assert position.principal_balance == Decimal("900001.00") == Decimal(outcome.json["principal_booked"])
    assert position.unbilled_principal + sum(each.principal for each in unpaid) == position.principal_balance


def test_matured_loan_with_a_balance_is_booked_with_a_warning(run: Callable[..., Outcome]) -> None:
    outcome = run(Sheet().add(matures_on="2026-10-01"))
    assert outcome.counts == (1, 0, 0) and "已到期仍有余额" in outcome.out
    assert Position.objects.get().principal_balance == Decimal("900001.00")


def test_baseline_fires_no_events(run: Callable[..., Outcome]) -> None:
    run(Sheet().add(days_past_due="95").add())
    kinds = set(Entry.objects.filter(kind__startswith="loans.").values_list("kind", flat=True))
    assert kinds == {"loans.bank_opened", "loans.booked"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"principal_outstanding": "1000000.01"}, "余额大于原始本金"),
        ({"appraised_value": "900000.00"}, "评估价值低于余额"),
        ({"annual_rate_percent": "24.0000"}, "年利率高于 10%"),
        ({"annual_rate_percent": "100"}, "年利率高于 10%"),
        ({"matures_on": "2073-01-20"}, "期限超过 360 个月"),
        ({"matures_on": "2199-12-31"}, "期限超过 360 个月"),
        ({"disbursed_on": "2026-10-31"}, "放款日就是数据日"),
        ({"days_past_due": "5"}, "逾期期间内没有还款日"),
        ({"days_past_due": "36500"}, "逾期起始日早于放款日"),
        ({"property_type": "CASTLE"}, "未知的房产类型"),
        ({"credit_score": ""}, "没有信用评分"),
        ({"borrower_phone": ""}, "没有联系电话"),
        ({"borrower_phone": "12345"}, "电话号码格式不对"),
        ({"portfolio_officer": "NOBODY"}, "没有这个工号的在岗人员"),
        ({"principal_outstanding": "0.01", "principal_original": "0.02"}, ""),
        (
            {
                "principal_outstanding": "999999999999.99",
                "annual_rate_percent": "100",
                "matures_on": "2026-11-01",
                "days_past_due": "300",
            },
            "余额大于原始本金",
        ),
        ({"due_day": "31", "disbursed_on": "2024-02-29", "matures_on": "2024-03-01"}, "已到期仍有余额"),
    ],
)
def test_odd_row_is_booked_with_a_warning(run: Callable[..., Outcome], changes: dict[str, str], sentence: str) -> None:
    columns = (*tape.HEADER_NAMES, "portfolio_officer")
    outcome = run(Sheet(columns).add(**changes))
    assert outcome.code == 0 and outcome.counts == (1, 0, 0), outcome.out + outcome.err
    assert sentence in outcome.out
    assert outcome.json["principal_in"] == outcome.json["principal_booked"]


# ── Refusals of rows ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("principal_outstanding", "", "必填项为空"),
        ("principal_outstanding", "0.00", "必须大于 0"),
        ("principal_original", "-1.00", "必须大于 0"),
        ("annual_rate_percent", "0", "必须大于 0"),
        ("appraised_value", "0", "必须大于 0"),
        ("principal_original", "100.005", "金额小数超过两位"),
        ("principal_original", "1,000,000.00", "不是金额"),
        ("principal_original", "１０００", "不是金额"),
        ("disbursed_on", "2023-02-30", "没有这一天"),
        ("disbursed_on", "2026-11-01", "放款日晚于数据日 2026-10-31"),
        ("due_day", "32", "须在 1 至 31 之间"),
        ("matures_on", "2023-01-20", "到期日不晚于放款日 2023-01-20"),
        ("borrower_id_no", identity_no(1)[:-1] + ("0" if identity_no(1)[-1] != "0" else "1"), "身份证号校验码不对"),
        ("borrower_name", "孙\u202e丽华", "含有不可见字符"),
        ("borrower_name", "孙\x00丽华", "含有不可见字符"),
        ("property_address", "武汉市\r\n武昌区", "含有不可见字符"),
        ("property_address", "路" * 20_000, "超过 10000 个字符"),
    ],
)
def test_bad_row_is_refused_with_its_reason_and_the_others_are_booked(
    run: Callable[..., Outcome], tmp_path: Path, column: str, value: str, sentence: str
) -> None:
    out = tmp_path / "refused.csv"
    outcome = run(Sheet().add().add(**{column: value}).add(), "--refused", str(out))
    assert outcome.code == 0 and outcome.counts == (2, 0, 1)
    assert sentence in outcome.out
    [(row, at_column, reason)] = reasons(out)
    assert (row, at_column) == ("3", column) and sentence in reason
    assert not Loan.objects.filter(external_id="T00002").exists()
    assert Party.objects.count() == 2


def test_repeated_id_is_refused_and_the_first_is_booked(run: Callable[..., Outcome], tmp_path: Path) -> None:
    out = tmp_path / "refused.csv"
    outcome = run(Sheet().add().add(external_id="T00001"), "--refused", str(out))
    assert outcome.counts == (1, 0, 1)
    assert Loan.objects.get().tape_line == 2
    assert reasons(out) == [("3", "external_id", "同一外部编号已在本文件第 2 行出现")]


def test_repeated_id_is_seen_across_chunks(run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boarding, "CHUNK", 2)
    sheet = Sheet().add().add().add().add().add(external_id="T00001")
    assert run(sheet).counts == (4, 0, 1)


def test_row_is_the_line_of_the_sheet(run: Callable[..., Outcome], tmp_path: Path) -> None:
    """Quoted line ends and empty lines count as a spreadsheet shows them."""
    out = tmp_path / "refused.csv"
    lines = Sheet().add(borrower_name="两\n行").add(due_day="0").text()
    head, rest = lines.split("\r\n", 1)
    outcome = run(f"{head}\r\n\r\n{',' * 18}\r\n{rest}", "--refused", str(out))
    assert outcome.json["rows"] == 2
    assert [row for row, _column, _reason in reasons(out)] == ["4", "5"]


def test_row_of_another_length_is_refused(run: Callable[..., Outcome]) -> None:
    lines = Sheet().add().add().add().text().splitlines()
    lines[1] = lines[1].rsplit(",", 1)[0]
    lines[2] += ",more"
    outcome = run("\n".join(lines))
    assert outcome.counts == (1, 0, 2)
    assert "只有 18 项，表头有 19 列" in outcome.out and "有 20 项，表头只有 19 列" in outcome.out


def test_changed_row_is_refused_naming_both(run: Callable[..., Outcome], tmp_path: Path) -> None:
    run(Sheet().add().add())
    loan = Loan.objects.get(external_id="T00002")
    before = everything()
    out = tmp_path / "refused.csv"
    outcome = run(Sheet().add().add(due_day="21"), "--refused", str(out))
    assert outcome.code == 0 and outcome.counts == (0, 1, 1)
    [(row, column, reason)] = reasons(out)
    assert (row, column) == ("3", "external_id")
    assert loan.loan_note_no in reason and "book.csv 第 3 行" in reason
    assert everything() == before


def test_same_file_again_is_unchanged_and_writes_nothing(run: Callable[..., Outcome]) -> None:
    run(Sheet().add().add())
    before = everything()
    outcome = run(Sheet().add().add())
    assert (outcome.code, outcome.counts) == (0, (0, 2, 0))
    assert outcome.json["principal_in"] == outcome.json["principal_booked"] == "0.00"
    assert everything() == before


def test_refused_rows_can_be_corrected_and_imported_again(run: Callable[..., Outcome]) -> None:
    assert run(Sheet().add().add(due_day="0").add()).counts == (2, 0, 1)
    assert run(Sheet().add().add().add()).counts == (1, 2, 0)
    assert Loan.objects.count() == 3


def test_loan_note_number_is_used_once(run: Callable[..., Outcome]) -> None:
    columns = (*tape.HEADER_NAMES, "loan_note_no")
    assert run(Sheet(columns).add(loan_note_no="JJ1").add(loan_note_no="JJ1")).counts == (1, 0, 1)
    again = Sheet(columns).add(loan_note_no="JJ1").add().add(loan_note_no="JJ1")
    outcome = run(again)
    assert outcome.counts == (1, 1, 1) and "借据号已被系统中的另一笔贷款（外部编号 T00001）使用" in outcome.out


def test_generated_loan_note_number_does_not_depend_on_the_order(run: Callable[..., Outcome]) -> None:
    from config.boarding_bank import loan_note_no

    run(Sheet().add().add())
    for loan in Loan.objects.all():
        assert loan.loan_note_no == loan_note_no("4201", date(2023, 1, 20), str(loan.external_id))
        assert loan.loan_note_no.startswith("ML420120230120") and len(loan.loan_note_no) == 20


def test_clash_of_generated_loan_note_numbers_moves_on(
    run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    from config import boarding_bank

    monkeypatch.setattr(boarding_bank, "loan_note_no", lambda branch, day, external_id, step=0: f"ML{step:06d}")
    assert run(Sheet().add().add().add()).counts == (3, 0, 0)
    assert set(Loan.objects.values_list("loan_note_no", flat=True)) == {"ML000000", "ML000001", "ML000002"}


def test_refused_values_hold_no_formula(run: Callable[..., Outcome], tmp_path: Path) -> None:
    out = tmp_path / "refused.csv"
    run(
        Sheet().add(principal_original='=HYPERLINK("http://x")', due_day="-1", credit_score="@x"), "--refused", str(out)
    )
    with out.open(encoding="utf-8", newline="") as file:
        values = [each["value"] for each in csv.DictReader(file)]
    assert sorted(values) == ["'-1", '\'=HYPERLINK("http://x")', "'@x"]


def test_file_of_refused_rows_appears_even_when_all_is_well(run: Callable[..., Outcome], tmp_path: Path) -> None:
    out = tmp_path / "refused.csv"
    run(Sheet().add(), "--refused", str(out))
    assert out.read_text() == "row,column,value,reason\n"
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".part"] == []


def test_screen_shows_twenty_refusals_and_where_the_rest_is(run: Callable[..., Outcome]) -> None:
    sheet = Sheet()
    for _each in range(25):
        sheet.add(due_day="0")
    outcome = run(sheet)
    assert outcome.out.count("须在 1 至 31 之间") == 20
    assert "另有 5 处" in outcome.out and "--refused" in outcome.out
    assert everything()["loans_businessdate"] == 0


def test_screen_masks_people(run: Callable[..., Outcome]) -> None:
    outcome = run(Sheet().add(borrower_id_no="420102198001010011", borrower_name="张三\u202e丰"))
    assert outcome.counts == (0, 0, 1)
    assert "420102198001010011" not in outcome.out and "三" not in outcome.out.split("拒绝的行")[1]


# ── The real book ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(not BOOK.exists(), reason=f"the real loan book is not there: {BOOK}")
def test_real_book_comes_in_but_for_its_five_wrong_rows(run: Callable[..., Outcome], tmp_path: Path) -> None:
    out = tmp_path / "refused.csv"
    outcome = run(BOOK, "--refused", str(out))
    assert outcome.code == 0
    assert outcome.json == {
        "rows": 6000,
        "imported": 5995,
        "unchanged": 0,
        "refused": 5,
        "principal_in": "1480855580.50",
        "principal_booked": "1480855580.50",
    }
    assert [row for row, _column, _reason in reasons(out)] == ["75", "3060", "3138", "3815", "4738"]
    assert Position.objects.filter(overdue_since=date(2026, 7, 28)).count() == 174
    again = run(BOOK)
    assert (again.code, again.counts) == (0, (0, 5995, 5))
