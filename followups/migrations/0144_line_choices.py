"""A policy line chooses what a visit asks beside the usual, and the role of who may be given it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("followups", "0143_one_talk")]

    operations = [
        migrations.AddField(
            model_name="visittask",
            name="checklist",
            field=models.CharField(blank=True, db_default="", default="", max_length=20),
        ),
        migrations.AddField(
            model_name="visittask",
            name="role",
            field=models.CharField(blank=True, db_default="", default="", max_length=30),
        ),
    ]
