"""The report as a bank's document: PDF 个人住房贷款贷后检查报告 from the frozen content.

It is set from the template's text, not from its file, so that one kept at approval sets the same report years later.
"""

import hashlib
import json
import os
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from people import pdf

TEMPLATE = Path(__file__).resolve().parent / "typst" / "visit_report.typ"
# Documents begun before they are asked for, the first begun first: a wait of so many, set by one thread.
MOST_AHEAD = 120


class _Ahead:
    """What is set ahead, by what its bytes depend on; a thread sets one after the other and ends when none is left."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._begun: dict[str, Future[bytes]] = {}
        self._waiting: deque[tuple[Future[bytes], Mapping[str, Any], str]] = deque()
        self._is_working = False

    def put(self, content: Mapping[str, Any], text: str) -> None:
        """Begins one; what waits longest gives way when there are too many."""
        key, document = _key(content, text), Future[bytes]()
        with self._lock:
            if key in self._begun:
                return
            while len(self._begun) >= MOST_AHEAD:
                self._begun.pop(next(iter(self._begun))).cancel()
            self._begun[key] = document
            self._waiting.append((document, content, text))
            if not self._is_working:
                self._is_working = self._has_begun()

    def take(self, content: Mapping[str, Any], text: str) -> "Future[bytes] | None":
        """What was begun of the very same document."""
        with self._lock:
            return self._begun.pop(_key(content, text), None) if self._begun else None

    def _has_begun(self) -> bool:
        """Is there a thread that works now? Where the host gives none, what waits is set when it is asked for."""
        try:
            Thread(target=self._work, name="reports_ahead").start()
        except RuntimeError:
            self._begun.clear()
            self._waiting.clear()
            return False
        return True

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_working = False
                    return
                document, content, text = self._waiting.popleft()
            _set(document, content, text)


_ahead = _Ahead()


def _after_fork() -> None:
    """A fork takes the table and its lock along, but not the thread that works for it."""
    global _ahead
    _ahead = _Ahead()


os.register_at_fork(after_in_child=_after_fork)


def template() -> str:
    """The template in use now."""
    return TEMPLATE.read_bytes().decode()


def render(content: Mapping[str, Any], text: str | None = None) -> bytes:
    """PDF of a report's content by this template, else by that in use; `decision` and hash are shown when inside."""
    return pdf.render_text(template() if text is None else text, content)


def begin(content: Mapping[str, Any], text: str) -> "Future[bytes]":
    """Sets a report on another processor while the caller writes rows; what goes wrong is raised by the result.

    What was begun ahead of the very same document is taken; the same content and template give the same bytes. Else a
    thread of its own each time: a pool that was used before a fork would never answer after it.
    """
    if known := _ahead.take(content, text):
        return known
    document = Future[bytes]()
    Thread(target=_set, args=(document, content, text), name="report_pdf").start()
    return document


def begin_ahead(content: Mapping[str, Any], text: str) -> None:
    """Begins a report that is likely to be asked for soon; one that nobody asks for costs time and nothing else."""
    _ahead.put(content, text)


def _set(document: "Future[bytes]", content: Mapping[str, Any], text: str) -> None:
    if not document.set_running_or_notify_cancel():
        return
    try:
        document.set_result(render(content, text))
    except BaseException as fault:
        document.set_exception(fault)


def _key(content: Mapping[str, Any], text: str) -> str:
    """What the bytes depend on."""
    said = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(f"{text}\0{said}".encode("utf-8", "surrogatepass")).hexdigest()


def set_with(text: str | None = None) -> dict[str, str]:
    """Program, fonts and template that set a report: with the same ones the same bytes can be made again."""
    return pdf.set_with(template() if text is None else text)
