"""An old report is set again as it was: its template is kept with it, whatever the program's template says by now."""

import hashlib
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from typst import TypstError

from followups import report_pdf
from followups.models import ReportState, ReportTemplate, TaskEvent, TaskState, VisitReport, VisitTask
from followups.queries.review import document_of
from followups.report_again import MISSING, SAME, compared, set_again
from journal.models import Entry
from journal.queries import exhibit_bytes
from tests.database.test_visits import AT, Road, make_task


@pytest.fixture
def road(db: None) -> Road:
    return Road()


def approved(road: Road, cycle: str = "") -> VisitReport:
    if cycle:
        road.task = make_task(road.loan, road.officer, cycle=cycle)
    return kept(road.approve(road.submit()))


def kept(report: VisitReport) -> VisitReport:
    return VisitReport.objects.select_related("pdf", "template", "decided_by", "endorsed_by").get(pk=report.pk)


def filed(report: VisitReport) -> bytes:
    assert report.pdf is not None
    return exhibit_bytes(report.pdf)


def another_template(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bank puts another template into use."""
    text = report_pdf.template()
    changed = text.replace("#part[检查依据]", "#part[为什么检查]")
    assert changed != text
    path = folder / "visit_report.typ"
    path.write_text(changed, encoding="utf-8")
    monkeypatch.setattr(report_pdf, "TEMPLATE", path)


# S2.18
def test_an_old_report_is_set_again_by_its_own_template(
    road: Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = approved(road)
    another_template(tmp_path, monkeypatch)
    assert report_pdf.render(document_of(old)) != filed(old), "the template in use sets it otherwise"
    assert set_again(old) == filed(old)
    new = approved(road, "2")
    assert set_again(new) == filed(new) and set_again(old) == filed(old)
    assert ReportTemplate.objects.count() == 2 and old.template_id != new.template_id
    assert [each.found for each in compared()] == [SAME, SAME]


def test_a_report_that_cannot_be_set_is_not_approved(
    road: Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = road.submit()
    told = Entry.objects.count(), TaskEvent.objects.count()
    path = tmp_path / "visit_report.typ"
    path.write_text(report_pdf.template() + "\n#panic()", encoding="utf-8")
    monkeypatch.setattr(report_pdf, "TEMPLATE", path)
    with pytest.raises(TypstError), transaction.atomic():
        road.approve(report)
    report.refresh_from_db()
    assert report.state == ReportState.SUBMITTED and report.pdf is None
    assert (Entry.objects.count(), TaskEvent.objects.count()) == told
    assert VisitTask.objects.get(pk=road.task.pk).state == TaskState.SUBMITTED


def test_a_template_is_kept_once_under_its_hash(road: Road) -> None:
    first, second = approved(road), approved(road, "2")
    template = ReportTemplate.objects.get()
    assert first.template == second.template == template and template.kept_at == AT
    assert template.text.encode() == report_pdf.TEMPLATE.read_bytes()
    assert template.sha256 == hashlib.sha256(template.text.encode()).hexdigest()
    assert first.decision is not None and first.decision["set_with"]["template_sha256"] == template.sha256


def test_a_kept_template_is_history_and_is_what_its_name_says(road: Road) -> None:
    approved(road)
    for bad in (
        "UPDATE followups_reporttemplate SET text = 'x'",
        "DELETE FROM followups_reporttemplate",
        "UPDATE followups_visitreport SET template_id = NULL",
        f"INSERT INTO followups_reporttemplate (sha256, text, kept_at) VALUES ('{'0' * 64}', 'x', now())",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(bad)
    assert ReportTemplate.objects.get().text == report_pdf.template()


def told(*options: Any) -> tuple[str, int]:
    """What the command says, and its exit."""
    out = StringIO()
    try:
        call_command("check_reports", *options, stdout=out)
    except SystemExit as end:
        return out.getvalue(), int(str(end.code))
    return out.getvalue(), 0


def test_the_command_names_what_differs(road: Road) -> None:
    good, damaged = approved(road), approved(road, "2")
    assert told() == ("2 reports, 2 same, 0 different, 0 template not kept\n", 0)
    assert damaged.pdf is not None
    Path(default_storage.path(damaged.pdf.path)).write_bytes(b"%PDF-1.7 something else")
    said, code = told()
    assert code == 1 and f"{damaged.number}: different (filed with pylopdf-fonts-zh-cn" in said
    assert good.number not in said and "1 same, 1 different" in said
    assert told(f"--report={good.pk}") == ("1 reports, 1 same, 0 different, 0 template not kept\n", 0)


def test_a_report_of_before_templates_were_kept_is_told_apart(fresh_bank: Any, owner_of: Any) -> None:
    report = approved(Road())
    with owner_of(fresh_bank.name) as cursor:
        cursor.execute("ALTER TABLE followups_visitreport DISABLE TRIGGER report_is_kept")
        cursor.execute("UPDATE followups_visitreport SET template_id = NULL")
        cursor.execute("ALTER TABLE followups_visitreport ENABLE TRIGGER report_is_kept")
        cursor.connection.commit()
    (found,) = compared([report.pk])
    assert (found.found, found.number) == (MISSING, report.number) and found.set_with["template_sha256"]
    said, code = told()
    assert code == 0 and "0 same, 0 different, 1 template not kept" in said
    with pytest.raises(ValueError, match="not kept"):
        set_again(kept(report))
