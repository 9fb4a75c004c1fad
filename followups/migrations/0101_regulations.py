"""The register of regulations, what follows from each, and telling all staff of it."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

from journal.history import history_is_kept

PROTECT = django.db.models.deletion.PROTECT
STATES = [("WAITING", "待复核"), ("APPROVED", "已登记"), ("RETURNED", "已退回"), ("WITHDRAWN", "已撤回")]


def key() -> models.Field:
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [("followups", "0090_photos")]

    operations = [
        migrations.CreateModel(
            name="Regulation",
            fields=[
                ("id", key()),
                ("number", models.CharField(max_length=80)),
                ("title", models.CharField(max_length=200)),
                ("issuer", models.CharField(max_length=80)),
                ("issued_on", models.DateField()),
                ("effective_on", models.DateField()),
                ("ended_on", models.DateField(null=True)),
                ("summary", models.TextField()),
                ("state", models.CharField(choices=STATES, default="WAITING", max_length=10)),
                ("content_sha256", models.CharField(max_length=64)),
                ("maker", models.CharField(max_length=20)),
                ("made_at", models.DateTimeField()),
                ("checker", models.CharField(blank=True, db_default="", default="", max_length=20)),
                ("decided_at", models.DateTimeField(null=True)),
                ("remark", models.CharField(blank=True, db_default="", default="", max_length=200)),
                (
                    "replaces",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=PROTECT,
                        related_name="followed",
                        to="followups.regulation",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(state__in=["WAITING", "APPROVED"]), fields=["number"], name="regulation_number_once"
                    ),
                    models.CheckConstraint(
                        condition=~Q(maker=F("checker")), name="regulation_is_decided_by_another"
                    ),
                    models.CheckConstraint(
                        condition=Q(state="WAITING", decided_at__isnull=True)
                        | ~Q(state="WAITING") & Q(decided_at__isnull=False) & (~Q(checker="") | Q(state="WITHDRAWN")),
                        name="decided_regulation_says_by_whom",
                    ),
                    models.CheckConstraint(
                        condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("effective_on")),
                        name="regulation_ends_after_it_begins",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RegulationParameter",
            fields=[
                ("id", key()),
                ("code", models.CharField(max_length=60)),
                ("value", models.JSONField()),
                ("from_on", models.DateField()),
                (
                    "regulation",
                    models.ForeignKey(on_delete=PROTECT, related_name="parameters", to="followups.regulation"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["regulation", "code"], name="parameter_once_a_regulation")
                ],
            },
        ),
        migrations.CreateModel(
            name="RegulationPolicy",
            fields=[
                ("id", key()),
                ("line_number", models.PositiveIntegerField(null=True)),
                ("by", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
                (
                    "policy",
                    models.ForeignKey(on_delete=PROTECT, related_name="regulations", to="followups.followuppolicy"),
                ),
                (
                    "regulation",
                    models.ForeignKey(on_delete=PROTECT, related_name="policies", to="followups.regulation"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["regulation", "policy", "line_number"],
                        name="policy_once_a_regulation",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.RemoveConstraint(model_name="alert", name="alert_is_about_one_thing"),
        migrations.AddField(
            model_name="alert",
            name="regulation",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=PROTECT, related_name="alerts", to="followups.regulation"
            ),
        ),
        migrations.AlterField(
            model_name="alert",
            name="code",
            field=models.CharField(
                choices=[
                    ("SIGNAL", "预警"),
                    ("SIGNAL_LATE", "预警超时限未处理"),
                    ("ACTION_LATE", "措施到期未完成"),
                    ("SIGNAL_READY", "措施已完成，待关闭"),
                    ("POLICY", "新回访策略"),
                    ("REGULATION", "新政策法规"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=Q(regulation__isnull=False), fields=["regulation", "code"], name="alert_once_a_regulation"
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=Q(signal__isnull=False, policy__isnull=True, regulation__isnull=True, branch__isnull=False)
                | Q(signal__isnull=True, branch__isnull=True, audience="EVERYONE")
                & (Q(policy__isnull=False, regulation__isnull=True) | Q(policy__isnull=True, regulation__isnull=False)),
                name="alert_is_about_one_thing",
            ),
        ),
        history_is_kept("followups_regulationpolicy"),
        history_is_kept("followups_regulationparameter"),
    ]
