"""Sessions as Django keeps them in the database; the look-up that every page begins with is one plain statement."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import connections, router

_KNOWN = "SELECT session_data, expire_date FROM django_session WHERE session_key = %s AND expire_date > now()"


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Session | None:
        """The session while it lasts; None, and the key forgotten, when there is none."""
        key = self.session_key or ""
        with connections[router.db_for_read(Session)].cursor() as cursor:
            cursor.execute(_KNOWN, [key])
            row = cursor.fetchone()
        if row is None:
            self._session_key = None  # type: ignore[misc]
            return None
        return Session(session_key=key, session_data=row[0], expire_date=row[1])
