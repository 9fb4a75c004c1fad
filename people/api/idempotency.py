"""A write asked for twice under one key happens once: key row, effect and stored reply are one transaction.

So a crash at any statement leaves nothing behind and the retry simply runs. The key belongs to
the person; the digest is over method, path and the bytes of the body. The reply is kept as the
very text that was sent, because a JSON column would not keep the order of its keys. Refusals by
the rules are replies too and are kept; input that was not understood is not.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from journal.errors import ActionRefused
from people.api.errors import Conflict, Unprocessable, error_response
from people.models import IdempotencyKey, Staff

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def answer_once(
    *, request: Request, staff: Staff, at: datetime, effect: Callable[[], Response], required: bool
) -> HttpResponseBase:
    """Runs `effect` under the request's key, or repeats the reply it gave before (`Idempotency-Replayed: true`).

    Without the header: 400 when `required`, else the effect runs plainly. The same key with another
    request: 422. The same key in flight: 409, at once instead of waiting.
    """
    key = request.META.get("HTTP_IDEMPOTENCY_KEY", "")
    if not key and not required:
        return effect()
    if not _KEY.fullmatch(key):
        raise ValidationError({HEADER: [_("请在请求头中给出 1 至 255 个可见 ASCII 字符的 Idempotency-Key。")]})
    digest = _digest(request)
    with transaction.atomic():
        if not _lock(staff.pk, key):
            raise Conflict(_("同一幂等键的请求正在处理。"), code="idempotency_key_in_flight")
        known = IdempotencyKey.objects.filter(staff=staff, key=key).first()
        if known is not None:
            return _replay(known, digest)
        try:
            with transaction.atomic():
                response = effect()
        except ActionRefused as refusal:
            response = error_response(refusal, {"request": request})
        text = JSONRenderer().render(response.data).decode()
        IdempotencyKey.objects.create(
            staff=staff,
            key=key,
            path=request.path[:200],
            body_sha256=digest,
            status=response.status_code,
            body=text,
            created_at=at,
        )
        return response


def forget_keys(*, before: datetime) -> int:
    """Drops keys older than the time a client may retry (7 days is our promise); returns how many."""
    return IdempotencyKey.objects.filter(created_at__lt=before).delete()[0]


def _digest(request: Request) -> str:
    head = f"{request.method} {request.path}\n".encode()
    return hashlib.sha256(head + getattr(request, "raw_body", b"")).hexdigest()


def _lock(staff_id: int, key: str) -> bool:
    """Takes the key for this transaction; False when another transaction has it."""
    number = int.from_bytes(hashlib.sha256(f"idempotency:{staff_id}:{key}".encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _replay(known: IdempotencyKey, digest: str) -> HttpResponse:
    if known.body_sha256 != digest:
        raise Unprocessable(_("这个幂等键已用于另一个请求。"), code="idempotency_key_reused")
    response = HttpResponse(known.body, status=known.status, content_type="application/json")
    response["Idempotency-Replayed"] = "true"
    return response
