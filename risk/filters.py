"""What warning signals can be narrowed by, on the page and through the API alike."""

from typing import Any

import django_filters
from django.utils.translation import gettext_lazy as _

from loans.queries import open_business_date
from people.filters import TruthFilter
from risk.models import Signal, SignalLevel, SignalOutcome, SignalSource, SignalState
from risk.queries import late_on

OPEN = "OPEN"
# What is not closed yet is one choice beside the states themselves.
STATES = ((OPEN, _("未结")), *SignalState.choices)


class SignalFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=_("状态"), choices=STATES, method="in_state")
    level = django_filters.ChoiceFilter(label=_("级别"), choices=SignalLevel.choices)
    severe = TruthFilter(label=_("红/橙"), method="is_severe")
    source = django_filters.ChoiceFilter(label=_("来源"), choices=SignalSource.choices)
    outcome = django_filters.ChoiceFilter(label=_("结果"), choices=SignalOutcome.choices)
    code = django_filters.CharFilter(label=_("规则"), max_length=60)
    branch = django_filters.CharFilter(label=_("机构号"), field_name="loan__branch__code")
    officer = django_filters.CharFilter(label=_("管户工号"), field_name="loan__portfolio_officer__staff_no")
    loan = django_filters.NumberFilter(label=_("贷款"), field_name="loan_id")
    late = TruthFilter(label=_("超时限"), method="is_late")
    raised_from = django_filters.DateFilter(label=_("发现日自"), field_name="raised_on", lookup_expr="gte")
    raised_to = django_filters.DateFilter(label=_("发现日至"), field_name="raised_on", lookup_expr="lte")
    closed_from = django_filters.DateFilter(label=_("关闭日自"), field_name="closed_on", lookup_expr="gte")
    closed_to = django_filters.DateFilter(label=_("关闭日至"), field_name="closed_on", lookup_expr="lte")

    class Meta:
        model = Signal
        fields: list[str] = []

    def in_state(self, queryset: Any, _name: str, value: str) -> Any:
        return queryset.filter(closed_on__isnull=True) if value == OPEN else queryset.filter(state=value)

    def is_severe(self, queryset: Any, _name: str, value: bool) -> Any:
        severe = {"level__lte": SignalLevel.ORANGE}
        return queryset.filter(**severe) if value else queryset.exclude(**severe)

    def is_late(self, queryset: Any, _name: str, value: bool) -> Any:
        today = open_business_date()
        if today is None:
            return queryset.none()
        return queryset.filter(late_on(today)) if value else queryset.exclude(late_on(today))
