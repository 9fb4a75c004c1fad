"""Which faults of the database pass by themselves: the same request may go through in a moment; nothing was changed.

A driver names no code when it never got a connection: no slot is left, the server starts up or is being replaced. That
is told by there being no connection.
"""

from django.db import OperationalError, connection

# lock_not_available, query_canceled, deadlock_detected, serialization_failure, too_many_connections, cannot_connect_now
PASSING = {"55P03", "57014", "40P01", "40001", "53300", "57P03"}


def is_passing(fault: BaseException) -> bool:
    """True when trying again is safe and may help."""
    if not isinstance(fault, OperationalError):
        return False
    code = getattr(fault.__cause__, "pgcode", None)
    return code in PASSING if code else is_unreachable(fault)


def is_unreachable(fault: BaseException) -> bool:
    """True when the database gave no connection at all."""
    return isinstance(fault, OperationalError) and connection.connection is None
