"""Serializers that take exactly what they declare."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class StrictSerializer(serializers.Serializer[Any]):
    """For writes: a field that is not declared is an error, so nothing is assigned or ignored by accident."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = [str(name) for name in data if name not in self.fields] if isinstance(data, Mapping) else []
        faults: dict[str, Any] = {name[:60]: [_("没有这个字段。")] for name in unknown[:20]}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not faults or not isinstance(error.detail, dict):
                raise
            faults |= error.detail
        if faults:
            raise serializers.ValidationError(faults)
        return value


class TextField(serializers.CharField):
    """Text as JSON text; a number or a yes/no is not silently turned into one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """A JSON integer; not a string of digits, not a yes/no."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class DayField(serializers.DateField):
    """A day as YYYY-MM-DD from 1900 to 2199; no other spelling of ISO 8601, no time."""

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise serializers.ValidationError(_("日期请写成 YYYY-MM-DD。"))
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise serializers.ValidationError(_("没有这一天。")) from None
        if not 1900 <= day.year <= 2199:
            raise serializers.ValidationError(_("日期须在 1900 年至 2199 年之间。"))
        return day


class ErrorBody(serializers.Serializer[Any]):
    """What went wrong: a stable word, a sentence, the fields at fault."""

    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))  # type: ignore[assignment]
    request_id = serializers.CharField()


class ErrorReply(serializers.Serializer[Any]):
    """The one shape of every error."""

    error = ErrorBody()
