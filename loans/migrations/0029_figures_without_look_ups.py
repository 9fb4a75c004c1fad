"""What a close writes by branch is of branches it has just read: no look-up for each row."""

import django.db.models.deletion
from django.db import migrations, models


def branch() -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="people.branch",
    )


class Migration(migrations.Migration):
    dependencies = [("loans", "0028_general_ledger_of_then")]

    operations = [
        migrations.AlterField("figure", "branch", branch()),
        migrations.AlterField("generalline", "branch", branch()),
    ]
