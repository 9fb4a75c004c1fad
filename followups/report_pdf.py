"""The report as a bank's document: PDF 个人住房贷款贷后检查报告 from the frozen content.

It is set from the template's text, not from its file, so that one kept at approval sets the same report years later.
"""

from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any

from people import pdf

TEMPLATE = Path(__file__).resolve().parent / "typst" / "visit_report.typ"


def template() -> str:
    """The template in use now."""
    return TEMPLATE.read_bytes().decode()


def render(content: Mapping[str, Any], text: str | None = None) -> bytes:
    """PDF of a report's content by this template, else by that in use; `decision` and hash are shown when inside."""
    return pdf.render_text(template() if text is None else text, content)


def begin(content: Mapping[str, Any], text: str) -> "Future[bytes]":
    """Sets a report on another processor while the caller writes rows; what goes wrong is raised by the result.

    A thread of its own each time: a pool that was used before a fork would never answer after it.
    """
    document: Future[bytes] = Future()

    def work() -> None:
        try:
            document.set_result(render(content, text))
        except BaseException as fault:
            document.set_exception(fault)

    Thread(target=work, name="report_pdf").start()
    return document


def set_with(text: str | None = None) -> dict[str, str]:
    """Program, fonts and template that set a report: with the same ones the same bytes can be made again."""
    return pdf.set_with(template() if text is None else text)
