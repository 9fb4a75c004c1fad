"""The page on which a feed of events is sent in: looked at first, taken in when confirmed."""

import tempfile
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.boarding_file import TapeRefused
from config.event_feed import COLUMNS, FeedReport, read_feed
from followups.actions.events import TAKES_FEEDS
from followups.event_wording import kind_words, outside_words
from followups.models import EventFeed
from followups.rules import events as rules
from followups.rules.outside import CODES
from journal.errors import ActionRefused
from loans.queries import open_business_date
from people.web import PageView, no_store

LARGEST = 5 << 20  # bytes


class EventFeedPage(PageView):
    permission = TAKES_FEEDS
    template_name = "followups/events/feed.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        sent = request.FILES.get("file")
        is_preview = request.POST.get("verb") != "take"
        try:
            if not isinstance(sent, UploadedFile):
                raise TapeRefused(_("请选择文件。"))
            if (sent.size or 0) > LARGEST:
                raise TapeRefused(_("文件超过 %(limit)s MB，请分成几个文件导入。") % {"limit": LARGEST >> 20})
            sha256 = request.POST.get("sha256", "")
            if not is_preview and len(sha256) != 64:
                raise TapeRefused(_("请先预览文件。"))
            report = self._read(sent, is_preview=is_preview, sha256="" if is_preview else sha256)
        except TapeRefused as refusal:
            return self._shown(refused=str(refusal), status=422)
        except ActionRefused as refusal:
            return self._shown(refused=refusal.message, status=409 if refusal.conflict else 422)
        if is_preview:
            return self._shown(report=report)
        taken = report.counts["TAKEN"]
        words = ngettext("已接收：事项 %(taken)d 条。", "已接收：事项 %(taken)d 条。", taken)
        messages.success(request, words % {"taken": taken})
        return redirect("event_feed")

    def _read(self, sent: UploadedFile, *, is_preview: bool, sha256: str) -> FeedReport:
        with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
            for block in sent.chunks():
                copy.write(block)
            copy.flush()
            return read_feed(
                Path(copy.name), feed=self.request.POST.get("feed", ""), name=sent.name or "", by=self.staff,
                at=self.at, is_preview=is_preview, sha256=sha256,
            )  # fmt: skip

    def _shown(self, report: FeedReport | None = None, refused: str = "", status: int = 200) -> HttpResponse:
        context = self.get_context_data(
            report=report,
            refused=refused,
            feeds=EventFeed.choices,
            feed=self.request.POST.get("feed", ""),
            columns=",".join(COLUMNS),
            codes=[
                (
                    EventFeed(feed).label,
                    [
                        *((kind.code, kind_words(kind.code)) for kind in rules.told_by(rules.FEED, feed)),
                        *((code, outside_words(code)) for code in CODES.get(feed, ())),
                    ],
                )
                for feed in rules.FEEDS
            ],
            business_date=open_business_date(),
        )
        response = self.render_to_response(context)
        response.status_code = status
        return no_store(response)
