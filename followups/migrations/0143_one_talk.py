"""One customer, one talk: how a merge is undone, and the words for joining, taking apart and being answered."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0142_outside"),
    ]

    operations = [
        migrations.AddField(
            model_name="mergedtask",
            name="undo",
            field=models.JSONField(null=True),
        ),
        migrations.AlterField(
            model_name="taskevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("PLANNED", "生成任务"),
                    ("BROUGHT_FORWARD", "提前"),
                    ("RESCHEDULED", "改约"),
                    ("ASSIGNED", "分派"),
                    ("STARTED", "开始回访"),
                    ("SUBMITTED", "提交报告"),
                    ("RETURNED", "退回修改"),
                    ("APPROVED", "审核通过"),
                    ("CLOSED", "办结"),
                    ("CANCELLED", "撤销"),
                    ("HANDED_TO_PERSON", "转人工"),
                    ("ATTEMPTED", "联系客户"),
                    ("METHOD_CHANGED", "改变方式"),
                    ("SECOND_SIGNED", "协办人签署意见"),
                    ("FILE_ADDED", "添加附件"),
                    ("FILE_REMOVED", "移除附件"),
                    ("PAUSED", "计时暂停"),
                    ("RESUMED", "恢复计时"),
                    ("SECOND_PROPOSED", "建议协办人"),
                    ("LEVELLED", "均衡提前"),
                    ("ALARMED", "首次回访告警"),
                    ("SKIP_ASKED", "申请免访"),
                    ("SKIP_REFUSED", "不同意免访"),
                    ("REASSIGN_ASKED", "申请改派"),
                    ("REASSIGN_REFUSED", "不同意改派"),
                    ("ENDORSED", "主管审核，待风险审核"),
                    ("TO_TELL", "结果待告知客户"),
                    ("TOLD", "已告知客户"),
                    ("TOLD_UNDONE", "更正：尚未告知"),
                    ("JOINED", "并入一次回访"),
                    ("SPLIT", "拆开办理"),
                ],
                max_length=20,
            ),
        ),
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
                    ("ANSWERED", "已由同期回访办结"),
                ],
                max_length=20,
            ),
        ),
    ]
