"""The report as a document: the same bytes for the same content on every run, data never markup."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from typst import TypstError

from followups import report_pdf
from tests.rules.test_assessment import changed_draft, content_of

HOME = Path(__file__).resolve().parents[2]
MARKUP = '<script>alert(1)</script> #panic("x") $x^2$ *b* _i_ @ref \\u{41} // comment 䶮'


def document(**given: Any) -> dict[str, Any]:
    """A full document with a decision."""
    months = [{"month": f"2026-{month:02d}", "mark": "ON_TIME"} for month in range(1, 13)]
    home = {"address": "江城市滨江区悦府路1号", "value": "2000000.00", "valued_on": "2026-10-31",
            "registration_text": "正式抵押", "registration_no": "", "registered_on": ""}  # fmt: skip
    cover = {
        "bank": "安居银行江城分行", "loan_note_no": "ML010320230518000042", "borrower": "王志远", "id_no": "420***9501",
        "phone": "199****0426", "repayment_method": "等额本息", "principal_original": "1100000.00",
        "balance": "1012386.47", "installment": "4582.50", "annual_rate_percent": "3.6", "disbursed_on": "2023-05-18",
        "matures_on": "2053-05-18", "kind_text": "定期回访", "method_text": "电话回访", "due_on": "2026-11-20",
        "started_at": "2026-11-01 10:00:00", "submitted_at": "2026-11-01 10:05:00", "business_date": "2026-11-01",
        "policy_version": 1, "policy_line": 12, "checklist_version": 1,
    }  # fmt: skip
    content = content_of(given.pop("draft", changed_draft()))
    return {
        **content,
        "cover": cover,
        "repayment": {"months": months, "on_time": 12, "late": 0, "days_past_due": 0, "overdue_amount": "0.00",
                      "last_payment": None},
        "collateral": {"homes": [home], "value": "2000000.00"},
        "content_sha256": "0" * 64,
        "decision": {"by": "何建平", "staff_no": "S00003", "at": "2026-11-02 09:12:00", "note": ""},
        **given,
    }  # fmt: skip


# S2.18
def test_the_same_content_gives_the_same_bytes_in_another_process() -> None:
    here = report_pdf.render(document())
    program = (
        "import hashlib, json, sys; from followups.report_pdf import render;"
        "print(hashlib.sha256(render(json.load(sys.stdin))).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(document()),
        capture_output=True,
        text=True,
        check=True,
        cwd=HOME,
        env={"TZ": "America/New_York", "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )
    assert there.stdout.strip() == hashlib.sha256(here).hexdigest()


def test_a_report_set_beside_other_work_has_the_same_bytes_and_its_faults_are_raised() -> None:
    template = report_pdf.template()
    begun = [report_pdf.begin(document(version=version), template) for version in (1, 2)]
    assert [each.result() for each in begun] == [report_pdf.render(document(version=version)) for version in (1, 2)]
    with pytest.raises(TypstError):
        report_pdf.begin(document(), template + "\n#panic()").result()


def test_other_content_gives_other_bytes() -> None:
    assert report_pdf.render(document()) != report_pdf.render(document(version=2))


@pytest.mark.parametrize("decided", [True, False])
def test_markup_in_any_text_is_only_text(decided: bool, tmp_path: Path) -> None:
    draft = changed_draft()
    draft["answers"]["employer"] = {"choice": "CHANGED", "now": MARKUP[:120], "verified_by": "ORAL"}
    draft["conclusion_text"] = MARKUP
    content = document(draft=draft, why=[MARKUP], returned={"by": MARKUP, "reason": MARKUP, "sections": []})
    content["decision"]["note"] = MARKUP
    content["cover"]["borrower"] = MARKUP
    if not decided:
        del content["decision"], content["content_sha256"]
    pdf = report_pdf.render(content)
    assert pdf.startswith(b"%PDF-")
    if shutil.which("pdftotext"):
        (tmp_path / "report.pdf").write_bytes(pdf)
        text = subprocess.run(
            ["pdftotext", "-layout", str(tmp_path / "report.pdf"), "-"], capture_output=True, text=True, check=True
        ).stdout
        text = text.replace("\u200b", "")
        assert "alert(1)" in text and "#panic" in text and "个人住房贷款贷后检查报告" in text


def test_a_request_has_its_own_heading_on_paper(tmp_path: Path) -> None:
    draft = changed_draft()
    without = report_pdf.render(document(draft=draft))
    draft["answers"]["request_note"] = {"now": "希望延期三个月"}
    pdf = report_pdf.render(document(draft=draft))
    assert pdf != without
    if shutil.which("pdftotext"):
        (tmp_path / "report.pdf").write_bytes(pdf)
        run = subprocess.run(
            ["pdftotext", str(tmp_path / "report.pdf"), "-"], capture_output=True, text=True, check=True
        )
        assert "客户诉求" in run.stdout and "希望延期三个月" in run.stdout


# S2.18
def test_who_was_reached_and_every_attempt_stand_on_paper(tmp_path: Path) -> None:
    refused = {"code": "REFUSED", "label": {"zh": "拒绝", "en": "Refused"}}
    tried = {"at": "2026-10-30 10:00:00", "by": "林晓舟", "note": MARKUP, "recording": "LY20261030001", **refused}
    pdf = report_pdf.render(document(contact=refused, contacts=[tried]))
    assert pdf != report_pdf.render(document(contact=None, contacts=[]))
    if shutil.which("pdftotext"):
        (tmp_path / "report.pdf").write_bytes(pdf)
        run = subprocess.run(
            ["pdftotext", str(tmp_path / "report.pdf"), "-"], capture_output=True, text=True, check=True
        )
        text = run.stdout.replace("\u200b", "")
        assert "接通结果：拒绝" in text and "LY20261030001" in text and "alert(1)" in text


def test_a_report_of_before_both_languages_is_still_set() -> None:
    clock = [{"label": "等待", "from": "", "to": "", "workdays": 0}]
    assert report_pdf.render(document(why=["满12个月"], clock=clock)).startswith(b"%PDF-")


def test_a_report_begun_ahead_has_the_same_bytes_and_is_taken_once() -> None:
    template = report_pdf.template()
    report_pdf.begin_ahead(document(), template)
    known = report_pdf._ahead.take(document(), template)
    assert known is not None and known.result() == report_pdf.render(document())
    assert report_pdf._ahead.take(document(), template) is None
    report_pdf.begin_ahead(document(), template)
    other = document()
    other["decision"]["at"] = "2026-11-02 09:13:00"
    assert report_pdf.begin(other, template).result() == report_pdf.render(other) != report_pdf.render(document())
    assert report_pdf.begin(document(), template).result() == report_pdf.render(document())


def test_what_goes_wrong_ahead_is_raised_to_who_asks_for_it() -> None:
    broken = report_pdf.template() + "\n#panic()"
    report_pdf.begin_ahead(document(), broken)
    with pytest.raises(TypstError):
        report_pdf.begin(document(), broken).result()


def test_no_more_is_set_ahead_than_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead, set_now = report_pdf._Ahead(), Event()
    monkeypatch.setattr(report_pdf, "render", lambda content, text: set_now.wait(30) and b"%PDF" or b"")
    for number in range(report_pdf.MOST_AHEAD + 3):
        ahead.put({"n": number}, "")
    assert [ahead.take({"n": number}, "") for number in range(3)] == [None] * 3
    last = ahead.take({"n": report_pdf.MOST_AHEAD + 2}, "")
    set_now.set()
    assert last is not None and last.result(30) == b"%PDF"


def test_without_a_thread_nothing_is_promised_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = report_pdf._Ahead()

    def refused(_thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as host:
        host.setattr(Thread, "start", refused)
        ahead.put(document(), report_pdf.template())
    assert ahead.take(document(), report_pdf.template()) is None
    ahead.put(document(), report_pdf.template())
    known = ahead.take(document(), report_pdf.template())
    assert known is not None and known.result(60).startswith(b"%PDF-")


def test_a_fork_takes_nothing_along_that_was_begun() -> None:
    template = report_pdf.template()
    report_pdf.begin_ahead(document(), template)
    (begun,) = report_pdf._ahead._begun.values()
    begun.result()
    child = os.fork()
    if child == 0:
        is_gone = report_pdf._ahead.take(document(), template) is None
        os._exit(0 if is_gone and not report_pdf._ahead._lock.locked() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert report_pdf._ahead.take(document(), template) is begun
