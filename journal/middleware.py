"""Gives each request an id that its journal entries and error replies carry.

The id travels in a context variable, so that actions need no argument for something that decides
nothing; outside a request it is empty.
"""

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from journal.request_id import current


class RequestIdMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = uuid.uuid4().hex[:16]  # type: ignore[attr-defined]
        token = current.set(request.request_id)  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
        finally:
            current.reset(token)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response
