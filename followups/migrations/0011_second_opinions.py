"""Opinions of second visitors, append-only."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from journal.history import history_is_kept

CONCLUSIONS = [("NO_CONCERN", "未见异常"), ("WATCH", "需关注"), ("AT_RISK", "存在风险")]


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0006_policy_runs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SecondOpinion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("conclusion", models.CharField(choices=CONCLUSIONS, max_length=12)),
                ("text", models.CharField(blank=True, max_length=1000)),
                ("answers_sha256", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("business_date", models.DateField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="second_opinions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "visit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="second_opinions",
                        to="followups.visit",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["visit", "id"], name="opinion_by_visit")],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(conclusion="NO_CONCERN") | ~Q(text=""), name="second_concern_is_in_words"
                    ),
                ],
            },
        ),
        history_is_kept("followups_secondopinion"),
    ]
