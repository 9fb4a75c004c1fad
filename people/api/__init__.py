"""The REST API's shared ground: who is asking, what may be sent in, how lists and errors look.

Only what settings name is exported here. The view bases live in `people.api.views`: importing
them here would close a circle, because the framework's own views import these names while they
are being defined.
"""

from people.api.authentication import TokenAuthentication
from people.api.errors import error_response
from people.api.pagination import KeysetPagination
from people.api.parsing import StrictJSONParser
from people.api.permissions import HasPermission

__all__ = ["HasPermission", "KeysetPagination", "StrictJSONParser", "TokenAuthentication", "error_response"]
