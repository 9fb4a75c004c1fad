"""A correction that is to be made, or was sent back, is told to who makes it."""

from django.db import migrations, models

_CODES = [
    ("LIMIT_80", "时限已用 80%"), ("LIMIT_100", "时限已到未办"), ("LIMIT_120", "超时限 20% 未办"), ("RED", "红色任务"),
    ("FIRST_75", "首次回访：放款第 75 天未完成"), ("FIRST_85", "首次回访：放款第 85 天未完成"),
    ("FIRST_90", "首次回访：放款第 90 天未完成"), ("NOBODY", "无人可派"), ("TELL_80", "结果待告知：时限已用 80%"),
    ("TELL_100", "结果待告知：时限已到"), ("TELL_120", "结果待告知：超时限 20%"), ("STEP_VISIT", "回访已超时限"),
    ("STEP_MEND", "修改已超时限"), ("STEP_REVIEW", "审核已超时限"), ("CORRECT", "报告待更正"),
    ("CORRECT_BACK", "报告更正被退回"), ("REASSIGN", "申请改派，待决定"), ("ANSWERED", "改派申请已有答复"),
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("followups", "0210_made_this_week")]

    operations = [migrations.AlterField("notice", "code", models.CharField(choices=_CODES, max_length=12))]
