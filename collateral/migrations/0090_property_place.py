"""Where a home stands; null while no visit has found it."""

from django.db import migrations, models
from django.db.models import Q


def degrees() -> models.Field:
    return models.DecimalField(decimal_places=6, max_digits=9, null=True)


class Migration(migrations.Migration):
    dependencies = [("collateral", "0090_property_address")]

    operations = [
        migrations.AddField(model_name="property", name="latitude", field=degrees()),
        migrations.AddField(model_name="property", name="longitude", field=degrees()),
        migrations.AddConstraint(
            model_name="property",
            constraint=models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__isnull=False, longitude__isnull=False, latitude__range=(-90, 90), longitude__range=(-180, 180)),
                name="property_place_is_whole",
            ),
        ),
    ]
