"""The report as a bank's document: PDF 个人住房贷款贷后检查报告 from the frozen content.

Content goes in as JSON input, never as Typst source, so no text of a person can become markup.
Same content, same template, same fonts, same program: same bytes (no creation date, no random id).
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import typst

TEMPLATE = Path(__file__).resolve().parent / "typst" / "visit_report.typ"


def render(content: Mapping[str, Any]) -> bytes:
    """PDF of a report's content; `decision` and `content_sha256` are shown when they are inside."""
    compiled = typst.compile(
        str(TEMPLATE),
        root=str(TEMPLATE.parent),
        font_paths=[str(_fonts())],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(content, ensure_ascii=False, sort_keys=True)},
        format="pdf",
    )
    assert isinstance(compiled, bytes)
    return compiled


@cache
def _fonts() -> Path:
    return Path(next(iter(pylopdf_fonts_zh_cn.__path__)))
