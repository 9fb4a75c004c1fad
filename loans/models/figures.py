"""What the book amounted to at each close: a few rows a branch, so that no page has to add up the loans."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loans.models.money import money
from loans.models.servicing import FiveClass
from people.models import Branch


class DaysBand(models.IntegerChoices):
    """Days past due at the close, by the first of the band; the list of loans is narrowed by the same bands."""

    NONE = 0, _("未逾期")
    UP_TO_30 = 1, "1–30"
    UP_TO_90 = 31, "31–90"
    BEYOND = 91, "91+"


class Figure(models.Model):
    """Open loans of a branch at the close of a date, of one class and one band of days past due."""

    business_date = models.DateField()
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, db_index=False, related_name="+")
    five_class = models.CharField(max_length=20, choices=FiveClass.choices)
    days_band = models.PositiveSmallIntegerField(choices=DaysBand.choices)
    loans = models.PositiveIntegerField()
    principal = money()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["business_date", "branch", "five_class", "days_band"], name="figure_once_a_close"
            ),
            models.CheckConstraint(condition=Q(principal__gte=0), name="figure_not_negative"),
            models.CheckConstraint(condition=Q(days_band__in=DaysBand.values), name="figure_in_a_band"),
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.branch_id} {self.five_class} {self.days_band}"
