"""The documents of the loans room: statement of account, cost disclosure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from people import pdf

_TEMPLATES = Path(__file__).resolve().parent / "typst"


def render(template: str, content: Mapping[str, Any]) -> bytes:
    """PDF of a template's name with its content."""
    return pdf.render(_TEMPLATES / template, content)
