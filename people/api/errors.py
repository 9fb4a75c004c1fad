"""One shape for every error: {"error": {"code", "message", "fields", "request_id"}}, never a stack, SQL or path.

`code` is a stable word for programs, `message` a sentence in the request's language, `fields`
the inputs at fault, each with its reasons. What is unexpected is logged under the request id and
answered with a 500 that says nothing else.
"""

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from journal.errors import ActionRefused
from journal.passing import is_in_doubt, is_passing

logger = logging.getLogger(__name__)

_BAD_REQUESTS = (BadRequest, SuspiciousOperation, UnreadablePostError, MultiPartParserError)


class BadCursor(exceptions.APIException):
    status_code = 400
    default_code = "bad_cursor"


class Conflict(exceptions.APIException):
    status_code = 409
    default_code = "conflict"


class Unprocessable(exceptions.APIException):
    status_code = 422
    default_code = "unprocessable"


def error_response(exc: Exception, context: Mapping[str, Any]) -> Response:
    """The reply to an exception raised anywhere in an API view."""
    request = context.get("request")
    request_id = getattr(request, "request_id", "") if request is not None else ""
    status, code, message, fields, headers = _describe(exc)
    if status >= 500:
        # By name and place only: an exception's own text may hold a person's data.
        logger.error("request %s failed", request_id, exc_info=exc if settings.DEBUG else _without_text(exc))
    body = {"error": {"code": code, "message": message, "fields": fields, "request_id": request_id}}
    return Response(body, status=status, headers=headers)


def _without_text(exc: Exception) -> BaseException:
    return RuntimeError(type(exc).__name__).with_traceback(exc.__traceback__)


def _describe(exc: Exception) -> tuple[int, str, str, dict[str, list[str]], dict[str, str]]:
    if isinstance(exc, ActionRefused):
        status = 403 if exc.code == "not_allowed" else 409 if exc.conflict else 422
        return status, exc.code, str(exc.message), refused_fields(exc), {}
    if isinstance(exc, exceptions.ValidationError):
        fields, general = flatten(exc.detail)
        return 400, "invalid_input", general[0] if general else _("输入有误，请按提示修改。"), fields, {}
    if isinstance(exc, Http404 | exceptions.NotFound | ObjectDoesNotExist):
        return 404, "not_found", _("没有找到。"), {}, {}
    if isinstance(exc, PermissionDenied) or type(exc) is exceptions.PermissionDenied:
        detail = str(getattr(exc, "detail", ""))
        if detail.startswith("CSRF"):
            return 403, "csrf_failed", _("缺少或错误的 CSRF 校验。"), {}, {}
        return 403, "forbidden", _("您的岗位没有此项权限。"), {}, {}
    if isinstance(exc, RequestDataTooBig):
        return 413, "too_large", _("请求正文超过 2 MB。"), {}, {}
    if isinstance(exc, _BAD_REQUESTS):
        return 400, "malformed", _("请求无法读取。"), {}, {}
    if isinstance(exc, exceptions.APIException):
        return _describe_api(exc)
    if is_in_doubt(exc):
        words = _("数据库在保存的一刻断开，无法确认是否已保存；请用同一幂等键重试，或先查询结果。")
        return 503, "in_doubt", words, {}, {"Retry-After": "2"}
    if is_passing(exc):
        return 503, "busy", _("系统繁忙，请稍后重试。"), {}, {"Retry-After": "2"}
    return 500, "internal_error", _("系统出错，请凭请求编号联系管理员。"), {}, {}


def _describe_api(exc: exceptions.APIException) -> tuple[int, str, str, dict[str, list[str]], dict[str, str]]:
    headers: dict[str, str] = {}
    if getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = exc.auth_header  # type: ignore[attr-defined]
    if getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(exc.wait))  # type: ignore[attr-defined]
    sentences = {
        exceptions.NotAuthenticated: ("not_authenticated", _("请先登录或出示令牌。")),
        exceptions.MethodNotAllowed: ("method_not_allowed", _("此地址不支持该方法。")),
        exceptions.Throttled: ("throttled", _("尝试次数过多，请稍后再试。")),
    }
    for kind, (code, message) in sentences.items():
        if isinstance(exc, kind):
            return exc.status_code, code, message, {}, headers
    if isinstance(exc, exceptions.ParseError):
        return 400, "malformed", str(exc.detail), {}, headers
    if isinstance(exc, exceptions.UnsupportedMediaType):
        return 415, "unsupported_media_type", _("只接受 application/json（UTF-8，不压缩）。"), {}, headers
    return exc.status_code, str(exc.get_codes()), str(exc.detail), {}, headers


def refused_fields(exc: ActionRefused) -> dict[str, list[str]]:
    """The inputs an action named: several (`sentences`: name → reason; `fields`: what is missing), one, or none."""
    several = getattr(exc, "fields", None) or getattr(exc, "sentences", None)
    if isinstance(several, Mapping):
        return {
            str(name): [str(r) for r in ([reason] if isinstance(reason, str) else reason)]
            for name, reason in several.items()
        }
    if several:
        labels = getattr(exc, "labels", None) or several
        return {
            str(name): [_("%(name)s未填写。") % {"name": label}] for name, label in zip(several, labels, strict=True)
        }
    return {exc.field: [str(exc.message)]} if exc.field else {}


def flatten(detail: Any, path: str = "") -> tuple[dict[str, list[str]], list[str]]:
    """Nested validation details as dotted paths, and the reasons that belong to no field."""
    fields: dict[str, list[str]] = {}
    general: list[str] = []
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            name = str(name)[:60]
            whole = name in ("non_field_errors", "__all__")
            below, loose = flatten(inner, path if whole else f"{path}.{name}" if path else name)
            fields.update(below)
            general.extend(loose)
    elif isinstance(detail, list | tuple) and any(isinstance(inner, Mapping | list) for inner in detail):
        for index, inner in enumerate(detail):
            below, loose = flatten(inner, f"{path}.{index}" if path else str(index))
            fields.update(below)
            general.extend(loose)
    else:
        reasons = [str(reason) for reason in (detail if isinstance(detail, list | tuple) else [detail])]
        if path:
            fields[path] = reasons
        else:
            general.extend(reasons)
    return fields, general
