"""Homes of one development are found by how their address begins."""

from django.contrib.postgres.indexes import OpClass
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("collateral", "0002_charge_rank")]

    operations = [
        migrations.AddIndex(
            model_name="property",
            index=models.Index(OpClass(models.F("address"), name="varchar_pattern_ops"), name="property_address"),
        ),
    ]
