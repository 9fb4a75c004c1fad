"""Documents as PDF: a Typst template and content as JSON input; every room's documents are set here.

Content is never Typst source, so no text of a person can become markup. The template may read no file outside its own
folder and no network; same content, same template, same fonts, same program: same bytes (no creation date, no random
id). The fonts hold the Han characters of GB 18030 level 2 and some sixty of CJK extension B; a rarer one (𠮷, 𡃁) is
set as a box on paper though it is kept and hashed as written. Emoji are refused where they are typed.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pylopdf_fonts_zh_cn
import typst


def render(template: Path, content: Mapping[str, Any]) -> bytes:
    """PDF of a template with its content."""
    document = typst.compile(
        str(template),
        root=str(template.parent),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(content, ensure_ascii=False, sort_keys=True)},
        timestamp=0,
        format="pdf",
    )
    assert isinstance(document, bytes)
    return document


def render_text(template: str, content: Mapping[str, Any]) -> bytes:
    """PDF of a template that is given by its text, as it was kept; it may read no file but itself."""
    with TemporaryDirectory() as folder:
        alone = Path(folder) / "template.typ"
        alone.write_bytes(template.encode())
        return render(alone, content)


def set_with(template: str) -> dict[str, str]:
    """What a document is set with: versions of program and fonts, hash of the template."""
    return {**_programs(), "template_sha256": hashlib.sha256(template.encode()).hexdigest()}


@cache
def _programs() -> dict[str, str]:
    """What is installed stays as it is while the process lives."""
    return {
        "program": f"typst {version('typst')}",
        "fonts": f"pylopdf-fonts-zh-cn {version('pylopdf-fonts-zh-cn')}",
    }


@cache
def _fonts() -> typst.Fonts:
    """The two faces of the wheel and no other, so that every machine sets the same page."""
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(Path(pylopdf_fonts_zh_cn.sans_path()).parent)],
    )
