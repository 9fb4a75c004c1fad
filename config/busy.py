"""Answers 503 when the database made a page wait too long or gave it no connection: nothing was changed, and trying
again is safe. The API says the same in its own shape (`people.api.errors`); which faults pass is told in one place,
`journal.passing`.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from journal.passing import is_passing, is_unreachable


class BusyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page 系统繁忙 for a passing fault of the database; None leaves other faults to Django."""
        if not is_passing(exception):
            return None
        if is_unreachable(exception):
            # The frame would ask the database who is signed in; this page asks nothing.
            response = HttpResponse(render_to_string("503.html", {"is_unreachable": True}), status=503)
        else:
            response = render(request, "503.html", status=503)
        response["Retry-After"] = "2"
        return response
