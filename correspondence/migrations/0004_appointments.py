"""Messages that announce a visit: they speak of a day and of no money."""

from django.db import migrations, models

KINDS = [("DUE", "还款提醒"), ("OVERDUE", "逾期提醒"), ("APPOINTMENT", "回访预约")]


class Migration(migrations.Migration):
    dependencies = [("correspondence", "0003_covered")]

    operations = [
        migrations.RemoveConstraint("message", "message_amount_positive"),
        migrations.RemoveConstraint("message", "message_step_is_its_kinds"),
        migrations.AlterField("message", "kind", models.CharField(choices=KINDS, max_length=12)),
        migrations.AlterField("template", "kind", models.CharField(choices=KINDS, max_length=12)),
        migrations.AddConstraint(
            "message",
            models.CheckConstraint(
                condition=models.Q(("amount__gt", 0), models.Q(("amount", 0), ("kind", "APPOINTMENT")), _connector="OR"),
                name="message_amount_positive",
            ),
        ),
        migrations.AddConstraint(
            "message",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ["DUE", "APPOINTMENT"]), ("step", 0)),
                    models.Q(("kind", "OVERDUE"), ("step__gt", 0)),
                    _connector="OR",
                ),
                name="message_step_is_its_kinds",
            ),
        ),
    ]
