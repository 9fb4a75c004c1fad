"""The printed form of a visit: a scanner reads the task's number from the page."""

import json
from datetime import timedelta
from io import BytesIO

import pytest
import typst
import zxingcpp
from PIL import Image

from followups.actions import install_default_checklist
from followups.actions.field_forms import TEMPLATE
from followups.models import Method, VisitTask
from followups.queries import desk
from followups.queries.field_form import form_content
from people import pdf
from tests.database.test_visits import make_task
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, make_bank

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> Bank:
    install_default_checklist(at=AT)
    return make_bank()


def pages_of(bank: Bank, tasks: list[VisitTask]) -> list[Image.Image]:
    """The pages of the form as a printer puts them down, 200 dots to the inch."""
    officer = bank.staff["officer"]
    seen = desk(officer).in_bulk([task.pk for task in tasks])
    forms = [form_content(seen[task.pk], officer, TODAY) for task in tasks]
    told = {"bank": "安居银行", "by": officer.name, "at": "2026-11-01 10:00", "forms": forms, "refused": []}
    made = typst.compile(
        str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=pdf._fonts(), ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(told, ensure_ascii=False)}, format="png", ppi=200,
    )  # fmt: skip
    return [Image.open(BytesIO(page)).convert("L") for page in (made if isinstance(made, list) else [made])]


def test_a_scanner_reads_the_tasks_number_from_each_form(bank: Bank) -> None:
    officer = bank.staff["officer"]
    tasks = [
        make_task(
            book_loan(bank.home, officer), officer, cycle=f"Q{days}", method=Method.FIELD,
            due_on=TODAY + timedelta(days=days),
        )
        for days in (1, 2)
    ]  # fmt: skip
    read = [[(code.format.name, code.text) for code in zxingcpp.read_barcodes(page)] for page in pages_of(bank, tasks)]
    assert [codes for codes in read if codes] == [[("QRCode", task.number)] for task in tasks]


def test_the_code_is_a_small_one_and_level_m(bank: Bank) -> None:
    officer = bank.staff["officer"]
    task = make_task(book_loan(bank.home, officer), officer, cycle="Q", method=Method.FIELD)
    rows = form_content(desk(officer).get(pk=task.pk), officer, TODAY)["qr"]
    assert {len(row) for row in rows} == {len(rows)} == {21} and set("".join(rows)) == {"0", "1"}
    quiet = Image.new("L", (29, 29), 255)
    quiet.putdata(
        [0 if 4 <= x < 25 and 4 <= y < 25 and rows[y - 4][x - 4] == "1" else 255 for y in range(29) for x in range(29)]
    )
    (code,) = zxingcpp.read_barcodes(quiet.resize((290, 290), Image.Resampling.NEAREST))
    assert (code.text, code.ec_level) == (task.number, "M")
