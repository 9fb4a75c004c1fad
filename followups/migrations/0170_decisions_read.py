"""Past visits are opened for more kinds of decisions: refunds, waivers, warnings, and what is asked of a task."""

from django.db import migrations, models

KNOWN = [
    "CHANGE", "PREPAYMENT", "REVIEW", "REFUND", "WAIVER", "SIGNAL", "SKIP", "REASSIGN", "RESUME", "LOAN",
]  # fmt: skip
LABELS = ["合同变更", "提前还款", "报告审核", "退款", "费用减免", "预警处置", "免访", "改派", "恢复计时", "查看贷款"]


class Migration(migrations.Migration):
    dependencies = [("followups", "0160_attachment_proofs")]

    operations = [
        migrations.AlterField(
            model_name="reportreference",
            name="decision",
            field=models.CharField(choices=list(zip(KNOWN, LABELS, strict=True)), max_length=10),
        ),
        migrations.RemoveConstraint(model_name="reportreference", name="reference_of_a_known_decision"),
        migrations.AddConstraint(
            model_name="reportreference",
            constraint=models.CheckConstraint(
                condition=models.Q(("decision__in", KNOWN)), name="reference_of_a_known_decision"
            ),
        ),
        migrations.AddConstraint(
            model_name="reportreference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decision__in", ("REVIEW", "WAIVER", "SIGNAL", "SKIP", "REASSIGN", "RESUME")), _negated=True
                    ),
                    ("decision_id__isnull", False),
                    _connector="OR",
                ),
                name="what_is_decided_on_is_named",
            ),
        ),
    ]
