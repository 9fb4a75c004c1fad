"""Documents of the loans room as PDF: a template beside this file, content as JSON input.

Content is never Typst source, so no text of a person can become markup. The template may read no file and no network;
same content, same template, same fonts, same program: same bytes (no creation date, no random id).
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import typst

_TEMPLATES = Path(__file__).resolve().parent / "typst"


def render(template: str, content: Mapping[str, Any]) -> bytes:
    """PDF of a template's name with its content."""
    document = typst.compile(
        str(_TEMPLATES / template),
        root=str(_TEMPLATES),
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
