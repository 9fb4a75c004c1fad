"""What loans and receipts can be narrowed by, on pages and through the API alike; indexed look-ups only.

`q` looks where the shape of the words points, so that each search walks one index: three digits
and a check character are the end of an identity or telephone number, Chinese characters a name,
two or more letters the initials of one, anything else the beginning of a loan note number; rooms above add words
of their own shapes (`queries.ways`). One letter
is the initial of a tenth of the book and would be looked up in full: it is asked to be two.
"""

import re
from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Length, Right
from django.db.models.lookups import GreaterThan
from django.utils.translation import gettext_lazy as _

from loans.models import (
    BreakState,
    ChangeKind,
    ChangeState,
    ContractChange,
    DebitInstruction,
    DebitResult,
    FiveClass,
    Loan,
    MoneyFile,
    MoneyFileKind,
    MoneyReturn,
    Receipt,
    ReceiptBreak,
    ReceiptState,
    Refund,
    RefundState,
    RepricingItem,
    ReturnState,
)
from loans.queries import business_date
from loans.queries.ways import named_above
from loans.rules.copied import as_typed
from people.filters import SearchedList, TruthFilter
from people.models import Branch, Party

# From so many numbers on a search word is the beginning of whole branches' numbers.
MANY_NUMBERS = 500
_LAST_FOUR = re.compile(r"^\d{3}[\dXx]$")
_INITIALS = re.compile(r"^[A-Za-z]{2,8}$")
_ONE_LETTER = re.compile(r"^[A-Za-z]$")
_CHINESE = re.compile(r"[㐀-鿿]")

ITEM_STATES = (("PENDING", _("待生效")), ("APPLIED", _("已生效")), ("UNCHANGED", _("利率未变")), ("HELD", _("搁置")))


class Copied(django_filters.CharFilter):
    """A number that may be copied from a document."""

    def filter(self, qs: Any, value: Any) -> Any:
        return super().filter(qs, as_typed(value) if value else value)


def parties_matching(text: str) -> QuerySet[Party] | None:
    """The borrowers that a search word may mean; None when its shape says it is no person."""
    if _LAST_FOUR.match(text):
        by_end = Party.objects.annotate(id_end=Right("id_no", 4), phone_end=Right("phone", 4))
        return by_end.filter(Q(id_end=text.upper()) | Q(phone_end=text))
    if _CHINESE.search(text):
        return Party.objects.filter(_name_holds(text))
    if _INITIALS.match(text):
        return Party.objects.filter(name_initials__startswith=text.lower())
    return None


def _name_holds(text: str) -> Q:
    """A fragment of a name. Three characters in a row are looked up; fewer only with the beginning or end of the name.

    So two are looked for at both ends, and inside the few names that are longer than three; one is a family name.
    """
    if len(text) == 1:
        return Q(name__startswith=text)
    if len(text) > 2:
        return Q(name__contains=text)
    inside = Q(GreaterThan(Length("name"), Value(3))) & Q(name__contains=text)
    return Q(name__startswith=text) | Q(name__endswith=text) | inside


def loans_matching(text: str, prefix: str = "") -> Q:
    """Condition on a loan (under `prefix`, e.g. "loan__") for what was typed into the search field.

    No OR over tables, unless so many numbers begin with the word that any page is soon full: each of the ways walks
    its own index, and what they find is one set of ids.
    """
    word = as_typed(text)
    named_elsewhere = named_above(word)
    if named_elsewhere is not None:
        return Q(**{f"{prefix}pk__in": named_elsewhere})
    parties = parties_matching(word)
    if parties is not None and _CHINESE.search(word):
        return Q(**{f"{prefix}borrower__in": parties})
    number = f"{prefix}loan_note_no__startswith"
    if parties is None:
        # Looked up beforehand, so that a number alone walks the list's own index.
        named = list(Loan.objects.filter(external_id=word).values_list("pk", flat=True))
        found = Q(**{number: word.upper()})
        return found | Q(**{f"{prefix}pk__in": named}) if named else found
    of_person = Loan.objects.filter(borrower__in=parties).values("pk")
    by_number = Loan.objects.filter(loan_note_no__startswith=word.upper()).values("pk")
    if by_number[MANY_NUMBERS : MANY_NUMBERS + 1].exists():
        return Q(**{f"{prefix}borrower__in": parties}) | Q(**{number: word.upper()})
    return Q(**{f"{prefix}pk__in": of_person.union(by_number, Loan.objects.filter(external_id=word).values("pk"))})


def is_one_letter(text: str) -> bool:
    """Too short to be initials; it is looked for at the beginning of numbers only."""
    return bool(_ONE_LETTER.match(as_typed(text)))


def begins_many_numbers(text: str) -> bool:
    """Is it the beginning of so many numbers that sorting their loans by another column reads them all?"""
    word = as_typed(text)
    if not word or parties_matching(word) is not None:
        return False
    found = Loan.objects.filter(loan_note_no__startswith=word.upper()).order_by().values("pk")
    return found[MANY_NUMBERS : MANY_NUMBERS + 1].exists()


class BranchCode(django_filters.CharFilter):
    """The loans of a branch by its code, looked up beforehand: of an id the planner knows how many loans it has."""

    def filter(self, qs: Any, value: str) -> Any:
        if not value:
            return qs
        return qs.of_branches(list(Branch.objects.filter(code=value).values_list("pk", flat=True)))


class OverdueChoice(django_filters.ChoiceFilter):
    """Any, 1–30, 31–90 or more than 90 days past due, counted from `overdue_since` to the open business date."""

    BANDS = (("none", _("未逾期")), ("any", _("逾期")), ("1-30", "1–30"), ("31-90", "31–90"), ("91", "91+"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=self.BANDS, **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == "none":
            return qs.filter(position__overdue_since__isnull=True)
        if not value:
            return qs
        today = business_date()
        if value == "any" or today is None:
            return qs.filter(position__overdue_since__isnull=False)
        # A range holds no null; saying so once more would let the planner count the few overdue as fewer again.
        low, high = {"1-30": (1, 30), "31-90": (31, 90), "91": (91, None)}[value]
        qs = qs.filter(position__overdue_since__lte=today - timedelta(days=low))
        return qs.filter(position__overdue_since__gte=today - timedelta(days=high)) if high else qs


class LoanFilter(SearchedList):
    q = django_filters.CharFilter(label=_("搜索"), method="search", max_length=60)
    branch = BranchCode(label=_("机构号"))
    officer = django_filters.CharFilter(label=_("管户客户经理工号"), field_name="portfolio_officer__staff_no")
    five_class = django_filters.ChoiceFilter(
        label=_("五级分类"), field_name="position__five_class", choices=FiveClass.choices
    )
    overdue = OverdueChoice(label=_("逾期"))
    settled = TruthFilter(label=_("已结清"), field_name="position__settled_on", lookup_expr="isnull", exclude=True)
    loan_note_no = Copied(label=_("借据号"))
    external_id = Copied(label=_("外部编号"))

    class Meta:
        model = Loan
        fields: list[str] = []

    def search(self, queryset: QuerySet[Loan], name: str, value: str) -> QuerySet[Loan]:
        return queryset.filter(loans_matching(value))


class ReceiptFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=_("状态"), choices=ReceiptState.choices)
    channel = django_filters.CharFilter(label=_("渠道"))
    serial = Copied(label=_("流水号"))
    loan = django_filters.NumberFilter(label=_("贷款"), field_name="loan_id")
    loan_note_no = Copied(label=_("借据号"), field_name="loan__loan_note_no")
    value_from = django_filters.DateFilter(label=_("起息日从"), field_name="value_on", lookup_expr="gte")
    value_to = django_filters.DateFilter(label=_("起息日至"), field_name="value_on", lookup_expr="lte")

    class Meta:
        model = Receipt
        fields: list[str] = []


class ChangeFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(label=_("变更类型"), choices=ChangeKind.choices)
    state = django_filters.ChoiceFilter(label=_("状态"), choices=ChangeState.choices)
    loan = django_filters.NumberFilter(label=_("贷款"), field_name="loan_id")
    loan_note_no = Copied(label=_("借据号"), field_name="loan__loan_note_no")

    class Meta:
        model = ContractChange
        fields: list[str] = []


class MoneyFileFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(label=_("文件种类"), choices=MoneyFileKind.choices)
    business_date = django_filters.DateFilter(label=_("营业日"))

    class Meta:
        model = MoneyFile
        fields: list[str] = []


class BreakFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=_("状态"), choices=BreakState.choices)
    file = django_filters.NumberFilter(label=_("文件"), field_name="file_id")
    kind = django_filters.ChoiceFilter(label=_("文件种类"), field_name="file__kind", choices=MoneyFileKind.choices)
    money = TruthFilter(
        label=_("有款项"), field_name="receipt", lookup_expr="isnull", exclude=True
    )  # fmt: skip
    serial = Copied(label=_("流水号"), field_name="receipt__serial")

    class Meta:
        model = ReceiptBreak
        fields: list[str] = []


class RefundFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=_("状态"), choices=RefundState.choices)
    loan = django_filters.NumberFilter(label=_("贷款"), field_name="loan_id")
    loan_note_no = Copied(label=_("借据号"), field_name="loan__loan_note_no")

    class Meta:
        model = Refund
        fields: list[str] = []


class DebitFilter(django_filters.FilterSet):
    result = django_filters.ChoiceFilter(label=_("结果"), choices=DebitResult.choices)

    class Meta:
        model = DebitInstruction
        fields: list[str] = []


class ReturnFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=_("状态"), choices=ReturnState.choices)
    receipt = django_filters.NumberFilter(label=_("款项"), field_name="receipt_id")

    class Meta:
        model = MoneyReturn
        fields: list[str] = []


class DirectionChoice(django_filters.ChoiceFilter):
    """Whether a repricing raises the rate, lowers it or leaves it."""

    DIRECTIONS = (("down", _("下降")), ("up", _("上升")), ("same", _("不变")))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=self.DIRECTIONS, **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        old = F("old_rate_percent")
        step = {"down": Q(new_rate_percent__lt=old), "up": Q(new_rate_percent__gt=old), "same": Q(new_rate_percent=old)}
        return qs.filter(step[value])


class RepricingItemFilter(django_filters.FilterSet):
    """Items of one run."""

    state = django_filters.ChoiceFilter(label=_("状态"), choices=ITEM_STATES)
    direction = DirectionChoice(label=_("利率"))
    branch = django_filters.CharFilter(label=_("机构号"), field_name="loan__branch__code")
    loan_note_no = Copied(label=_("借据号"), field_name="loan__loan_note_no")

    class Meta:
        model = RepricingItem
        fields: list[str] = []


class PricedLoanFilter(django_filters.FilterSet):
    """Loans of the lists of missed repricings and of wide spreads."""

    branch = django_filters.CharFilter(label=_("机构号"), field_name="branch__code")
    officer = django_filters.CharFilter(label=_("管户客户经理工号"), field_name="portfolio_officer__staff_no")
    loan_note_no = Copied(label=_("借据号"))

    class Meta:
        model = Loan
        fields: list[str] = []
