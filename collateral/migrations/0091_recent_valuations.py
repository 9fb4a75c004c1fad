"""Valuations that somebody made are found by their day: an evening looks back at them, never at those of the whole book."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("collateral", "0090_property_place")]

    operations = [
        migrations.AddIndex(
            "valuation",
            models.Index(
                fields=["valued_on", "property"],
                name="valuation_recent",
                condition=~models.Q(source__in=["tape", "contract"]),
            ),
        ),
    ]
