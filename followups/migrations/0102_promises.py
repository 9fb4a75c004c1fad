"""What borrowers promise to pay by a day, and whether the money came."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

PROTECT = django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    dependencies = [("followups", "0101_regulations"), ("loans", "0027_overdue_of_a_class")]

    operations = [
        migrations.CreateModel(
            name="PromiseToPay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=15)),
                ("made_on", models.DateField()),
                ("promised_on", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("OPEN", "待履行"),
                            ("KEPT", "已履行"),
                            ("BROKEN", "未履行"),
                            ("REPLACED", "另有新承诺"),
                        ],
                        default="OPEN",
                        max_length=8,
                    ),
                ),
                ("decided_on", models.DateField(null=True)),
                (
                    "attempt",
                    models.OneToOneField(on_delete=PROTECT, related_name="promise", to="followups.visitattempt"),
                ),
                (
                    "loan",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=PROTECT, related_name="promises", to="loans.loan"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(condition=Q(state="OPEN"), fields=["promised_on"], name="promise_open")],
                "constraints": [
                    models.UniqueConstraint(condition=Q(state="OPEN"), fields=["loan"], name="promise_one_open_a_loan"),
                    models.CheckConstraint(condition=Q(amount__gt=0), name="promise_amount_positive"),
                    models.CheckConstraint(
                        condition=Q(promised_on__gte=F("made_on")), name="promise_is_of_a_day_ahead"
                    ),
                    models.CheckConstraint(
                        condition=Q(state="OPEN", decided_on__isnull=True)
                        | ~Q(state="OPEN") & Q(decided_on__isnull=False),
                        name="decided_promise_says_when",
                    ),
                ],
            },
        ),
    ]
