"""Files of a visit: photos and documents, kept as exhibits of the journal, named and dated here; what each proves."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from followups.models.visits import Visit
from followups.rules.attachments import FAR_METERS
from journal.models import Exhibit
from people.models import Staff


class PhotoExit(models.TextChoices):
    """Why a field visit has no photo; the codes of `rules.attachments.PHOTO_EXITS`."""

    REFUSED = "REFUSED", _("客户不同意拍照")
    NOBODY_IN = "NOBODY_IN", _("无人在家，已拍门牌并留条")
    NOT_LET_IN = "NOT_LET_IN", _("未能入户，已拍门牌并留条")
    NOT_DELIVERED = "NOT_DELIVERED", _("房屋未交付")


class VisitAttachment(models.Model):
    """One file of a visit. `sent_sha256` is that of the bytes as they came, the exhibit's that of what is kept."""

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="attachments")
    exhibit = models.ForeignKey(Exhibit, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    sent_sha256 = models.CharField(max_length=64)
    sent_size = models.PositiveIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    # When the camera says the photo was taken; the rest of what it said is not kept.
    taken_at = models.DateTimeField(null=True)
    thumbnail = models.ForeignKey(Exhibit, on_delete=models.PROTECT, null=True, related_name="+")
    # What a photo looks like, in 64 bits, and byte by byte to be found by; null where it says nothing.
    look = models.BigIntegerField(null=True)
    look_bands = ArrayField(models.IntegerField(), null=True)
    # Where the device was, with consent alone; and how far from the home, where that is known.
    latitude = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    longitude = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    accuracy_meters = models.PositiveIntegerField(null=True)
    meters_off = models.PositiveIntegerField(null=True)
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="attachments")
    at = models.DateTimeField()
    business_date = models.DateField()
    # The question it proves, as `queries.attachments` reads it along; empty for general evidence.
    item: str

    class Meta:
        indexes = [
            models.Index(fields=["visit", "id"], name="attachment_by_visit"),
            models.Index(fields=["sent_sha256"], name="attachment_by_bytes"),
            GinIndex(fields=["look_bands"], name="attachment_by_look", condition=Q(look__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(width__isnull=True, height__isnull=True)
                | Q(width__isnull=False, height__isnull=False, width__gt=0, height__gt=0),
                name="photo_has_both_measures",
            ),
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True, accuracy_meters__isnull=True)
                | Q(
                    latitude__isnull=False,
                    longitude__isnull=False,
                    latitude__range=(-90, 90),
                    longitude__range=(-180, 180),
                    accuracy_meters__isnull=False,
                ),
                name="position_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(meters_off__isnull=True) | Q(latitude__isnull=False), name="distance_has_a_position"
            ),
            models.CheckConstraint(
                condition=Q(look__isnull=True, look_bands__isnull=True)
                | Q(look__isnull=False, look_bands__isnull=False),
                name="look_has_its_bands",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.visit_id} {self.name}"

    @property
    def is_far(self) -> bool:
        """Was it taken away from the home?"""
        return self.meters_off is not None and self.meters_off > FAR_METERS


class AttachmentRemoval(models.Model):
    """A file taken out of a visit again before it was handed in; the file itself is kept. Append-only."""

    attachment = models.OneToOneField(VisitAttachment, on_delete=models.PROTECT, related_name="removal")
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"removal {self.attachment_id}"


class AttachmentProof(models.Model):
    """Which question of the visit a file proves; the last row counts, an empty one makes it general evidence again.
    Append-only."""

    attachment = models.ForeignKey(VisitAttachment, on_delete=models.PROTECT, related_name="proofs", db_index=False)
    item = models.CharField(max_length=40, blank=True)
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["attachment", "-id"], name="proof_by_attachment")]
        constraints = [
            models.CheckConstraint(condition=Q(item__regex=r"^[a-z0-9_]{0,40}$"), name="proof_names_an_item"),
        ]

    def __str__(self) -> str:
        return f"{self.attachment_id} {self.item}"
