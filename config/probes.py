"""Health probes: the process answers (`/healthz`); its database, broker and replica answer (`/readyz`)."""

from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse, JsonResponse

from journal.replica import REPLICA


def alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


def ready(request: HttpRequest) -> JsonResponse:
    """503 when the database does not answer; names what does not. Pages and money go on without Redis or a replica."""
    state = {"database": _answers(_ask_database), "redis": _answers(_ask_redis)}
    if REPLICA in settings.DATABASES:
        state["replica"] = _answers(_ask_replica)
    return JsonResponse(state, status=200 if state["database"] == "ok" else 503)


def _answers(ask: Callable[[], None]) -> str:
    try:
        ask()
    except Exception:
        return "down"
    return "ok"


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_replica() -> None:
    with connections[REPLICA].cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_redis() -> None:
    cache.get("readyz")
