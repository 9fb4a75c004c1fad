"""A feed of events over the API: its text as it would stand in the file, looked at or taken in."""

import tempfile
from pathlib import Path
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.boarding_file import TapeRefused
from config.event_feed import MOST_ROWS, FeedReport, read_feed
from config.files_api import FileRefused
from followups.actions.events import TAKES_FEEDS
from followups.models import EventFeed
from loans.api.refunds import YesNoField
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, writes


class FeedForm(StrictSerializer):
    feed = serializers.ChoiceField(choices=EventFeed.choices)
    name = TextField(max_length=190)
    content = TextField(max_length=2_000_000, trim_whitespace=False, help_text=f"The CSV; at most {MOST_ROWS} rows.")
    dry_run = YesNoField(required=False, default=False, help_text="Say what would become of the rows.")


class FeedProblem(serializers.Serializer[Any]):
    row = serializers.IntegerField()
    column = serializers.CharField()
    value = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()


class FeedReply(serializers.Serializer[Any]):
    """What became of the rows: rows = taken + duplicate + baseline + nothing + refused."""

    feed = serializers.ChoiceField(choices=EventFeed.choices)
    sha256 = serializers.CharField()
    is_dry_run = YesNoField(source="is_preview")
    rows = serializers.IntegerField()
    taken = serializers.IntegerField(source="counts.TAKEN")
    duplicate = serializers.IntegerField(source="counts.DUPLICATE")
    baseline = serializers.IntegerField(source="counts.BASELINE")
    nothing = serializers.IntegerField(source="counts.NOTHING")
    refused = serializers.IntegerField(source="counts.REFUSED")
    problems = FeedProblem(many=True)


class EventFeeds(ApiView):
    """Feeds of income, employment, court, bureau summary and developer news; sent twice, taken once."""

    permission = TAKES_FEEDS

    @writes(FeedForm, FeedReply, status=201, key_required=True, operation_id="event_feeds_send")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(FeedForm)

        def effect() -> Response:
            with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
                copy.write(asked["content"].encode())
                copy.flush()
                try:
                    report: FeedReport = read_feed(
                        Path(copy.name), feed=asked["feed"], name=asked["name"], by=self.staff, at=self.at,
                        is_preview=asked["dry_run"],
                    )  # fmt: skip
                except TapeRefused as refusal:
                    raise FileRefused(str(refusal), field="content") from None
            return Response(FeedReply(report).data, status=200 if asked["dry_run"] else 201)

        return self.once(effect, required=True)
