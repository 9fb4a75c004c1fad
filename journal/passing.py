"""Which faults of the database pass by themselves: the same request may go through in a moment; nothing was changed.

A driver names no code when it never got a connection (no slot is left, the server starts up or is being replaced), nor
when the server went away in the middle: an operational fault without a code is always one of the connection. Django may
have opened another by the time it is asked. One case alone leaves open whether anything was changed: the connection
broke during the COMMIT.
"""

from types import TracebackType

import psycopg2
from django.db import connection

# lock_not_available, query_canceled, deadlock_detected, serialization_failure (on a replica: a conflict with recovery),
# too_many_connections, cannot_connect_now
PASSING = {"55P03", "57014", "40P01", "40001", "53300", "57P03"}
# The server ended the session: admin_shutdown, crash_shutdown, idle_session_timeout,
# idle_in_transaction_session_timeout; or the line broke: connection_exception and its kinds.
LOST = {"57P01", "57P02", "57P05", "25P03", "08000", "08001", "08003", "08006", "08007"}


def is_passing(fault: BaseException) -> bool:
    """True when trying again may help, and is safe unless `is_in_doubt`."""
    return _code_of(fault) in PASSING or is_unreachable(fault)


def is_unreachable(fault: BaseException) -> bool:
    """True when the database gave no connection at all, or ended the one there was."""
    if code := _code_of(fault):
        return code in LOST
    cause = fault.__cause__
    # The driver's general kind: the server was gone before it could say why.
    if isinstance(cause, psycopg2.OperationalError) or type(cause) is psycopg2.DatabaseError:
        return True
    return isinstance(cause, psycopg2.Error) and ("connection already closed" in str(cause) or _is_gone())


def is_cut_off(fault: BaseException) -> bool:
    """True when a connection there was is gone; what was committed on it before stays."""
    return is_unreachable(fault) and not _passed_through("connect", fault.__traceback__)


def is_in_doubt(fault: BaseException) -> bool:
    """True when the connection broke during a COMMIT: what was asked for may have been done."""
    return (
        _code_of(fault) in ("", "08007") and is_unreachable(fault) and _passed_through("_commit", fault.__traceback__)
    )


def _code_of(fault: BaseException) -> str:
    return getattr(fault.__cause__, "pgcode", None) or ""


def _is_gone() -> bool:
    return connection.connection is None or bool(connection.connection.closed)


def _passed_through(function: str, trace: TracebackType | None) -> bool:
    while trace is not None:
        if trace.tb_frame.f_code.co_name == function:
            return True
        trace = trace.tb_next
    return False
