"""Filters that every list shares: a search field, and yes or no."""

from typing import Any, Final

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

_TRUTH: Final[dict[str, bool]] = {"true": True, "1": True, "false": False, "0": False}


class _TruthInput(forms.TextInput):
    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        given = data.get(name)
        return _TRUTH.get(given.lower(), given) if isinstance(given, str) else given


class _TruthField(forms.NullBooleanField):
    """true or false; a word that is neither is a fault, not "no matter"."""

    widget = _TruthInput

    def to_python(self, value: Any) -> bool | None:  # type: ignore[override]
        if value in (None, ""):
            return None
        if isinstance(value, bool):
            return value
        raise ValidationError(_("请填写 true 或 false。"), code="invalid")


class TruthFilter(django_filters.BooleanFilter):
    field_class = _TruthField


class SearchedList(django_filters.FilterSet):
    """A list with a search field `q`: what cannot be looked for is not found, instead of being passed over."""

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.none() if "q" in self.form.errors else super().filter_queryset(queryset)
