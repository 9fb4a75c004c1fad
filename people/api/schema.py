"""What the schema generator cannot guess: how a key is presented, and where schema and reading page stand."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from people.api.permissions import ANYONE, HasPermission


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "people.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


def _refuse_odd_parameters(request: Request, allowed: dict[str, set[str]]) -> None:
    # The library copies these into headers and the translation machinery unread.
    for name, value in request.query_params.items():
        if value not in allowed.get(name, set()):
            raise ValidationError({name[:60]: ["?"]})


_LANGUAGES = {code for code, _name in settings.LANGUAGES}


class _ErrorsAsJson:
    """Errors of these two views come as JSON too, not in the format of the description."""

    def handle_exception(self, exc: Exception) -> Any:
        self.request.accepted_renderer, self.request.accepted_media_type = JSONRenderer(), "application/json"  # type: ignore[attr-defined]
        return super().handle_exception(exc)  # type: ignore[misc]


class Schema(_ErrorsAsJson, SpectacularAPIView):
    """The OpenAPI description. It holds no data of the bank and is open to read."""

    permission = ANYONE
    permission_classes = [HasPermission]
    authentication_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        _refuse_odd_parameters(request, {"lang": _LANGUAGES, "format": {"json", "yaml"}})


class ReadingPage(_ErrorsAsJson, SpectacularSwaggerSplitView):
    """The description to read and try in a browser; its script comes from an address of its own (CSP)."""

    permission = ANYONE
    permission_classes = [HasPermission]
    authentication_classes = []
    url_name = "api:schema"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        _refuse_odd_parameters(request, {"lang": _LANGUAGES, "script": {""}})
