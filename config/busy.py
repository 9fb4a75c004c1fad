"""Answers 503 when the database made a page wait too long, gave it no connection or ended the one it had: nothing was
changed, and trying again is safe. The API says the same in its own shape (`people.api.errors`); which faults pass is
told in one place, `journal.passing`.
"""

import sys
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import defaults

from journal.passing import is_cut_off, is_passing, is_unreachable
from people.api.errors import error_response


class BusyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page 系统繁忙 for a passing fault of the database; None leaves other faults to Django."""
        return _busy(request, exception) if is_passing(exception) else None


def server_error(request: HttpRequest) -> HttpResponse:
    """The last handler: a passing fault outside a view, as in loading or keeping a session, is busy as well."""
    fault = sys.exc_info()[1]
    if not isinstance(fault, Exception) or not is_passing(fault):
        return defaults.server_error(request)
    if request.path.startswith("/api/"):
        answer = error_response(fault, {"request": request})
        return JsonResponse(answer.data, status=answer.status_code, headers=dict(answer.headers))
    return _busy(request, fault)


def _busy(request: HttpRequest, fault: Exception) -> HttpResponse:
    if is_unreachable(fault):
        # The frame would ask the database who is signed in; this page asks nothing.
        # A page that posts may have committed before it read what it shows.
        is_in_doubt = request.method not in ("GET", "HEAD", "OPTIONS") and is_cut_off(fault)
        told = {"is_unreachable": True, "is_in_doubt": is_in_doubt}
        response = HttpResponse(render_to_string("503.html", told), status=503)
    else:
        response = render(request, "503.html", status=503)
    response["Retry-After"] = "2"
    return response
