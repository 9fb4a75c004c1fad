"""An evening levels the weeks of the branches in which something happened since it did."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("followups", "0211_correction_told"), ("people", "0090_relations")]

    operations = [
        migrations.CreateModel(
            name="LevelledBranch",
            fields=[
                (
                    "branch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name="+",
                        serialize=False, to="people.branch",
                    ),
                ),
                ("events_until", models.BigIntegerField()),
                ("monday", models.DateField()),
                ("rule", models.CharField(max_length=40)),
            ],
        )
    ]  # fmt: skip
