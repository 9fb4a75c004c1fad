"""Files of visits (append-only), the pause of a clock, visits of the home alone, which window writes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from journal.history import history_is_kept


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0050_notices"),
        ("journal", "0003_night"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="visittask",
            name="paused_until",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="visittask",
            name="subject",
            field=models.CharField(
                choices=[("LOAN", "借款人和押品"), ("PROPERTY", "仅押品")],
                db_default="LOAN",
                default="LOAN",
                max_length=8,
            ),
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
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="VisitAttachment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                ("sent_sha256", models.CharField(max_length=64)),
                ("sent_size", models.PositiveIntegerField()),
                ("width", models.PositiveIntegerField(null=True)),
                ("height", models.PositiveIntegerField(null=True)),
                ("taken_at", models.DateTimeField(null=True)),
                ("at", models.DateTimeField()),
                ("business_date", models.DateField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attachments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "exhibit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="journal.exhibit"
                    ),
                ),
                (
                    "visit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="attachments", to="followups.visit"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AttachmentRemoval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "attachment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="removal",
                        to="followups.visitattachment",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="VisitLease",
            fields=[
                (
                    "visit",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="lease",
                        serialize=False,
                        to="followups.visit",
                    ),
                ),
                ("tab", models.CharField(max_length=40)),
                ("since", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="visitattachment",
            index=models.Index(fields=["visit", "id"], name="attachment_by_visit"),
        ),
        migrations.AddIndex(
            model_name="visitattachment",
            index=models.Index(fields=["sent_sha256"], name="attachment_by_bytes"),
        ),
        migrations.AddConstraint(
            model_name="visitattachment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("height__isnull", True), ("width__isnull", True)),
                    models.Q(("height__gt", 0), ("height__isnull", False), ("width__gt", 0), ("width__isnull", False)),
                    _connector="OR",
                ),
                name="photo_has_both_measures",
            ),
        ),
        history_is_kept("followups_visitattachment"),
        history_is_kept("followups_attachmentremoval"),
    ]
