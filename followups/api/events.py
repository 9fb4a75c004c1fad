"""Events over the API: the catalogue, those of a loan, entering one, taking one back; merging of tasks."""

from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from collateral import actions as collateral
from followups.actions import events as actions
from followups.actions import merging
from followups.api.tasks import TaskFull, full_task
from followups.event_wording import kind_words
from followups.models import Event, EventFeed, EventSource, EventSubject, Finding, Level, MergeMode, Method, VisitTask
from followups.queries.events import as_json, events_of, rows_of
from followups.rules import events as rules
from loans.models import Loan
from people.api.fields import DayField, StrictSerializer, TextField, WholeNumberField
from people.api.views import ApiView, reads, writes


class EventRowReply(serializers.Serializer[Any]):
    """An event, the tasks that answer it and what became of it; `finding` is empty while it is open."""

    id = serializers.IntegerField()
    code = serializers.CharField()
    what = serializers.CharField()
    subject = serializers.ChoiceField(choices=EventSubject.choices)
    level = serializers.ChoiceField(choices=Level.choices)
    happened_on = serializers.DateField()
    known_on = serializers.DateField()
    source = serializers.ChoiceField(choices=EventSource.choices)  # type: ignore[assignment]
    feed = serializers.ChoiceField(choices=EventFeed.choices, allow_blank=True)
    words = serializers.CharField(allow_blank=True)
    evidence = serializers.CharField(allow_blank=True)
    is_baseline = serializers.BooleanField()
    is_open = serializers.BooleanField()
    tasks = serializers.ListField(child=serializers.IntegerField())
    finding = serializers.ChoiceField(choices=Finding.choices, allow_blank=True)
    report_id = serializers.IntegerField(allow_null=True)


class EventListReply(serializers.Serializer[Any]):
    results = EventRowReply(many=True)


class EventKindRow(serializers.Serializer[Any]):
    """A line of the catalogue: who may tell it, how urgent it is, what its visit asks."""

    code = serializers.CharField()
    what = serializers.CharField()
    subject = serializers.ChoiceField(choices=EventSubject.choices)
    sources = serializers.ListField(child=serializers.ChoiceField(choices=EventSource.choices))
    feed = serializers.ChoiceField(choices=EventFeed.choices, allow_blank=True)
    level = serializers.ChoiceField(choices=Level.choices)
    limit_workdays = serializers.IntegerField()
    method = serializers.ChoiceField(choices=Method.choices)
    sections = serializers.ListField(child=serializers.CharField())


class EventKindList(serializers.Serializer[Any]):
    results = EventKindRow(many=True)


class EventForm(StrictSerializer):
    code = TextField(max_length=30)
    happened_on = DayField()
    words = TextField(max_length=actions.WORDS_MOST)
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=actions.TELLERS, required=False, default=rules.STAFF
    )
    evidence = TextField(max_length=actions.EVIDENCE_MOST, required=False, allow_blank=True, default="")


class EventWithdrawal(StrictSerializer):
    reason = TextField(max_length=actions.WORDS_MOST)


class EventKinds(ApiView):
    """The catalogue of events."""

    permission = "followups.view"

    @reads(EventKindList, operation_id="event_kinds_list")
    def get(self, request: Request) -> Response:
        rows = [
            {
                "code": kind.code, "what": kind_words(kind.code), "subject": kind.subject, "sources": kind.sources,
                "feed": kind.feed, "level": kind.level, "limit_workdays": kind.limit_workdays, "method": kind.method,
                "sections": kind.asks,
            }
            for kind in rules.CATALOGUE
        ]  # fmt: skip
        return Response(EventKindList({"results": rows}).data)


class LoanEvents(ApiView):
    """Events of a loan, its borrower and its homes, the newest 50; POST enters one."""

    permission = {"GET": "followups.view", "POST": actions.RECORDS}

    def _loan(self, pk: int) -> Loan:
        loan: Loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)
        return loan

    @reads(EventListReply, operation_id="loans_events_list")
    def get(self, request: Request, pk: int) -> Response:
        rows = [as_json(row) for row in events_of(self._loan(pk))]
        return Response(EventListReply({"results": rows}).data)

    @writes(EventForm, EventRowReply, status=201, operation_id="loans_events_create")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked, loan = self.sent(EventForm), self._loan(pk)

        def effect() -> Response:
            event, _is_new = actions.record_event(loan_id=loan.pk, **asked, by=self.staff, at=self.at)
            return Response(EventRowReply(as_json(rows_of([event])[0])).data, status=201)

        return self.once(effect)


class RegistrableForm(StrictSerializer):
    registrable_on = DayField()


class RegistrableReply(serializers.Serializer[Any]):
    """From when the loan's advance notice could be made a formal mortgage."""

    registrable_on = serializers.DateField()


class LoanRegistrable(ApiView):
    """Says from which day the advance notice could be made formal; it lapses 90 days later, which is an event."""

    permission = collateral.RECORD

    @writes(RegistrableForm, RegistrableReply, operation_id="loans_registrable")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(RegistrableForm)
        loan: Loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            charge = collateral.record_registrable(loan_id=loan.pk, **asked, by=self.staff, at=self.at)
            return Response(RegistrableReply(charge).data)

        return self.once(effect)


class EventWithdraw(ApiView):
    """Takes back an event entered by mistake."""

    permission = actions.WITHDRAWS

    @writes(EventWithdrawal, EventRowReply, operation_id="events_withdraw")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(EventWithdrawal)
        event: Event = self.visible(Event.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            done = actions.withdraw_event(event_id=event.pk, reason=asked["reason"], by=self.staff, at=self.at)
            return Response(EventRowReply(as_json(rows_of([done])[0])).data)

        return self.once(effect)


MERGES = ("followups.record_visit", "followups.assign")


class MergeForm(StrictSerializer):
    tasks = serializers.ListField(child=WholeNumberField(min_value=1), min_length=1, max_length=merging.MOST)
    mode = serializers.ChoiceField(choices=MergeMode.choices, required=False, default=MergeMode.JOINT.value)


class UnmergeForm(StrictSerializer):
    reason = TextField(max_length=200)


class Merge(ApiView):
    """Has the visit of this task do others along: of the same customer or home, due within `talk_merge_days` (45)."""

    permission = MERGES

    @writes(MergeForm, TaskFull, operation_id="tasks_merge")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(MergeForm)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)
        seen = VisitTask.objects.visible_to(self.staff).filter(pk__in=asked["tasks"])
        if seen.count() != len(set(asked["tasks"])):
            raise merging.NotTogether

        def effect() -> Response:
            merging.merge_tasks(lead_id=task.pk, task_ids=asked["tasks"], mode=asked["mode"], by=self.staff, at=self.at)
            return Response(full_task(self, pk))

        return self.once(effect)


class Unmerge(ApiView):
    """Takes this task out of the visit it was to be done along with."""

    permission = MERGES

    @writes(UnmergeForm, TaskFull, operation_id="tasks_unmerge")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(UnmergeForm)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            merging.unmerge_task(task_id=task.pk, reason=asked["reason"], by=self.staff, at=self.at)
            return Response(full_task(self, pk))

        return self.once(effect)
