"""Photos are shown small, found by what they look like, and say where they were taken if the borrower agreed."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


def degrees() -> models.Field:
    return models.DecimalField(decimal_places=6, max_digits=9, null=True)


class Migration(migrations.Migration):
    dependencies = [("followups", "0100_alerts"), ("journal", "0003_night")]

    operations = [
        migrations.AddField(
            model_name="visitattachment",
            name="thumbnail",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="journal.exhibit"
            ),
        ),
        migrations.AddField(model_name="visitattachment", name="look", field=models.BigIntegerField(null=True)),
        migrations.AddField(
            model_name="visitattachment",
            name="look_bands",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), null=True, size=None),
        ),
        migrations.AddField(model_name="visitattachment", name="latitude", field=degrees()),
        migrations.AddField(model_name="visitattachment", name="longitude", field=degrees()),
        migrations.AddField(
            model_name="visitattachment", name="accuracy_meters", field=models.PositiveIntegerField(null=True)
        ),
        migrations.AddField(
            model_name="visitattachment", name="meters_off", field=models.PositiveIntegerField(null=True)
        ),
        migrations.AddIndex(
            model_name="visitattachment",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=Q(look__isnull=False), fields=["look_bands"], name="attachment_by_look"
            ),
        ),
        migrations.AddConstraint(
            model_name="visitattachment",
            constraint=models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True, accuracy_meters__isnull=True)
                | Q(latitude__isnull=False, longitude__isnull=False, latitude__range=(-90, 90), longitude__range=(-180, 180), accuracy_meters__isnull=False),
                name="position_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="visitattachment",
            constraint=models.CheckConstraint(
                condition=Q(meters_off__isnull=True) | Q(latitude__isnull=False), name="distance_has_a_position"
            ),
        ),
        migrations.AddConstraint(
            model_name="visitattachment",
            constraint=models.CheckConstraint(
                condition=Q(look__isnull=True, look_bands__isnull=True)
                | Q(look__isnull=False, look_bands__isnull=False),
                name="look_has_its_bands",
            ),
        ),
    ]
