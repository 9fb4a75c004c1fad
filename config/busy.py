"""Answers 503 when the database made a page wait too long: nothing was changed, and trying again is safe."""

from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# lock_not_available, query_canceled, deadlock_detected, serialization_failure
PASSING = {"55P03", "57014", "40P01", "40001"}


class BusyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page 系统繁忙 for a passing fault of the database; None leaves other faults to Django."""
        if not isinstance(exception, OperationalError) or getattr(exception.__cause__, "pgcode", None) not in PASSING:
            return None
        response = render(request, "503.html", status=503)
        response["Retry-After"] = "2"
        return response
