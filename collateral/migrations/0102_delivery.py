"""Whether a home was handed over to its buyer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("collateral", "0101_lapses")]

    operations = [
        migrations.AddField(model_name="property", name="is_delivered", field=models.BooleanField(null=True)),
    ]
