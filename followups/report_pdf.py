"""The report as a bank's document: PDF 个人住房贷款贷后检查报告 from the frozen content."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from people import pdf

TEMPLATE = Path(__file__).resolve().parent / "typst" / "visit_report.typ"


def render(content: Mapping[str, Any]) -> bytes:
    """PDF of a report's content; `decision` and `content_sha256` are shown when they are inside."""
    return pdf.render(TEMPLATE, content)


def set_with() -> dict[str, str]:
    """Program, fonts and template that set a report now: with the same ones the same bytes can be made again."""
    return pdf.set_with(TEMPLATE)
