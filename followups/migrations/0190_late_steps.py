"""Steps past their own limit are told: to reviewers too; what is in hand is found by an index."""

from django.db import migrations, models
from django.db.models import Q

_CODES = [
    ("LIMIT_80", "时限已用 80%"), ("LIMIT_100", "时限已到未办"), ("LIMIT_120", "超时限 20% 未办"), ("RED", "红色任务"),
    ("FIRST_75", "首次回访：放款第 75 天未完成"), ("FIRST_85", "首次回访：放款第 85 天未完成"),
    ("FIRST_90", "首次回访：放款第 90 天未完成"), ("NOBODY", "无人可派"), ("TELL_80", "结果待告知：时限已用 80%"),
    ("TELL_100", "结果待告知：时限已到"), ("TELL_120", "结果待告知：超时限 20%"), ("STEP_VISIT", "回访已超时限"),
    ("STEP_MEND", "修改已超时限"), ("STEP_REVIEW", "审核已超时限"), ("REASSIGN", "申请改派，待决定"),
    ("ANSWERED", "改派申请已有答复"),
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("followups", "0180_corrections")]

    operations = [
        migrations.AlterField("notice", "code", models.CharField(choices=_CODES, max_length=12)),
        migrations.AlterField(
            "notice",
            "audience",
            models.CharField(
                choices=[
                    ("OFFICER", "主办人"), ("MANAGER", "主管"), ("BRANCH_HEAD", "分行负责人"), ("REVIEWER", "审核人"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            "visittask",
            models.Index(
                condition=Q(state__in=("IN_PROGRESS", "RETURNED", "SUBMITTED")), fields=["branch"], name="task_in_hand"
            ),
        ),
    ]  # fmt: skip
