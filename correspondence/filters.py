"""What messages can be narrowed by, on the page and through the API alike."""

from typing import Any

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from correspondence.models import Message, MessageKind, MessageState
from loans.filters import Copied
from loans.models import Loan
from loans.queries import open_business_date
from people.models import Branch

PAST = "PAST"
# What waits and what nobody sent in time are one state of the row, told apart by the business date.
STATES = (*MessageState.choices, (PAST, _("已过时")))


class MessageFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(label=_("类型"), choices=MessageKind.choices)
    state = django_filters.ChoiceFilter(label=_("状态"), choices=STATES, method="in_state")
    branch = django_filters.CharFilter(label=_("机构号"), method="of_branch")
    loan = django_filters.NumberFilter(label=_("贷款"), field_name="loan_id")
    loan_note_no = Copied(label=_("借据号"), field_name="loan__loan_note_no")

    class Meta:
        model = Message
        fields: list[str] = []

    def in_state(self, queryset: Any, _name: str, value: str) -> Any:
        today = open_business_date()
        if value not in (MessageState.WAITING, PAST) or today is None:
            return queryset.filter(state=value)
        may_go = Q(expires_on__gte=today)
        return queryset.filter(may_go if value == MessageState.WAITING else ~may_go, state=MessageState.WAITING)

    def of_branch(self, queryset: Any, _name: str, value: str) -> Any:
        ids = list(Branch.objects.filter(code=value).values_list("pk", flat=True))
        return queryset.filter(loan__in=Loan.objects.filter(branch_id__in=ids))
