"""What happened to a borrower or a home, which visit answers it and what became of it; all of it append-only."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from collateral.models import Property
from followups.models.reports import VisitReport
from followups.models.tasks import Level, VisitTask
from loans.models import Loan
from people.models import Party, Staff
from people.queries import branch_ids_visible_to, sees_every_branch


class EventSubject(models.TextChoices):
    """Whom an event concerns: one loan, or every loan of a customer or a home."""

    LOAN = "LOAN", _("本笔贷款")
    CUSTOMER = "CUSTOMER", _("客户")
    PROPERTY = "PROPERTY", _("房屋")


class EventSource(models.TextChoices):
    DAY_END = "DAY_END", _("日终")
    RISK = "RISK", _("风险")
    COLLATERAL = "COLLATERAL", _("押品")
    STAFF = "STAFF", _("员工")
    BORROWER = "BORROWER", _("客户告知")
    FEED = "FEED", _("外部数据")


class EventFeed(models.TextChoices):
    INCOME = "INCOME", _("收入")
    EMPLOYMENT = "EMPLOYMENT", _("就业")
    COURT = "COURT", _("法院")
    BUREAU = "BUREAU", _("征信摘要")
    DEVELOPER = "DEVELOPER", _("开发商消息")
    FUNDS = "FUNDS", _("资金到账")


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, staff: Staff) -> "EventQuerySet":
        if sees_every_branch(staff):
            return self.all()
        return self.filter(loan__branch_id__in=branch_ids_visible_to(staff))


class Event(models.Model):
    """One thing that happened. `loan` is the one it was told of, or the first of the customer or home."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="events")
    subject = models.CharField(max_length=10, choices=EventSubject.choices)
    customer = models.ForeignKey(Party, on_delete=models.PROTECT, db_index=False, related_name="events")
    property = models.ForeignKey(Property, on_delete=models.PROTECT, null=True, related_name="events")
    code = models.CharField(max_length=30)
    level = models.PositiveSmallIntegerField(choices=Level.choices)
    happened_on = models.DateField()
    # The business date on which the bank learned of it.
    known_on = models.DateField()
    source = models.CharField(max_length=10, choices=EventSource.choices)
    feed = models.CharField(max_length=10, choices=EventFeed.choices, blank=True)
    # The source's own number; once a source and feed, so that a file sent twice writes nothing.
    external_id = models.CharField(max_length=80)
    words = models.CharField(max_length=200, blank=True)
    evidence = models.CharField(max_length=80, blank=True)
    # It stood at cut-over: kept, and no visit is made for it.
    is_baseline = models.BooleanField()
    content_sha256 = models.CharField(max_length=64)
    recorded_by = models.CharField(max_length=20)
    at = models.DateTimeField()

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["loan", "-id"], name="event_by_loan"),
            models.Index(fields=["customer", "-id"], name="event_by_customer"),
            models.Index(fields=["property", "-id"], name="event_by_property", condition=Q(property__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "feed", "external_id"], name="event_once_a_source"),
            models.CheckConstraint(
                condition=~Q(subject="PROPERTY") | Q(property__isnull=False), name="event_of_a_home_names_it"
            ),
            models.CheckConstraint(
                condition=Q(source="FEED") & ~Q(feed="") | ~Q(source="FEED") & Q(feed=""), name="only_a_feed_has_a_name"
            ),
            models.CheckConstraint(condition=~Q(external_id=""), name="event_has_its_sources_number"),
            models.CheckConstraint(condition=Q(happened_on__lte=models.F("known_on")), name="event_happened_before"),
        ]

    def __str__(self) -> str:
        return f"event {self.pk} {self.code}"


class EventVisit(models.Model):
    """A task that answers an event, or that had been begun when the event was noted on it."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, db_index=False, related_name="visits")
    task = models.ForeignKey(VisitTask, on_delete=models.PROTECT, related_name="event_visits")
    is_note = models.BooleanField()
    at = models.DateTimeField()
    business_date = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "task"], name="event_once_a_task")]

    def __str__(self) -> str:
        return f"{self.event_id} {self.task_id}"


class Finding(models.TextChoices):
    """What became of an event; only 未核实 leaves it open."""

    CONFIRMED = "CONFIRMED", _("属实")
    NOT_CONFIRMED = "NOT_CONFIRMED", _("不属实")
    OVER = "OVER", _("曾发生，已消除")
    UNVERIFIED = "UNVERIFIED", _("未核实，另行回访")
    LOST = "LOST", _("疑似失联")
    SETTLED = "SETTLED", _("贷款已结清")
    WITHDRAWN = "WITHDRAWN", _("登记有误，撤回")


class EventFinding(models.Model):
    """What a report, a person or the system says became of an event. All but 未核实 close it, once."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="findings")
    finding = models.CharField(max_length=14, choices=Finding.choices)
    report = models.ForeignKey(VisitReport, on_delete=models.PROTECT, null=True, related_name="event_findings")
    words = models.CharField(max_length=200, blank=True)
    recorded_by = models.CharField(max_length=20)
    at = models.DateTimeField()
    business_date = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["event", "id"], name="finding_by_event")]
        constraints = [
            models.UniqueConstraint(fields=["event"], condition=~Q(finding="UNVERIFIED"), name="event_closed_once"),
            models.CheckConstraint(
                condition=~Q(finding__in=["CONFIRMED", "NOT_CONFIRMED", "OVER", "UNVERIFIED"])
                | Q(report__isnull=False),
                name="finding_of_a_visit_has_its_report",
            ),
            models.CheckConstraint(condition=~Q(finding="WITHDRAWN") | ~Q(words=""), name="withdrawn_with_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} {self.finding}"
