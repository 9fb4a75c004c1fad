"""Tables of the journal: what happened (`Entry`), what must still react (`Pending`), files
(`Exhibit`) and the progress of day end (`Night`, `Chunk`, `Run`).

Entries are append-only and hold ids, kinds, amounts and hashes, never personal data; a trigger
refuses UPDATE and DELETE from anyone. The journal has no foreign key to another app.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Entry(models.Model):
    """One fact in the past tense, written in the transaction that made it true."""

    kind = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField(null=True)
    # The loan under which the fact shows on a timeline; null for facts about no loan.
    loan_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=40)
    at = models.DateTimeField()
    business_date = models.DateField(null=True)
    data = models.JSONField(default=dict)
    request_id = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["loan_id", "-id"], name="entry_by_loan", condition=models.Q(loan_id__isnull=False)),
            models.Index(fields=["subject_type", "subject_id", "-id"], name="entry_by_subject"),
            models.Index(fields=["kind", "-id"], name="entry_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_type} {self.subject_id}"


class Pending(models.Model):
    """A reaction still to run for one subject. Plain inserts; coalesced when read, never when written."""

    reaction = models.CharField(max_length=60)
    subject_id = models.BigIntegerField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    error = models.TextField(blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["not_before", "id"], name="pending_by_time")]

    def __str__(self) -> str:
        return f"{self.reaction} {self.subject_id}"


class Exhibit(models.Model):
    """A stored file, named by the SHA-256 of its bytes; never changed once written."""

    sha256 = models.CharField(max_length=64, unique=True)
    media_type = models.CharField(max_length=80)
    size = models.PositiveIntegerField()
    path = models.CharField(max_length=200)
    stored_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.sha256[:12]


class Run(models.Model):
    """Progress of day end: one row per business date × stage × chunk, written in the chunk's transaction."""

    business_date = models.DateField()
    stage = models.CharField(max_length=40)
    chunk = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    # Loans with something due in the chunk when it was planned; 0 where nobody counted.
    loans = models.PositiveIntegerField(default=0, db_default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["business_date", "stage", "chunk"], name="stage_chunk_once_a_date"),
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.stage} {self.chunk}"


class Chunk(models.Model):
    """A planned chunk of a stage that still waits: claimed `FOR UPDATE SKIP LOCKED`, gone when its `Run` stands."""

    business_date = models.DateField()
    stage = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    # Loan ids above `after`, up to and including `up_to`; null is the end of the book.
    after = models.BigIntegerField()
    up_to = models.BigIntegerField(null=True)
    loans = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["business_date", "stage", "number"], name="chunk_planned_once_a_date"),
            models.CheckConstraint(condition=models.Q(up_to__gt=models.F("after")), name="chunk_holds_loans"),
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.stage} {self.number}"


class Night(models.Model):
    """A business date whose day end was begun or asked for: up to which date, and what stopped it last."""

    business_date = models.DateField(unique=True)
    through = models.DateField()
    asked_at = models.DateTimeField()
    # Times in a row that the night was stopped, when, and by what; cleared when it goes through.
    failures = models.PositiveIntegerField(default=0, db_default=0)
    failed_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(through__gte=models.F("business_date")), name="night_looks_ahead"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.business_date}"


class HeldBack(models.Model):
    """A subject that a batch set aside: the reason is shown, the others go on, it is retried by itself."""

    stage = models.CharField(_("环节"), max_length=40)
    subject_id = models.BigIntegerField()
    reason = models.TextField()
    since = models.DateField()
    attempts = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stage", "subject_id"], name="held_back_once")]

    def __str__(self) -> str:
        return f"{self.stage} {self.subject_id}"
