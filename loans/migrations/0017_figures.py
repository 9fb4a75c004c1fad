"""Figures of the book at each close."""

import django.db.models.deletion
from django.db import migrations, models

from journal.history import history_is_kept


class Migration(migrations.Migration):
    dependencies = [("loans", "0015_open_dates"), ("people", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Figure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("business_date", models.DateField()),
                (
                    "five_class",
                    models.CharField(
                        choices=[
                            ("PASS", "正常"),
                            ("SPECIAL_MENTION", "关注"),
                            ("SUBSTANDARD", "次级"),
                            ("DOUBTFUL", "可疑"),
                            ("LOSS", "损失"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "days_band",
                    models.PositiveSmallIntegerField(choices=[(0, "未逾期"), (1, "1–30"), (31, "31–90"), (91, "91+")]),
                ),
                ("loans", models.PositiveIntegerField()),
                ("principal", models.DecimalField(decimal_places=2, max_digits=15)),
                (
                    "branch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.branch",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("business_date", "branch", "five_class", "days_band"), name="figure_once_a_close"
                    ),
                    models.CheckConstraint(condition=models.Q(("principal__gte", 0)), name="figure_not_negative"),
                    models.CheckConstraint(
                        condition=models.Q(("days_band__in", [0, 1, 31, 91])), name="figure_in_a_band"
                    ),
                ]
            },
        ),
        history_is_kept("loans_figure"),
    ]
