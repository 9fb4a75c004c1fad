"""What is told of warning signals and of new rules, append-only, and how far a person has read it."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

from journal.history import history_is_kept

PROTECT = django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0070_desk"),
        ("people", "0011_certificates_entered"),
        ("risk", "0003_signals"),
    ]

    operations = [
        migrations.AddField(
            model_name="noticesread", name="alerts_up_to", field=models.BigIntegerField(db_default=0, default=0)
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.CharField(
                        choices=[
                            ("SIGNAL", "预警"),
                            ("SIGNAL_LATE", "预警超时限未处理"),
                            ("ACTION_LATE", "措施到期未完成"),
                            ("SIGNAL_READY", "措施已完成，待关闭"),
                            ("POLICY", "新回访策略"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "audience",
                    models.CharField(
                        choices=[
                            ("OFFICER", "客户经理"),
                            ("MANAGER", "主管"),
                            ("BRANCH_HEAD", "分行负责人"),
                            ("EVERYONE", "全员"),
                        ],
                        max_length=12,
                    ),
                ),
                ("due_on", models.DateField()),
                ("raised_on", models.DateField()),
                ("tell_on", models.DateField()),
                ("at", models.DateTimeField()),
                (
                    "branch",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=PROTECT, related_name="+", to="people.branch"
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=PROTECT, related_name="alerts",
                        to="followups.followuppolicy",
                    ),
                ),
                (
                    "signal",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=PROTECT, related_name="alerts", to="risk.signal"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["branch", "audience", "-id"], name="alert_by_branch")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(signal__isnull=False),
                        fields=["signal", "code", "audience", "due_on"],
                        name="alert_once_a_signal",
                    ),
                    models.UniqueConstraint(
                        condition=Q(policy__isnull=False), fields=["policy", "code"], name="alert_once_a_policy"
                    ),
                    models.CheckConstraint(
                        condition=Q(signal__isnull=False, policy__isnull=True, branch__isnull=False)
                        | Q(signal__isnull=True, policy__isnull=False, branch__isnull=True, audience="EVERYONE"),
                        name="alert_is_about_one_thing",
                    ),
                    models.CheckConstraint(
                        condition=Q(tell_on__gte=F("raised_on")), name="alert_is_told_after_it_is_raised"
                    ),
                ],
            },
        ),
        history_is_kept("followups_alert"),
    ]
