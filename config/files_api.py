"""A file of money over the API: its text as it would stand in the file, looked at or taken in."""

import tempfile
from pathlib import Path
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.boarding_file import TapeRefused
from config.money_file import CHUNK, FileReport, preview, take_in
from journal.errors import ActionRefused
from loans.api import MoneyFiles
from loans.api.refunds import YesNoField
from loans.models import MoneyFileKind
from people.api.fields import StrictSerializer, TextField
from people.api.views import writes


class FileRefused(ActionRefused):
    """The file itself cannot be used."""

    code = "file_refused"


class FileForm(StrictSerializer):
    kind = serializers.ChoiceField(choices=[MoneyFileKind.RECEIPTS, MoneyFileKind.DEBITS_BACK])
    name = TextField(max_length=190)
    content = TextField(max_length=2_000_000, trim_whitespace=False, help_text=f"The CSV; at most {CHUNK} rows.")
    dry_run = YesNoField(required=False, default=False, help_text="Say what would become of the rows.")


class Problem(serializers.Serializer[Any]):
    row = serializers.IntegerField()
    column = serializers.CharField()
    value = serializers.CharField()
    reason = serializers.CharField()


class FileReply(serializers.Serializer[Any]):
    """What became of the rows: rows = posted + waiting + duplicate + failed + breaks."""

    id = serializers.SerializerMethodField()
    kind = serializers.ChoiceField(choices=MoneyFileKind.choices)
    sha256 = serializers.CharField()
    is_dry_run = YesNoField(source="is_preview")
    rows = serializers.IntegerField(source="counts.rows")
    posted = serializers.IntegerField(source="counts.posted")
    waiting = serializers.IntegerField(source="counts.waiting")
    duplicate = serializers.IntegerField(source="counts.duplicate")
    failed = serializers.IntegerField(source="counts.failed")
    breaks = serializers.IntegerField(source="counts.breaks")
    amount_posted = serializers.CharField(source="counts.amount_posted")
    problems = Problem(many=True)

    def get_id(self, report: FileReport) -> int | None:
        return report.file.pk if report.file else None


class SentFiles(MoneyFiles):
    """Files of money; one is sent in as its text and taken in as a whole."""

    permission = "loans.post_receipts"

    @writes(FileForm, FileReply, status=201, key_required=True, operation_id="money_files_send")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(FileForm)
        given: dict[str, Any] = {"name": asked["name"], "kind": asked["kind"], "most_rows": CHUNK}

        def effect() -> Response:
            with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
                copy.write(asked["content"].encode())
                copy.flush()
                try:
                    if asked["dry_run"]:
                        return Response(FileReply(preview(Path(copy.name), **given)).data, status=200)
                    report = take_in(Path(copy.name), by=self.staff, clock=lambda: self.at, **given)
                except TapeRefused as refusal:
                    raise FileRefused(str(refusal), field="content") from None
            return Response(FileReply(report).data, status=201)

        return self.once(effect, required=True)
