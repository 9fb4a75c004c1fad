"""What feeds tell that off-site checks look at: a clean bureau summary, money at the payee."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

from journal.history import history_is_kept

PROTECT = django.db.models.deletion.PROTECT
FEEDS = [
    ("INCOME", "收入"),
    ("EMPLOYMENT", "就业"),
    ("COURT", "法院"),
    ("BUREAU", "征信摘要"),
    ("DEVELOPER", "开发商消息"),
    ("FUNDS", "资金到账"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0141_report_quality"),
        ("loans", "0030_day_product"),
        ("people", "0011_certificates_entered"),
    ]

    operations = [
        migrations.AlterField(
            model_name="event", name="feed", field=models.CharField(blank=True, choices=FEEDS, max_length=10)
        ),
        migrations.CreateModel(
            name="OutsideRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("feed", models.CharField(choices=FEEDS, max_length=10)),
                ("code", models.CharField(max_length=30)),
                ("happened_on", models.DateField()),
                ("known_on", models.DateField()),
                ("external_id", models.CharField(max_length=80)),
                ("words", models.CharField(blank=True, max_length=200)),
                ("recorded_by", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
                (
                    "customer",
                    models.ForeignKey(db_index=False, on_delete=PROTECT, related_name="+", to="people.party"),
                ),
                (
                    "loan",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=PROTECT, related_name="+", to="loans.loan"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["loan", "feed"], name="outside_by_loan"),
                    models.Index(fields=["customer", "feed"], name="outside_by_customer"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=["feed", "external_id"], name="outside_once_a_feed"),
                    models.CheckConstraint(condition=~Q(external_id=""), name="outside_has_its_sources_number"),
                    models.CheckConstraint(condition=Q(happened_on__lte=F("known_on")), name="outside_happened_before"),
                ],
            },
        ),
        history_is_kept("followups_outsiderecord"),
    ]
