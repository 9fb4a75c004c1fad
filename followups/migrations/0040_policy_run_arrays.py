"""What a range of a dry run brings stands in arrays; loads and changed loans carry no foreign key to their run."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


def _array(of):
    return django.contrib.postgres.fields.ArrayField(base_field=of, null=True, size=None)


def _run(name):
    return models.ForeignKey(
        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name=name,
        to="followups.policyrun",
    )


class Migration(migrations.Migration):
    dependencies = [("followups", "0060_events")]

    operations = [
        migrations.AddField("policyrunpart", "load_branches", _array(models.BigIntegerField())),
        migrations.AddField("policyrunpart", "load_officers", _array(models.BigIntegerField())),
        migrations.AddField("policyrunpart", "load_starts", _array(models.DateField())),
        migrations.AddField("policyrunpart", "load_places", _array(models.SmallIntegerField())),
        migrations.AddField("policyrunpart", "load_counts", _array(models.IntegerField())),
        migrations.AlterField("policyrunload", "run", _run("loads")),
        migrations.AlterField("policyrunloan", "run", _run("loans")),
        migrations.RemoveConstraint("policyrunload", "policy_run_load_once"),
        migrations.AddConstraint(
            "policyrunload",
            models.UniqueConstraint(
                fields=["run", "unit", "branch_id", "officer_id", "starts_on"], name="policy_run_load_once"
            ),
        ),
    ]
