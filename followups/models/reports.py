"""Reports of visits, and what they found different."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from followups.models.tasks import Level
from followups.models.visits import Conclusion, Visit
from journal.models import Exhibit
from loans.models import FiveClass
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to, sees_every_branch


class ReportState(models.TextChoices):
    SUBMITTED = "SUBMITTED", _("待审核")
    RETURNED = "RETURNED", _("退回修改")
    APPROVED = "APPROVED", _("审核通过")
    # It was in force until a later version took its place; exactly one of a visit is.
    CORRECTED = "CORRECTED", _("已更正")


class ReturnReason(models.TextChoices):
    """Why a report goes back; the codes of `rules.review.RETURN_REASONS`."""

    NO_EVIDENCE = "NO_EVIDENCE", _("佐证缺失")
    NOT_VERIFIED = "NOT_VERIFIED", _("核实不足")
    INCONSISTENT = "INCONSISTENT", _("前后不一致")
    CONCLUSION = "CONCLUSION", _("结论依据不足")
    MEASURES = "MEASURES", _("措施不当或缺失")
    FORMALISM = "FORMALISM", _("雷同或走过场")
    OTHER = "OTHER", _("其他")


class ReportQuerySet(models.QuerySet["VisitReport"]):
    def visible_to(self, staff: Staff) -> "ReportQuerySet":
        if sees_every_branch(staff):
            return self.all()
        return self.filter(branch_id__in=branch_ids_visible_to(staff))


class ReportTemplate(models.Model):
    """The text of a template by which reports were set, named by the SHA-256 of its bytes; never changed."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    text = models.TextField()
    kept_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.sha256[:12]


class VisitReport(models.Model):
    """A submitted version of a visit's report. Content never changes; a return or a correction makes a new version."""

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="reports")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT)
    version = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=ReportState.choices, default=ReportState.SUBMITTED)
    conclusion = models.CharField(max_length=12, choices=Conclusion.choices)
    suggested_class = models.CharField(max_length=20, choices=FiveClass.choices)
    difference_count = models.PositiveSmallIntegerField()
    level = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.NONE)
    content = models.JSONField()
    content_sha256 = models.CharField(max_length=64)
    submitted_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="reports_submitted")
    submitted_at = models.DateTimeField()
    submitted_on = models.DateField()
    decide_by = models.DateField()
    decided_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="reports_decided")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.TextField(blank=True)
    # Who went along when it was submitted: reviews it as little as who submitted it.
    accompanied_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    # May be approved together with others (`rules.review.is_clean`).
    is_clean = models.BooleanField(default=False, db_default=False)
    return_code = models.CharField(max_length=12, choices=ReturnReason.choices, blank=True, db_default="")
    # 红: the manager gives an opinion, then the risk head decides.
    needs_risk_head = models.BooleanField(default=False, db_default=False)
    endorsed_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    endorsed_at = models.DateTimeField(null=True)
    endorsement = models.TextField(blank=True, db_default="")
    # What the PDF says beyond the content: who reviewed it with which words, and with what it was set.
    decision = models.JSONField(null=True)
    pdf = models.ForeignKey(Exhibit, on_delete=models.PROTECT, null=True)
    # By which the PDF was set; of reports approved before templates were kept only the hash is known.
    template = models.ForeignKey(ReportTemplate, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    # 更正: the version in force that this one is to take the place of, and the one that took this one's.
    corrects = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    corrected_by = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    objects = ReportQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["branch", "level", "decide_by", "id"], name="report_queue", condition=Q(state="SUBMITTED")
            ),
            # Visits made in a week, by who made them: read without the rows.
            models.Index(
                fields=["submitted_on"],
                include=["submitted_by", "branch"],
                name="report_first_made",
                condition=Q(version=1),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["visit", "version"], name="report_version_once"),
            models.UniqueConstraint(
                fields=["visit"], condition=Q(state="SUBMITTED"), name="one_report_in_review_a_visit"
            ),
            models.UniqueConstraint(
                fields=["visit"], condition=Q(state="APPROVED"), name="one_report_in_force_a_visit"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("submitted_by")), name="reviewer_is_not_author"
            ),
            models.CheckConstraint(
                condition=Q(state="SUBMITTED", decided_by__isnull=True, decided_at__isnull=True)
                | ~Q(state="SUBMITTED") & Q(decided_by__isnull=False, decided_at__isnull=False),
                name="decided_report_has_reviewer",
            ),
            models.CheckConstraint(
                condition=~Q(state="RETURNED") | ~Q(decision_note=""), name="returned_report_has_reason"
            ),
            models.CheckConstraint(
                condition=Q(accompanied_by__isnull=True)
                | Q(decided_by__isnull=True)
                | ~Q(decided_by=F("accompanied_by")),
                name="reviewer_did_not_go_along",
            ),
            models.CheckConstraint(
                condition=Q(endorsed_by__isnull=True)
                | ~Q(endorsed_by=F("submitted_by"))
                & (Q(accompanied_by__isnull=True) | ~Q(endorsed_by=F("accompanied_by")))
                & (Q(decided_by__isnull=True) | ~Q(endorsed_by=F("decided_by"))),
                name="endorser_is_somebody_else",
            ),
            models.CheckConstraint(
                condition=Q(endorsed_by__isnull=True, endorsed_at__isnull=True)
                | Q(endorsed_by__isnull=False, endorsed_at__isnull=False, needs_risk_head=True) & ~Q(endorsement=""),
                name="endorsement_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["APPROVED", "CORRECTED"], needs_risk_head=True) | Q(endorsed_by__isnull=False),
                name="red_report_has_two_reviewers",
            ),
            models.CheckConstraint(
                condition=Q(state="CORRECTED", corrected_by__isnull=False)
                | ~Q(state="CORRECTED") & Q(corrected_by__isnull=True),
                name="corrected_report_names_its_successor",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def waits_for(self) -> str:
        """Whose turn it is: MANAGER, RISK, or empty once it is decided."""
        if self.state != ReportState.SUBMITTED:
            return ""
        return "RISK" if self.needs_risk_head and self.endorsed_by_id else "MANAGER"

    @property
    def number(self) -> str:
        """Report number: HFBG + submission business date + serial + version."""
        return f"HFBG{self.submitted_on:%Y%m%d}{self.visit_id:07d}-{self.version}"


class Difference(models.Model):
    """A fact that changed, as found on a visit: before, after, how it was verified."""

    report = models.ForeignKey(VisitReport, on_delete=models.PROTECT, related_name="differences")
    section = models.CharField(max_length=30)
    item = models.CharField(max_length=40)
    before = models.CharField(max_length=300, blank=True)
    before_source = models.CharField(max_length=60, blank=True)
    before_on = models.DateField(null=True)
    after = models.CharField(max_length=300)
    verified_by = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "item"], name="difference_once_a_report_and_item")]

    def __str__(self) -> str:
        return f"{self.report_id} {self.item}"
