"""How a task may have ended: an approved skip stands among the outcomes again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("followups", "0040_policy_run_arrays")]

    operations = [
        migrations.AlterField(
            model_name="visittask",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("APPROVED", "审核通过"),
                    ("CLEAN", "非现场无异常，自动办结"),
                    ("PAID", "已还清逾期，自动办结"),
                    ("MERGED", "并入更高级别任务"),
                    ("REPLANNED", "策略调整"),
                    ("SETTLED", "贷款已结清"),
                    ("SUSPECTED_LOST", "疑似失联"),
                    ("WITHDRAWN", "触发事项撤回"),
                    ("SKIPPED", "经批准免访"),
                ],
                max_length=20,
            ),
        ),
    ]
