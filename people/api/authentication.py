"""Who is asking: a bearer key in the Authorization header (sessions are the framework's own, CSRF enforced)."""

import re

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from people.models import ApiToken, Staff
from people.tokens import live_token

_HEADER = re.compile(r"(?i:bearer|token) ([A-Za-z0-9_\-]{20,200})")


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>` (or `Token <key>`); every unusable key gets the same answer."""

    def authenticate(self, request: Request) -> tuple[Staff, ApiToken] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        match = _HEADER.fullmatch(header.strip())
        token = live_token(match[1], at=timezone.now()) if match else None
        if token is None:
            raise AuthenticationFailed(_("令牌无效或已过期。"), code="token_invalid")
        return token.staff, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="anju"'
