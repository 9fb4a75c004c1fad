"""Sign-in of programs: a staff number and password buy a key; too many wrong ones lock the door for a while."""

from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import APIException, Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from people.api.errors import Conflict
from people.api.fields import StrictSerializer, TextField
from people.api.permissions import ANYONE, SIGNED_IN
from people.api.views import ApiView, writes
from people.models import ApiToken, Staff
from people.tokens import issue_token, revoke_token


class WrongPassword(APIException):
    status_code = 401
    default_code = "wrong_credentials"


class SignInForm(StrictSerializer):
    staff_no = TextField(max_length=20)
    password = TextField(max_length=128, trim_whitespace=False)
    name = TextField(max_length=60, required=False, default="API")


class TokenReply(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class Tokens(ApiView):
    """Makes a key. The key is shown this once."""

    permission = ANYONE
    authentication_classes = []

    @writes(SignInForm, TokenReply, status=201, auth=[], operation_id="tokens_create")
    def post(self, request: Request) -> Response:
        asked = self.sent(SignInForm)
        # django-axes counts failures on the plain request; its page is not for programs.
        plain = request._request
        staff = authenticate(request=plain, username=asked["staff_no"], password=asked["password"])
        if getattr(plain, "axes_locked_out", None):
            plain.axes_locked_out = None  # type: ignore[attr-defined]
            raise Throttled(wait=int(settings.AXES_COOLOFF_TIME * 3600))
        if not isinstance(staff, Staff):
            raise WrongPassword(_("工号或密码不正确。"))
        key, token = issue_token(staff=staff, name=asked["name"], by=staff.staff_no, at=self.at)
        return Response(TokenReply({"token": key, "expires_at": token.expires_at}).data, status=201)


class CurrentToken(ApiView):
    """Ends the key that this request carries."""

    permission = SIGNED_IN

    @writes(None, None, status=204, operation_id="tokens_revoke")
    def delete(self, request: Request) -> Response:
        if not isinstance(request.auth, ApiToken):
            raise Conflict(_("本次请求不是用令牌登录的。"), code="not_by_token")
        revoke_token(token_id=request.auth.pk, by=self.staff.staff_no, at=self.at)
        return Response(status=204)
