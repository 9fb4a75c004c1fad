"""Until when a home is insured, from when an advance notice could be made a formal mortgage; homes by district."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("collateral", "0100_areas")]

    operations = [
        migrations.AddField(
            model_name="property", name="insured_until", field=models.DateField(null=True)
        ),
        migrations.AddField(model_name="charge", name="registrable_on", field=models.DateField(null=True)),
        migrations.AddIndex(
            model_name="property",
            index=models.Index(
                condition=Q(insured_until__isnull=False), fields=["insured_until"], name="home_insured"
            ),
        ),
        migrations.AddIndex(
            model_name="property",
            index=models.Index(condition=Q(value__isnull=False), fields=["district"], name="home_district"),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(
                condition=Q(kind="ADVANCE_NOTICE", registrable_on__isnull=False),
                fields=["registrable_on"],
                name="charge_lapses",
            ),
        ),
    ]
