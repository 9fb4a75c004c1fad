"""What visit tasks and reports can be narrowed by, on pages and through the API alike; indexed look-ups only.

Open tasks are a small set beside the book (partial indexes), so the desk's chips are plain
conditions on it. Days are business dates, never the host's.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import django_filters
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from followups.models import (
    AcrossPair,
    Audience,
    Conclusion,
    CorrectionState,
    CustomerResult,
    Digest,
    EventSource,
    EventVisit,
    Level,
    Measure,
    MeasureState,
    MergedTask,
    Method,
    Notice,
    NoticeCode,
    ReportCorrection,
    ReportState,
    TaskKind,
    TaskState,
    VisitReport,
    VisitTask,
)
from followups.models.policy import PolicyRunLoad, PolicyRunLoan
from followups.policy_wording import CHANGE_WORDS
from followups.queries.corrections import corrections_to_make
from followups.queries.merging import alone, joined
from followups.rules.numbers import task_of
from loans.filters import loans_matching
from loans.queries import business_date
from loans.rules.copied import as_typed
from people.filters import SearchedList, TruthFilter
from people.models import Staff
from people.queries.leave import covered_ids

ACROSS_STATES = (("OPEN", _("待处理")), ("LEFT", _("已定不合并")))
# The desk's chips in the order they are shown; each is one condition on open tasks.
DESK_CHIPS = (
    ("today", _("今日到期")),
    ("past_limit", _("已超时限")),
    ("week", _("本周")),
    ("returned", _("退回修改")),
    ("urgent", _("红/橙")),
    ("inbox", _("客户来件")),
    ("covered", _("代管")),
)
# Asked for by the address and the API alone: in the list they stand last.
MORE_CHIPS = (("submitted", _("待审核")),)
REVIEW_CHIPS = (
    ("changed", _("有变化")),
    ("clean", _("无异常")),
    ("urgent", _("橙/红")),
    ("past_limit", _("已超时限")),
    ("sample", _("抽查")),
)
# Steps of a time limit as they are told with a digest: to whom, which.
TOLD = {
    "MANAGER_100": (Audience.MANAGER, NoticeCode.LIMIT_100, _("到期报主管")),
    "MANAGER_120": (Audience.MANAGER, NoticeCode.LIMIT_120, _("超时限 20% 报主管")),
    "HEAD_120": (Audience.BRANCH_HEAD, NoticeCode.LIMIT_120, _("超时限 20% 报上级")),
}
_YET_TO_DO = Q(state__in=[TaskState.PLANNED, TaskState.IN_PROGRESS, TaskState.RETURNED])


def _told_by_borrower() -> QuerySet[EventVisit]:
    return EventVisit.objects.filter(event__source=EventSource.BORROWER)


def desk_chip(chip: str, today: date, covered: Sequence[int] = ()) -> Q:
    """Condition of a chip on the business date; a submitted task's own limit no longer runs.

    `covered` is for whom the person stands in today.
    """
    sunday = today + timedelta(days=6 - today.weekday())
    return {
        "today": _YET_TO_DO & Q(due_on=today),
        "past_limit": _YET_TO_DO & Q(due_on__lt=today),
        "week": _YET_TO_DO & Q(due_on__gte=today, due_on__lte=sunday),
        "returned": Q(state=TaskState.RETURNED),
        "urgent": Q(level__lte=Level.ORANGE),
        "submitted": Q(state=TaskState.SUBMITTED),
        # What the borrower told or asked, which a visit has to answer.
        "inbox": Q(pk__in=_told_by_borrower().values("task_id"))
        | Q(
            pk__in=MergedTask.objects.filter(
                ended_at__isnull=True, task__in=_told_by_borrower().values("task_id")
            ).values("lead_id")
        ),
        "covered": Q(assigned_to__in=list(covered)),
    }[chip]


def review_chip(chip: str, today: date) -> Q:
    return {
        "changed": Q(difference_count__gt=0),
        "clean": Q(is_clean=True),
        "urgent": Q(level__lte=Level.ORANGE),
        "past_limit": Q(decide_by__lt=today),
        # Off-site checks that were clean and drawn for a person to look at.
        "sample": Q(visit__task__evidence__is_sample=True),
    }[chip]


class TaskFilter(SearchedList):
    q = django_filters.CharFilter(label=_("搜索"), method="search", max_length=60)
    chip = django_filters.ChoiceFilter(label=_("分组"), choices=DESK_CHIPS + MORE_CHIPS, method="narrow")
    state = django_filters.MultipleChoiceFilter(label=_("状态"), choices=TaskState.choices)
    open = TruthFilter(label=_("未办结"), field_name="closed_on", lookup_expr="isnull")
    kind = django_filters.ChoiceFilter(label=_("类型"), choices=TaskKind.choices)
    method = django_filters.ChoiceFilter(label=_("方式"), choices=Method.choices)
    level = django_filters.MultipleChoiceFilter(label=pgettext_lazy("level", "预警"), choices=Level.choices)
    light = TruthFilter(label=_("逾期跟踪"), field_name="is_light")
    branch = django_filters.CharFilter(label=_("机构号"), field_name="branch__code")
    officer = django_filters.CharFilter(label=_("主办人工号"), field_name="assigned_to__staff_no")
    unassigned = TruthFilter(label=_("未分派"), field_name="assigned_to", lookup_expr="isnull")
    visits = TruthFilter(label=_("须由人员办理"), method="to_be_made")
    loan = django_filters.NumberFilter(label=_("贷款"), field_name="loan_id")
    loan_note_no = django_filters.CharFilter(label=_("借据号"), field_name="loan__loan_note_no")
    due_from = django_filters.DateFilter(label=_("应完成日从"), field_name="due_on", lookup_expr="gte")
    due_to = django_filters.DateFilter(label=_("应完成日至"), field_name="due_on", lookup_expr="lte")
    joined = TruthFilter(label=_("并入其他回访"), method="done_along")
    told = django_filters.ChoiceFilter(
        label=_("时限告知"), choices=[(code, told[2]) for code, told in TOLD.items()], method="limit_told"
    )
    told_from = django_filters.DateFilter(label=_("告知日从"), method="limit_told")
    told_to = django_filters.DateFilter(label=_("告知日至"), method="limit_told")

    class Meta:
        model = VisitTask
        fields: list[str] = []

    def search(self, queryset: QuerySet[VisitTask], name: str, value: str) -> QuerySet[VisitTask]:
        task = task_of(as_typed(value))
        if task is not None:
            return queryset.filter(pk=task[0], created_on=task[1])
        return queryset.filter(loans_matching(value, prefix="loan__"))

    def to_be_made(self, queryset: QuerySet[VisitTask], name: str, value: bool) -> QuerySet[VisitTask]:
        """What counts as a visit in the table of work: not light, not in review, no check that closes itself, and
        not what another visit does along."""
        by_itself = Q(is_light=True) | Q(state=TaskState.SUBMITTED) | Q(method=Method.OFF_SITE, evidence__isnull=True)
        by_itself |= Q(joined())
        return queryset.exclude(by_itself) if value else queryset.filter(by_itself)

    def done_along(self, queryset: QuerySet[VisitTask], name: str, value: bool) -> QuerySet[VisitTask]:
        return queryset.filter(Q(joined()) if value else alone())

    def limit_told(self, queryset: QuerySet[VisitTask], name: str, value: Any) -> QuerySet[VisitTask]:
        """What is still to be made of whose present limit was told; days alone mean what was told to managers."""
        audience, code, _label = TOLD[self.form.cleaned_data.get("told") or "MANAGER_100"]
        notices = Notice.objects.filter(
            task=OuterRef("pk"), audience=audience, code=code, due_on=OuterRef("due_on")
        )  # one at most
        if name != "told":
            notices = notices.filter(**{"tell_on__gte" if name == "told_from" else "tell_on__lte": value})
        return queryset.filter(_YET_TO_DO, alone(), Exists(notices))

    def narrow(self, queryset: QuerySet[VisitTask], name: str, value: str) -> QuerySet[VisitTask]:
        today = business_date()
        staff = getattr(self.request, "user", None)
        reader = staff if isinstance(staff, Staff) else None
        covered = covered_ids(reader, today) if today and value == "covered" and reader else ()
        return queryset.filter(alone(reader), desk_chip(value, today, covered)) if today else queryset.none()


# What an address of the desk says beside the filters; the last ones only where one stands in the list.
SCOPES, SORTS = ("mine", "branch", "unassigned"), ("time", "due", "overdue", "new")
_VIEW, _PLACE = {"scope": SCOPES, "sort": SORTS}, {"cursor", "task", "page"}


def view_query(asked: QueryDict) -> str:
    """The filters and the order as a view keeps them: names in order, empty ones and places in the list left out."""
    known = set(_VIEW) | set(TaskFilter.base_filters)
    pairs = [(name, value) for name in sorted(asked) if name in known for value in asked.getlist(name) if value]
    return urlencode(pairs)


def unknown_of_view(asked: QueryDict) -> list[str]:
    """Names that the desk knows nothing of."""
    return sorted(name[:60] for name in set(asked) - set(_VIEW) - _PLACE - set(TaskFilter.base_filters))


def wrong_of_view(asked: QueryDict) -> list[str]:
    """Which of scope and order have a value that the desk does not know."""
    return sorted(name for name, known in _VIEW.items() if not set(asked.getlist(name)) <= {"", *known})


class ReportFilter(django_filters.FilterSet):
    chip = django_filters.ChoiceFilter(label=_("分组"), choices=REVIEW_CHIPS, method="narrow")
    state = django_filters.ChoiceFilter(label=_("状态"), choices=ReportState.choices)
    conclusion = django_filters.ChoiceFilter(label=_("回访结论"), choices=Conclusion.choices)
    method = django_filters.ChoiceFilter(label=_("方式"), field_name="visit__method", choices=Method.choices)
    branch = django_filters.CharFilter(label=_("机构号"), field_name="branch__code")
    loan = django_filters.NumberFilter(label=_("贷款"), field_name="visit__task__loan_id")
    task = django_filters.NumberFilter(label=_("任务"), field_name="visit__task_id")
    submitted_by = django_filters.CharFilter(label=_("提交人工号"), field_name="submitted_by__staff_no")
    submitted_from = django_filters.DateFilter(label=_("提交日从"), field_name="submitted_on", lookup_expr="gte")
    submitted_to = django_filters.DateFilter(label=_("提交日至"), field_name="submitted_on", lookup_expr="lte")

    class Meta:
        model = VisitReport
        fields: list[str] = []

    def narrow(self, queryset: QuerySet[VisitReport], name: str, value: str) -> QuerySet[VisitReport]:
        today = business_date()
        return queryset.filter(review_chip(value, today)) if today else queryset.none()


class MeasureFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=_("状态"), choices=MeasureState.choices)
    owner = django_filters.CharFilter(label=_("负责人工号"), field_name="owner__staff_no")
    loan = django_filters.NumberFilter(label=_("贷款"), field_name="loan_id")
    due_to = django_filters.DateFilter(label=_("完成日至"), field_name="due_on", lookup_expr="lte")

    class Meta:
        model = Measure
        fields: list[str] = []


class AcrossFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=_("状态"), method="in_state", choices=ACROSS_STATES)
    branch = django_filters.CharFilter(label=_("机构号"), method="of_branch")
    due_to = django_filters.DateFilter(label=_("应完成日至"), field_name="due_on", lookup_expr="lte")

    class Meta:
        model = AcrossPair
        fields: list[str] = []

    def in_state(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(left_on__isnull=value == "OPEN")

    def of_branch(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(Q(one_branch__code=value) | Q(other_branch__code=value))


class CorrectionFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=_("状态"), choices=CorrectionState.choices)
    mine = TruthFilter(label=_("由我办理"), method="by_whom")
    officer = django_filters.CharFilter(label=_("办理人工号"), field_name="officer__staff_no")
    loan = django_filters.NumberFilter(label=_("贷款"), field_name="visit__task__loan_id")
    report = django_filters.NumberFilter(label=_("原报告"), field_name="corrects_id")

    class Meta:
        model = ReportCorrection
        fields: list[str] = []

    def by_whom(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """What the person has to make, own ones and those of officers they stand in for."""
        staff = getattr(self.request, "user", None)
        if not isinstance(staff, Staff):
            return queryset.none()
        to_make = corrections_to_make(staff).values("pk")
        return queryset.filter(pk__in=to_make) if value else queryset.exclude(pk__in=to_make)


class ResultFilter(django_filters.FilterSet):
    untold = TruthFilter(label=_("待告知"), field_name="told", lookup_expr="isnull")
    officer = django_filters.CharFilter(label=_("主办人工号"), field_name="task__assigned_to__staff_no")
    branch = django_filters.CharFilter(label=_("机构号"), field_name="branch__code")
    loan = django_filters.NumberFilter(label=_("贷款"), field_name="task__loan_id")
    tell_to = django_filters.DateFilter(label=_("告知时限至"), field_name="tell_by", lookup_expr="lte")

    class Meta:
        model = CustomerResult
        fields: list[str] = []


class DigestFilter(django_filters.FilterSet):
    day_from = django_filters.DateFilter(label=_("日期从"), field_name="day", lookup_expr="gte")
    day_to = django_filters.DateFilter(label=_("日期至"), field_name="day", lookup_expr="lte")

    class Meta:
        model = Digest
        fields: list[str] = []


class PolicyLoanFilter(django_filters.FilterSet):
    change = django_filters.ChoiceFilter(label=_("变化"), choices=tuple(CHANGE_WORDS.items()))

    class Meta:
        model = PolicyRunLoan
        fields: list[str] = []


class PolicyLoadFilter(django_filters.FilterSet):
    unit = django_filters.ChoiceFilter(label=_("单位"), choices=(("W", _("每人每周")), ("M", _("每机构每月"))))
    branch = django_filters.NumberFilter(label=_("机构"), field_name="branch_id")
    officer = django_filters.NumberFilter(label=_("主办人"), field_name="officer_id")

    class Meta:
        model = PolicyRunLoad
        fields: list[str] = []


class PolicyOfficerFilter(django_filters.FilterSet):
    officer = django_filters.CharFilter(label=_("主办人工号"), field_name="staff_no")

    class Meta:
        model = Staff
        fields: list[str] = []


def count_chips(
    queryset: QuerySet[Any], chips: tuple[tuple[str, Any], ...], condition: Any, today: date
) -> dict[str, int]:
    """Live counts of every chip and of the whole list (`all`) in one query; a count of 0 stays visible."""
    counts = {code: Count("pk", filter=condition(code, today)) for code, _label in chips}
    return dict(queryset.aggregate(all=Count("pk"), **counts))
