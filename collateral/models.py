"""Property, its charge for a loan (抵押登记) and the history of its valuations."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loans.models import Loan


class PropertyType(models.TextChoices):
    SINGLE_FAMILY = "SINGLE_FAMILY", _("独栋住宅")
    CONDO = "CONDO", _("公寓")
    PLANNED_UNIT = "PLANNED_UNIT", _("小区住宅")
    OTHER = "OTHER", _("其他")


class Property(models.Model):
    """A mortgaged home. `value` and `valued_on` repeat the latest valuation for lists; both null when none is known."""

    address = models.CharField(_("坐落"), max_length=200)
    district = models.CharField(_("区"), max_length=40, blank=True)
    property_type = models.CharField(max_length=20, choices=PropertyType.choices)
    is_owner_occupied = models.BooleanField(null=True)
    # Handed over to the buyer, as somebody found it; null: nobody said so, the kind of the charge tells.
    is_delivered = models.BooleanField(null=True)
    value = models.DecimalField(max_digits=15, decimal_places=2, null=True)
    valued_on = models.DateField(null=True)
    # Where it stands, as the first visit with a consented position found it; photos are compared with it.
    latitude = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    longitude = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    # Last day of the insurance that the bank knows of; null is unknown, not uninsured.
    insured_until = models.DateField(null=True)

    class Meta:
        verbose_name_plural = "properties"
        # Homes of one development share the beginning of their address.
        indexes = [
            models.Index(OpClass(F("address"), name="varchar_pattern_ops"), name="property_address"),
            # What is typed into the search field stands anywhere in it.
            GinIndex(OpClass(F("address"), name="gin_trgm_ops"), name="property_address_words"),
            models.Index(fields=["insured_until"], name="home_insured", condition=Q(insured_until__isnull=False)),
            models.Index(fields=["district"], name="home_district", condition=Q(value__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(value__gt=0), name="property_value_positive"),
            models.CheckConstraint(
                condition=Q(value__isnull=True, valued_on__isnull=True)
                | Q(value__isnull=False, valued_on__isnull=False),
                name="property_value_has_its_day",
            ),
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(
                    latitude__isnull=False,
                    longitude__isnull=False,
                    latitude__range=(-90, 90),
                    longitude__range=(-180, 180),
                ),
                name="property_place_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"property {self.pk}"


class ChargeKind(models.TextChoices):
    FORMAL = "FORMAL", _("正式抵押")
    ADVANCE_NOTICE = "ADVANCE_NOTICE", _("预告登记")
    NOT_RECORDED = "NOT_RECORDED", _("基线缺失")


class Charge(models.Model):
    """The bank's right on a property for one loan."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="charges")
    property = models.ForeignKey(Property, on_delete=models.PROTECT, related_name="charges")
    kind = models.CharField(max_length=20, choices=ChargeKind.choices, default=ChargeKind.NOT_RECORDED)
    registration_no = models.CharField(_("不动产登记证明"), max_length=80, blank=True)
    registered_on = models.DateField(null=True)
    # From when an advance notice could be made a formal mortgage; it lapses so many days later (民法典 221).
    registrable_on = models.DateField(null=True)
    # Order of satisfaction among the charges of one home (民法典 414), 1 the first.
    rank = models.PositiveSmallIntegerField(default=1, db_default=1)

    class Meta:
        indexes = [
            models.Index(
                fields=["registrable_on"],
                name="charge_lapses",
                condition=Q(kind="ADVANCE_NOTICE", registrable_on__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["loan", "property"], name="charge_once_a_loan_and_property"),
            models.UniqueConstraint(fields=["property", "rank"], name="charge_rank_once_a_property"),
            models.CheckConstraint(condition=Q(rank__gte=1), name="charge_rank_from_one"),
        ]

    def __str__(self) -> str:
        return f"charge {self.loan_id}"


class Valuation(models.Model):
    """What a property was worth on a day, and who says so. History is added to."""

    property = models.ForeignKey(Property, on_delete=models.PROTECT, related_name="valuations")
    value = models.DecimalField(max_digits=15, decimal_places=2)
    valued_on = models.DateField()
    source = models.CharField(max_length=60)

    class Meta:
        indexes = [
            models.Index(fields=["property", "-valued_on", "-id"], name="valuation_latest"),
            # What an evening looks back at: those that somebody made, not those that came with a loan.
            models.Index(
                fields=["valued_on", "property"],
                name="valuation_recent",
                condition=~Q(source__in=["tape", "contract"]),
            ),
        ]
        constraints = [models.CheckConstraint(condition=Q(value__gt=0), name="valuation_positive")]

    def __str__(self) -> str:
        return f"valuation {self.property_id} {self.valued_on}"


class AreaRevaluation(models.Model):
    """A change in value of all homes of a district, from a price index: proposed by one, applied by another, once."""

    district = models.CharField(max_length=40)
    change_percent = models.DecimalField(max_digits=5, decimal_places=2)
    valued_on = models.DateField()
    # Which index or notice says so.
    source = models.CharField(max_length=120)
    maker = models.CharField(max_length=20)
    made_at = models.DateTimeField()
    checker = models.CharField(max_length=20, blank=True, default="", db_default="")
    decided_at = models.DateTimeField(null=True)
    is_applied = models.BooleanField(default=False, db_default=False)
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    # What applying it did: homes, loans, those past a limit.
    counts = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["district", "valued_on"], name="area_applied", condition=Q(is_applied=True)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["district"], condition=Q(decided_at__isnull=True), name="area_waits_once"),
            models.UniqueConstraint(
                fields=["district", "valued_on"], condition=Q(is_applied=True), name="area_once_a_day"
            ),
            models.CheckConstraint(
                condition=Q(change_percent__gte=-90, change_percent__lte=100) & ~Q(change_percent=0),
                name="area_changes_within_bounds",
            ),
            models.CheckConstraint(condition=~Q(maker=models.F("checker")), name="area_is_decided_by_another"),
            models.CheckConstraint(
                condition=Q(checker="", decided_at__isnull=True, is_applied=False)
                | ~Q(checker="") & Q(decided_at__isnull=False),
                name="decided_area_says_by_whom",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.district} {self.change_percent}"
