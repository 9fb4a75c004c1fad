"""The only way data comes in: UTF-8 JSON, small, shallow and unambiguous; anything else is refused with the reason.

Python's own parser lets through what other readers of the same bytes may understand differently
(duplicate keys, NaN, lone surrogates) and what PostgreSQL cannot store (NUL); so these are
refused before any view sees them.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 32
MAX_NUMBER = 40


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"


class StrictJSONParser(BaseParser):
    """Parses a request body; the bytes are kept on the request for the idempotency digest."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        request = (parser_context or {}).get("request")
        if request is not None:
            _refuse_encodings(request.META, media_type or "")
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise TooLarge(_("请求正文超过 2 MB。"))
        if request is not None:
            request.raw_body = body
        return parse_strictly(body)


def _refuse_encodings(meta: Mapping[str, Any], media_type: str) -> None:
    if str(meta.get("CONTENT_LENGTH") or "0").isdigit() and int(meta.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
        raise TooLarge(_("请求正文超过 2 MB。"))
    if meta.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
        raise UnsupportedMediaType(media_type, _("不接受压缩的请求正文。"))
    charset = media_type.lower().partition("charset=")[2].strip(' "')
    if charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMediaType(media_type, _("请求正文只接受 UTF-8 编码。"))


def parse_strictly(body: bytes) -> Any:
    """The value of a JSON text, or ParseError naming what is wrong with it."""
    if body.startswith(b"\xef\xbb\xbf"):
        raise ParseError(_("请求正文不能以 BOM 开头。"))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise ParseError(_("请求正文不是有效的 UTF-8。")) from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constants,
            parse_float=_decimal,
            parse_int=_integer,
        )
    except RecursionError:
        raise ParseError(_("JSON 嵌套过深（最多 %(depth)d 层）。") % {"depth": MAX_DEPTH}) from None
    except ValueError as error:
        where = f"{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else "1:1"
        raise ParseError(_("请求正文不是有效的 JSON（行:列 %(where)s）。") % {"where": where}) from None
    _refuse_inside(value, 0)
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ParseError(_("JSON 对象中有重复的键。"))
    return found


def _no_constants(word: str) -> Any:
    raise ParseError(_("JSON 不接受 NaN 或 Infinity。"))


def _decimal(digits: str) -> Decimal:
    if len(digits) > MAX_NUMBER:
        raise ParseError(_("JSON 中的数字过长。"))
    return Decimal(digits)


def _integer(digits: str) -> int:
    if len(digits) > MAX_NUMBER:
        raise ParseError(_("JSON 中的数字过长。"))
    return int(digits)


def _refuse_inside(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ParseError(_("JSON 嵌套过深（最多 %(depth)d 层）。") % {"depth": MAX_DEPTH})
    if isinstance(value, str):
        _refuse_text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _refuse_text(key)
            _refuse_inside(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _refuse_inside(inner, depth + 1)


def _refuse_text(text: str) -> None:
    if "\0" in text:
        raise ParseError(_("文字中不能有 NUL 字符。"))
    # A pair written as two escapes is joined by the parser; what is left is half a character.
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ParseError(_("文字中有不成对的代理字符。"))
