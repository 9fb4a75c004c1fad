"""The page on which a file of money is sent in: looked at first, taken in when confirmed.

What is confirmed is what was previewed: the file is sent once more with the hash of the preview.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from config.boarding_file import TapeRefused
from config.money_file import FileReport, preview, take_in
from journal.errors import ActionRefused
from loans.models import MoneyFileKind
from people.web import PageView, no_store

LARGEST = 20 << 20  # bytes
MOST_ROWS = 50_000


class MoneyUpload(PageView):
    permission = "loans.post_receipts"
    template_name = "loans/file_upload.html"
    part_template = "loans/parts/file_preview.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        sent = request.FILES.get("file")
        try:
            if not isinstance(sent, UploadedFile):
                raise TapeRefused(_("请选择文件。"))
            if (sent.size or 0) > LARGEST:
                raise TapeRefused(_("文件超过 %(limit)s MB，请分成几个文件导入。") % {"limit": LARGEST >> 20})
            if request.POST.get("verb") != "take":
                return self._shown(report=_on_disk(sent, lambda path: self._preview(path, sent)))
            report = _on_disk(sent, lambda path: self._take(path, sent))
        except TapeRefused as refusal:
            return self._shown(refused=str(refusal), status=422)
        except ActionRefused as refusal:
            return self._shown(refused=refusal.message, status=409 if refusal.conflict else 422)
        assert report.file is not None
        words = {"posted": report.counts["posted"], "breaks": report.counts["breaks"]}
        messages.success(request, _("已接收：入账 %(posted)d 笔，差异 %(breaks)d 行。") % words)
        return self._go(reverse("loans:file", args=[report.file.pk]))

    def _preview(self, path: Path, sent: UploadedFile) -> FileReport:
        return preview(path, name=sent.name or "", most_rows=MOST_ROWS)

    def _take(self, path: Path, sent: UploadedFile) -> FileReport:
        sha256 = self.request.POST.get("sha256", "")
        if len(sha256) != 64:
            raise TapeRefused(_("请先预览文件。"))
        return take_in(
            path, by=self.staff, clock=lambda: self.at, name=sent.name or "", sha256=sha256, most_rows=MOST_ROWS
        )

    def _go(self, url: str) -> HttpResponse:
        """A page sent for by script goes on as a whole page."""
        if getattr(self.request, "htmx", None):
            response = HttpResponse(status=204)
            response["HX-Redirect"] = url
            return response
        return redirect(url)

    def _shown(self, report: FileReport | None = None, refused: str = "", status: int = 200) -> HttpResponse:
        label = MoneyFileKind(report.kind).label if report else ""
        response = self.render_to_response(
            self.get_context_data(report=report, kind_label=label, refused=refused, tab="files")
        )
        response.status_code = status
        return no_store(response)


def _on_disk(sent: UploadedFile, look: Callable[[Path], FileReport]) -> FileReport:
    """Reads the upload from a file of its own, which is gone afterwards."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
        for block in sent.chunks():
            copy.write(block)
        copy.flush()
        return look(Path(copy.name))
