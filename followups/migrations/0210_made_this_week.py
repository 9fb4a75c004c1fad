"""What was made this week is counted by an index: levelling leaves the week that runs what is left of it."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("followups", "0200_across")]

    operations = [
        migrations.AddIndex(
            "visitreport",
            models.Index(
                condition=Q(version=1), fields=["submitted_on"], include=["submitted_by", "branch"],
                name="report_first_made",
            ),
        ),
    ]  # fmt: skip
