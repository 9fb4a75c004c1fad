"""Takes one file of a form to disk piece by piece, and stops where it becomes too large; sends a file out safely.

The limit holds while the bytes come in: what lies beyond is read past and kept nowhere, so that the
browser still gets its sentence; a body many times the limit is cut off.
"""

from typing import Any, Final
from urllib.parse import quote

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import SkipFile, StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from rest_framework.request import Request

from followups.actions.attachments import too_large
from followups.actions.refusals import FileRefused
from followups.queries.attachments import most_megabytes

_PATIENCE: Final = 20


class BoundedUpload(TemporaryFileUploadHandler):
    """Writes to a temporary file up to `most_bytes`; past that `is_past` is set and there is no file."""

    def __init__(self, request: HttpRequest, most_bytes: int) -> None:
        super().__init__(request)
        self.most_bytes, self.is_past = most_bytes, False

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: Any = None
    ) -> None:
        if content_length > self.most_bytes * _PATIENCE:
            self.is_past = True
            raise StopUpload(connection_reset=True)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if start + len(raw_data) > self.most_bytes:
            self.is_past = True
            raise SkipFile
        return super().receive_data_chunk(raw_data, start)


def bound_uploads(request: HttpRequest) -> None:
    """To be called before anything of the body is read, the form's token included."""
    request.upload_handlers = [BoundedUpload(request, most_megabytes() << 20)]


def sent_file(request: HttpRequest | Request) -> UploadedFile:
    """The file sent as `file`; FileRefused when it was too large or is not there."""
    found = request.FILES.get("file")
    if any(isinstance(each, BoundedUpload) and each.is_past for each in getattr(request, "upload_handlers", ())):
        raise too_large(most_megabytes())
    if not isinstance(found, UploadedFile):
        raise FileRefused(_("请选择文件。"))
    return found


def file_response(content: bytes, media_type: str, name: str) -> HttpResponse:
    """A file to be saved under its name: never guessed at, never shown inside a page."""
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def picture_response(content: bytes) -> HttpResponse:
    """A small JPEG that we wrote ourselves, to be shown in a page."""
    response = HttpResponse(content, content_type="image/jpeg")
    response["Content-Disposition"] = "inline"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
