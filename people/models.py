"""Staff, branches, roles as data, borrowers (`Party`) and dated snapshots of their means.

Roles carry permissions and a scope; scope decides which branches' loans a person sees. The
abstract `ApprovablePolicy` holds the two-person rule for every versioned policy above.
"""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Length, Right
from django.db.models.lookups import GreaterThan
from django.utils.translation import gettext_lazy as _


class Branch(models.Model):
    """A node of the branch tree. `path` is the codes from the root, each followed by a slash."""

    code = models.CharField(_("机构号"), max_length=20, unique=True)
    name = models.CharField(_("机构名称"), max_length=80)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    path = models.CharField(max_length=200, unique=True)

    class Meta:
        indexes = [models.Index(OpClass(F("path"), name="varchar_pattern_ops"), name="branch_subtree")]

    def __str__(self) -> str:
        return self.name


class Scope(models.TextChoices):
    """Which branches' loans a role sees."""

    NONE = "NONE", _("不看客户数据")
    BRANCH = "BRANCH", _("本机构")
    SUBTREE = "SUBTREE", _("本机构及下属")
    ALL = "ALL", _("全行")


class Role(models.Model):
    """A named set of permissions with a scope; data, not code."""

    code = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=40)
    scope = models.CharField(max_length=10, choices=Scope.choices)
    permissions = ArrayField(models.CharField(max_length=60), default=list)

    def __str__(self) -> str:
        return self.name


class StaffManager(BaseUserManager["Staff"]):
    def create_user(self, staff_no: str, password: str | None = None, **fields: object) -> "Staff":
        staff = self.model(staff_no=staff_no, **fields)
        staff.set_password(password)
        staff.save()
        return staff


class Staff(AbstractBaseUser):
    """A person who signs in, known by the staff number. Not a Django superuser: roles decide."""

    staff_no = models.CharField(_("工号"), max_length=20, unique=True)
    name = models.CharField(_("姓名"), max_length=50)
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="staff")
    roles = models.ManyToManyField(Role, related_name="staff")
    is_active = models.BooleanField(default=True)

    objects = StaffManager()
    USERNAME_FIELD = "staff_no"

    def __str__(self) -> str:
        return self.name


class Leave(models.Model):
    """Days on which a person is away (`period` holds the first day and the day after the last), and who stands in.

    Who holds whose work follows from these rows alone (`people.rules.leave`); tasks are never moved.
    """

    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="leaves")
    period = DateRangeField()
    deputy = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="leaves_covered")
    reason = models.CharField(max_length=200)
    entered_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="leave_one_at_a_time",
                expressions=[("staff", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
                condition=Q(cancelled_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=Q(deputy__isnull=True) | ~Q(deputy=F("staff")), name="deputy_is_someone_else"
            ),
            models.CheckConstraint(
                condition=Q(period__isempty=False, period__lower_inf=False, period__upper_inf=False),
                name="leave_begins_and_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"leave {self.pk}"


class Certificate(models.Model):
    """That a person may make visits of a kind, from and to a day. Gates assignment only after the warning period."""

    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="certificates")
    code = models.CharField(max_length=30)
    valid = DateRangeField()
    # Who entered it and when; nobody for what came with a book.
    entered_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    entered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="certificate_once_at_a_time",
                expressions=[
                    ("staff", RangeOperators.EQUAL),
                    ("code", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"certificate {self.staff_id} {self.code}"


class ApiToken(models.Model):
    """A REST client's key. Only the SHA-256 of the key is kept."""

    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60)
    key_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class IdempotencyKey(models.Model):
    """A write request's key with its stored reply; key row, effect and reply are one transaction."""

    staff = models.ForeignKey(Staff, on_delete=models.CASCADE)
    key = models.CharField(max_length=255)
    path = models.CharField(max_length=200)
    body_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["staff", "key"], name="idempotency_key_once_a_user")]

    def __str__(self) -> str:
        return self.key


class Party(models.Model):
    """A borrower or guarantor. Reached only through the loans one may see, never listed by itself."""

    name = models.CharField(_("姓名"), max_length=50)
    name_initials = models.CharField(max_length=50)
    id_no = models.CharField(_("身份证号"), max_length=18, unique=True)
    phone = models.CharField(_("手机"), max_length=20, blank=True)

    class Meta:
        verbose_name_plural = "parties"
        indexes = [
            GinIndex(OpClass(F("name"), name="gin_trgm_ops"), name="party_name_fragment"),
            # Two characters are looked for inside these; at the ends of a name the fragments hold them.
            models.Index(fields=["name"], name="party_long_name", condition=Q(GreaterThan(Length("name"), Value(3)))),
            models.Index(OpClass(F("name_initials"), name="varchar_pattern_ops"), name="party_initials"),
            models.Index(Right("id_no", 4), name="party_id_last_4"),
            models.Index(Right("phone", 4), name="party_phone_last_4"),
        ]

    def __str__(self) -> str:
        return f"party {self.pk}"


class FinancialProfile(models.Model):
    """What was known of a party's means on a day, with its source. History is added to."""

    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="profiles")
    known_on = models.DateField()
    source = models.CharField(max_length=60)
    monthly_income = models.DecimalField(max_digits=15, decimal_places=2, null=True)
    employer = models.CharField(max_length=120, blank=True)
    other_monthly_debt = models.DecimalField(max_digits=15, decimal_places=2, null=True)

    class Meta:
        indexes = [models.Index(fields=["party", "-known_on", "-id"], name="profile_latest")]
        constraints = [
            models.CheckConstraint(
                condition=Q(monthly_income__isnull=True) | Q(monthly_income__gte=0), name="monthly_income_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"profile {self.party_id} {self.known_on}"


class RelationKind(models.TextChoices):
    """How two people stand together behind a home or a debt."""

    SPOUSE = "SPOUSE", _("配偶")
    CO_BORROWER = "CO_BORROWER", _("共同借款人")


class PartyRelation(models.Model):
    """Two people who belong together, told once for both; ended by a day, never taken away."""

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="relations")
    other = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="relations_of_others")
    kind = models.CharField(max_length=12, choices=RelationKind.choices)
    known_on = models.DateField()
    ended_on = models.DateField(null=True)
    entered_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            # The smaller id stands first, so that the same two are found whichever is asked.
            models.CheckConstraint(condition=Q(party__lt=F("other")), name="relation_is_of_two"),
            models.UniqueConstraint(
                fields=["party", "other", "kind"], condition=Q(ended_on__isnull=True), name="relation_open_once"
            ),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("known_on")), name="relation_ends_after_it_began"
            ),
            models.CheckConstraint(condition=Q(kind__in=RelationKind.values), name="relation_of_a_known_kind"),
        ]

    def __str__(self) -> str:
        return f"relation {self.party_id} {self.other_id} {self.kind}"


class ApprovablePolicy(models.Model):
    """A versioned policy: proposed by one, approved by another, in force for a period that no other overlaps.

    Lines live in the subclass's own line table (`PolicyLine` there inherits `PolicyLineBase`).
    """

    version = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    in_force = DateRangeField()
    maker = models.CharField(max_length=20)
    made_at = models.DateTimeField()
    checker = models.CharField(max_length=20, blank=True)
    checked_at = models.DateTimeField(null=True)
    content_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["version"], name="%(app_label)s_%(class)s_version_once"),
            models.CheckConstraint(
                condition=~Q(maker=F("checker")), name="%(app_label)s_%(class)s_maker_is_not_checker"
            ),
            models.CheckConstraint(
                condition=Q(checker="", checked_at__isnull=True) | (~Q(checker="") & Q(checked_at__isnull=False)),
                name="%(app_label)s_%(class)s_checked_by_someone",
            ),
            ExclusionConstraint(
                name="%(app_label)s_%(class)s_one_in_force",
                expressions=[("in_force", RangeOperators.OVERLAPS)],
                condition=~Q(checker=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class PolicyLineBase(models.Model):
    """One ordered line: conditions → result. The first line of a kind whose conditions hold wins."""

    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=40)
    conditions = models.JSONField(default=list)
    result = models.JSONField(default=dict)
    note = models.CharField(max_length=200)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="%(app_label)s_%(class)s_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"
