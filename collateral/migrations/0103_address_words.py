"""Homes are found by any three characters of their address: development and room in the one search field."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("collateral", "0102_delivery"), ("people", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="property",
            index=GinIndex(OpClass(models.F("address"), name="gin_trgm_ops"), name="property_address_words"),
        ),
    ]
