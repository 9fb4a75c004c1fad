"""The report as a bank's document: PDF 个人住房贷款贷后检查报告 from the frozen content.

It is set from the template's text, not from its file, so that one kept at approval sets the same report years later.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from people import pdf

TEMPLATE = Path(__file__).resolve().parent / "typst" / "visit_report.typ"
# Documents begun before they are asked for, the first begun first; they are set one at a time.
MOST_AHEAD = 40
_ahead: "dict[str, Future[bytes]]" = {}
_lock, _turn = Lock(), Lock()


def template() -> str:
    """The template in use now."""
    return TEMPLATE.read_bytes().decode()


def render(content: Mapping[str, Any], text: str | None = None) -> bytes:
    """PDF of a report's content by this template, else by that in use; `decision` and hash are shown when inside."""
    return pdf.render_text(template() if text is None else text, content)


def begin(content: Mapping[str, Any], text: str) -> "Future[bytes]":
    """Sets a report on another processor while the caller writes rows; what goes wrong is raised by the result.

    What was begun ahead of the very same document is taken; the same content and template give the same bytes.
    """
    with _lock:
        known = _ahead.pop(_key(content, text), None)
    return known or _begin(content, text)


def begin_ahead(content: Mapping[str, Any], text: str) -> None:
    """Begins a report that is likely to be asked for soon, one after the other; no more wait than `MOST_AHEAD`.

    One that nobody asks for costs time and nothing else: what waits longest gives way.
    """
    key = _key(content, text)
    with _lock:
        if key in _ahead:
            return
        while len(_ahead) >= MOST_AHEAD:
            _ahead.pop(next(iter(_ahead))).cancel()
        _ahead[key] = _begin(content, text, _turn)


def _begin(content: Mapping[str, Any], text: str, turn: "Lock | None" = None) -> "Future[bytes]":
    """A thread of its own each time: a pool that was used before a fork would never answer after it."""
    document: Future[bytes] = Future()

    def work() -> None:
        with turn or nullcontext():
            if not document.set_running_or_notify_cancel():
                return
            try:
                document.set_result(render(content, text))
            except BaseException as fault:
                document.set_exception(fault)

    Thread(target=work, name="report_pdf").start()
    return document


def _key(content: Mapping[str, Any], text: str) -> str:
    """What the bytes depend on."""
    said = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(f"{text}\0{said}".encode("utf-8", "surrogatepass")).hexdigest()


def _after_fork() -> None:
    """A fork takes the table and the locks along, but none of the threads that work for them."""
    global _lock, _turn
    _ahead.clear()
    _lock, _turn = Lock(), Lock()


os.register_at_fork(after_in_child=_after_fork)


def set_with(text: str | None = None) -> dict[str, str]:
    """Program, fonts and template that set a report: with the same ones the same bytes can be made again."""
    return pdf.set_with(template() if text is None else text)
