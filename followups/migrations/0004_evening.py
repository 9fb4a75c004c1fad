"""Off-site checks that were not made yet, by the day they are due; the steps of arrears, by loan."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("followups", "0003_desk_indexes")]

    operations = [
        migrations.AddIndex(
            model_name="visittask",
            index=models.Index(
                fields=["due_on", "loan"],
                condition=Q(closed_on__isnull=True, state="PLANNED", method="OFF_SITE", evidence__isnull=True),
                name="task_off_site",
            ),
        ),
        migrations.AddIndex(
            model_name="visittask",
            index=models.Index(
                fields=["loan"],
                include=["rule", "cycle", "closed_on"],
                condition=Q(kind="IRREGULAR"),
                name="task_steps",
            ),
        ),
    ]
