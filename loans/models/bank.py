"""The bank's days and numbers: business dates, workdays, effective-dated parameters, import batches."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q


class BusinessDate(models.Model):
    """The bank's days. Exactly one is open; the rest are closed, each once, in order."""

    day = models.DateField(primary_key=True)
    is_open = models.BooleanField(default=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    totals = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_open"], condition=Q(is_open=True), name="one_open_business_date"),
            models.CheckConstraint(
                condition=Q(is_open=True, closed_at__isnull=True) | Q(is_open=False, closed_at__isnull=False),
                name="closed_business_date_has_time",
            ),
        ]

    def __str__(self) -> str:
        return str(self.day)


class Workday(models.Model):
    """The workday calendar: weekends, holidays, make-up workdays. Unconfirmed years are guesses."""

    day = models.DateField(primary_key=True)
    is_workday = models.BooleanField()
    name = models.CharField(max_length=40, blank=True)
    is_confirmed = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"{self.day} {self.is_workday}"


class Parameter(models.Model):
    """A regulatory or house number, effective-dated, with its source (domain register)."""

    code = models.CharField(max_length=60)
    value = models.JSONField()
    in_force = DateRangeField()
    source = models.CharField(max_length=120)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="parameter_one_value_at_a_time",
                expressions=[("code", RangeOperators.EQUAL), ("in_force", RangeOperators.OVERLAPS)],
            ),
        ]

    def __str__(self) -> str:
        return self.code


class ImportBatch(models.Model):
    """One imported file with what became of it."""

    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    as_of = models.DateField()
    actor = models.CharField(max_length=40)
    at = models.DateTimeField()
    counts = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.file_name
