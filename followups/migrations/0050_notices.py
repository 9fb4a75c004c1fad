"""Notices of follow-ups that run late, append-only; asking to skip a first one; who should go along; visits by week."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

from journal.history import history_is_kept


class Migration(migrations.Migration):
    dependencies = [("followups", "0020_handover"), ("people", "0011_certificates_entered")]

    operations = [
        migrations.AddField(
            model_name="visittask",
            name="proposed_second",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="visittask",
            index=models.Index(
                fields=["due_on"],
                include=["branch", "assigned_to", "proposed_second", "method", "level", "kind", "opens_on"],
                name="task_visits",
                condition=Q(closed_on__isnull=True, is_light=False)
                & (~Q(method="OFF_SITE") | Q(evidence__isnull=False)),
            ),
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=10)),
                ("audience", models.CharField(max_length=12)),
                ("due_on", models.DateField()),
                ("raised_on", models.DateField()),
                ("tell_on", models.DateField()),
                ("at", models.DateTimeField()),
                (
                    "branch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.branch",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="followups.visittask",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["branch", "audience", "-id"], name="notice_by_branch")],
                "constraints": [
                    models.UniqueConstraint(fields=["task", "code", "audience", "due_on"], name="notice_once_a_limit"),
                    models.CheckConstraint(
                        condition=Q(tell_on__gte=F("raised_on")), name="notice_is_told_after_it_is_raised"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="NoticesRead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("up_to", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "staff",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SkipRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=500)),
                ("asked_at", models.DateTimeField()),
                ("content_sha256", models.CharField(max_length=64)),
                ("state", models.CharField(default="WAITING", max_length=10)),
                ("decided_at", models.DateTimeField(null=True)),
                ("note", models.CharField(blank=True, max_length=500)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="skips", to="followups.visittask"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(state="WAITING"), fields=["task"], name="skip_asked_once_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by")),
                        name="skip_is_decided_by_another",
                    ),
                    models.CheckConstraint(
                        condition=Q(state="WAITING", decided_by__isnull=True, decided_at__isnull=True)
                        | ~Q(state="WAITING") & Q(decided_by__isnull=False, decided_at__isnull=False),
                        name="decided_skip_says_by_whom",
                    ),
                ],
            },
        ),
        migrations.AlterField(
            model_name="notice",
            name="audience",
            field=models.CharField(
                choices=[("OFFICER", "主办人"), ("MANAGER", "主管"), ("BRANCH_HEAD", "分行负责人")], max_length=12
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="code",
            field=models.CharField(
                choices=[
                    ("LIMIT_80", "时限已用 80%"),
                    ("LIMIT_100", "时限已到未办"),
                    ("LIMIT_120", "超时限 20% 未办"),
                    ("RED", "红色任务"),
                    ("FIRST_75", "首次回访：放款第 75 天未完成"),
                    ("FIRST_85", "首次回访：放款第 85 天未完成"),
                    ("FIRST_90", "首次回访：放款第 90 天未完成"),
                    ("NOBODY", "无人可派"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="skiprequest",
            name="state",
            field=models.CharField(
                choices=[("WAITING", "待批准"), ("APPROVED", "已批准免访"), ("REFUSED", "不同意免访")],
                default="WAITING",
                max_length=10,
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
                    ("SECOND_PROPOSED", "建议协办人"),
                    ("LEVELLED", "均衡提前"),
                    ("ALARMED", "首次回访告警"),
                    ("SKIP_ASKED", "申请免访"),
                    ("SKIP_REFUSED", "不同意免访"),
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
                    ("SKIPPED", "经批准免访"),
                ],
                max_length=20,
            ),
        ),
        history_is_kept("followups_notice"),
    ]
