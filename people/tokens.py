"""API keys: made once, shown once, kept only as a SHA-256, refused when expired, revoked or the person is gone.

The key carries 256 random bits, so a plain digest is enough; a slow password hash would only
slow every request down.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction

from journal.actions import record
from journal.queries import business_date_now
from people.models import ApiToken, Staff

KEY_BYTES = 32
LIFETIME = timedelta(days=30)


def digest_of(key: str) -> str:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


@transaction.atomic
def issue_token(
    *, staff: Staff, name: str, by: str, at: datetime, lifetime: timedelta = LIFETIME
) -> tuple[str, ApiToken]:
    """Makes a key for a person and records it; the key itself is returned here and nowhere else."""
    key = secrets.token_urlsafe(KEY_BYTES)
    token = ApiToken.objects.create(
        staff=staff, name=name, key_sha256=digest_of(key), created_at=at, expires_at=at + lifetime
    )
    _record("people.token_issued", token, by, at)
    return key, token


@transaction.atomic
def revoke_token(*, token_id: int, by: str, at: datetime) -> None:
    """Ends a key at once; a key that has ended already stays as it is."""
    ended = ApiToken.objects.filter(pk=token_id, revoked_at__isnull=True).update(revoked_at=at)
    if ended:
        _record("people.token_revoked", ApiToken.objects.get(pk=token_id), by, at)


def live_token(key: str, *, at: datetime) -> ApiToken | None:
    """The token of a key that may be used now, with its person; None for every other key alike."""
    return (
        ApiToken.objects.select_related("staff__branch")
        .filter(key_sha256=digest_of(key), revoked_at__isnull=True, expires_at__gt=at, staff__is_active=True)
        .first()
    )


def _record(kind: str, token: ApiToken, by: str, at: datetime) -> None:
    record(
        kind=kind,
        subject_type="api_token",
        subject_id=token.pk,
        by=by,
        at=at,
        business_date=business_date_now(),
        data={"staff_id": token.staff_id, "expires_at": token.expires_at.isoformat()},
    )
