"""跨机构同户: pairs of talks that nobody concerned may make in one visit, and which merges reach across branches."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

_WHY = [("BORROWER", "同一借款人"), ("RELATED", "配偶或共同借款人"), ("HOME", "同一房屋")]
# Merges that people made before this was kept.
_ACROSS = """
UPDATE followups_mergedtask k SET is_across = true FROM followups_visittask v, followups_visittask t
 WHERE k.ended_at IS NULL AND v.id = k.lead_id AND t.id = k.task_id AND v.branch_id <> t.branch_id
"""


def _to(model: str, *, null: bool = False) -> "models.ForeignKey[object, object]":
    return models.ForeignKey(
        db_index=False, null=null, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=model
    )


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0191_covering"),
        ("people", "0090_relations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AcrossPair",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("why", models.CharField(choices=_WHY, max_length=10)),
                ("found_on", models.DateField()),
                ("tell_on", models.DateField()),
                ("at", models.DateTimeField()),
                ("closed_on", models.DateField(null=True)),
                ("left_on", models.DateField(null=True)),
                ("left_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, db_default="", default="", max_length=200)),
                ("one", _to("followups.visittask")),
                ("other", _to("followups.visittask")),
                ("one_branch", _to("people.branch")),
                ("other_branch", _to("people.branch")),
                ("left_by", _to(settings.AUTH_USER_MODEL, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["one_branch", "other_branch"], name="across_to_decide",
                        condition=Q(closed_on__isnull=True, left_on__isnull=True),
                    ),
                    models.Index(fields=["-left_on", "-id"], name="across_left", condition=Q(left_on__isnull=False)),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=["one", "other"], name="across_pair_once"),
                    models.CheckConstraint(condition=Q(one__lt=F("other")), name="across_pair_is_of_two"),
                    models.CheckConstraint(
                        condition=~Q(one_branch=F("other_branch")), name="across_pair_is_of_two_branches"
                    ),
                    models.CheckConstraint(
                        condition=Q(why__in=[code for code, _word in _WHY]), name="across_pair_belongs_together"
                    ),
                    models.CheckConstraint(
                        condition=Q(tell_on__gte=F("found_on")), name="across_pair_is_told_after_it_is_found"
                    ),
                    models.CheckConstraint(
                        condition=Q(left_by__isnull=True, left_on__isnull=True, left_at__isnull=True, reason="")
                        | Q(left_by__isnull=False, left_on__isnull=False, left_at__isnull=False) & ~Q(reason=""),
                        name="left_apart_by_somebody_with_a_reason",
                    ),
                ],
            },
        ),
        migrations.AddField("mergedtask", "is_across", models.BooleanField(db_default=False, default=False)),
        migrations.RunSQL(_ACROSS, migrations.RunSQL.noop),
        migrations.AddIndex(
            "mergedtask",
            models.Index(fields=["lead"], name="merged_across", condition=Q(ended_at__isnull=True, is_across=True)),
        ),
    ]  # fmt: skip
