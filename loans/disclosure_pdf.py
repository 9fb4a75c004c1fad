"""The cost disclosure as a document: PDF 综合融资成本明示表 from its stored content.

Content goes in as JSON input, never as Typst source, so no text of a person can become markup. Same content, same
template, same fonts, same program: same bytes (no creation date, no random id).
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import typst

TEMPLATE = Path(__file__).resolve().parent / "typst" / "cost_disclosure.typ"


def render(content: Mapping[str, Any]) -> bytes:
    """PDF of a disclosure's content with its number and `content_sha256`."""
    document = typst.compile(
        str(TEMPLATE),
        root=str(TEMPLATE.parent),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(content, ensure_ascii=False, sort_keys=True)},
        timestamp=0,
        format="pdf",
    )
    assert isinstance(document, bytes)
    return document


@cache
def _fonts() -> typst.Fonts:
    """The two faces of the wheel and no other, so that every machine sets the same page."""
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(Path(pylopdf_fonts_zh_cn.sans_path()).parent)],
    )
