"""Events, which visit answers each and what became of it, added to and never changed; tasks done in one visit."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

from journal.history import history_is_kept

PROTECT = django.db.models.deletion.PROTECT
LEVELS = [(1, "红"), (2, "橙"), (3, "黄"), (9, "无")]


def key() -> models.Field:
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0030_visit_files_pause_lease"),
        ("collateral", "0002_charge_rank"),
        ("loans", "0022_accrual"),
        ("people", "0011_certificates_entered"),
    ]

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
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", key()),
                (
                    "subject",
                    models.CharField(
                        choices=[("LOAN", "本笔贷款"), ("CUSTOMER", "客户"), ("PROPERTY", "房屋")], max_length=10
                    ),
                ),
                ("code", models.CharField(max_length=30)),
                ("level", models.PositiveSmallIntegerField(choices=LEVELS)),
                ("happened_on", models.DateField()),
                ("known_on", models.DateField()),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("DAY_END", "日终"),
                            ("RISK", "风险"),
                            ("COLLATERAL", "押品"),
                            ("STAFF", "员工"),
                            ("BORROWER", "客户告知"),
                            ("FEED", "外部数据"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "feed",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("INCOME", "收入"),
                            ("EMPLOYMENT", "就业"),
                            ("COURT", "法院"),
                            ("BUREAU", "征信摘要"),
                            ("DEVELOPER", "开发商消息"),
                        ],
                        max_length=10,
                    ),
                ),
                ("external_id", models.CharField(max_length=80)),
                ("words", models.CharField(blank=True, max_length=200)),
                ("evidence", models.CharField(blank=True, max_length=80)),
                ("is_baseline", models.BooleanField()),
                ("content_sha256", models.CharField(max_length=64)),
                ("recorded_by", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
                ("customer", models.ForeignKey(on_delete=PROTECT, related_name="events", to="people.party")),
                (
                    "loan",
                    models.ForeignKey(db_constraint=False, on_delete=PROTECT, related_name="events", to="loans.loan"),
                ),
                (
                    "property",
                    models.ForeignKey(null=True, on_delete=PROTECT, related_name="events", to="collateral.property"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["loan", "-id"], name="event_by_loan"),
                    models.Index(fields=["customer", "-id"], name="event_by_customer"),
                    models.Index(
                        fields=["property", "-id"], name="event_by_property", condition=Q(property__isnull=False)
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=["source", "feed", "external_id"], name="event_once_a_source"),
                    models.CheckConstraint(
                        condition=~Q(subject="PROPERTY") | Q(property__isnull=False), name="event_of_a_home_names_it"
                    ),
                    models.CheckConstraint(
                        condition=Q(source="FEED") & ~Q(feed="") | ~Q(source="FEED") & Q(feed=""),
                        name="only_a_feed_has_a_name",
                    ),
                    models.CheckConstraint(condition=~Q(external_id=""), name="event_has_its_sources_number"),
                    models.CheckConstraint(condition=Q(happened_on__lte=F("known_on")), name="event_happened_before"),
                ],
            },
        ),
        migrations.CreateModel(
            name="EventVisit",
            fields=[
                ("id", key()),
                ("is_note", models.BooleanField()),
                ("at", models.DateTimeField()),
                ("business_date", models.DateField()),
                ("event", models.ForeignKey(on_delete=PROTECT, related_name="visits", to="followups.event")),
                ("task", models.ForeignKey(on_delete=PROTECT, related_name="event_visits", to="followups.visittask")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=["event", "task"], name="event_once_a_task")],
            },
        ),
        migrations.CreateModel(
            name="EventFinding",
            fields=[
                ("id", key()),
                (
                    "finding",
                    models.CharField(
                        choices=[
                            ("CONFIRMED", "属实"),
                            ("NOT_CONFIRMED", "不属实"),
                            ("OVER", "曾发生，已消除"),
                            ("UNVERIFIED", "未核实，另行回访"),
                            ("LOST", "疑似失联"),
                            ("SETTLED", "贷款已结清"),
                            ("WITHDRAWN", "登记有误，撤回"),
                        ],
                        max_length=14,
                    ),
                ),
                ("words", models.CharField(blank=True, max_length=200)),
                ("recorded_by", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
                ("business_date", models.DateField()),
                ("event", models.ForeignKey(on_delete=PROTECT, related_name="findings", to="followups.event")),
                (
                    "report",
                    models.ForeignKey(
                        null=True, on_delete=PROTECT, related_name="event_findings", to="followups.visitreport"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["event", "id"], name="finding_by_event")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["event"], condition=~Q(finding="UNVERIFIED"), name="event_closed_once"
                    ),
                    models.CheckConstraint(
                        condition=~Q(finding__in=["CONFIRMED", "NOT_CONFIRMED", "OVER", "UNVERIFIED"])
                        | Q(report__isnull=False),
                        name="finding_of_a_visit_has_its_report",
                    ),
                    models.CheckConstraint(
                        condition=~Q(finding="WITHDRAWN") | ~Q(words=""), name="withdrawn_with_a_reason"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MergedTask",
            fields=[
                ("id", key()),
                (
                    "mode",
                    models.CharField(choices=[("JOINT", "合并报告"), ("EACH", "各出一份报告")], max_length=5),
                ),
                ("merged_by", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
                ("business_date", models.DateField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", models.CharField(blank=True, max_length=20)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("lead", models.ForeignKey(on_delete=PROTECT, related_name="merged", to="followups.visittask")),
                ("task", models.ForeignKey(on_delete=PROTECT, related_name="merged_into", to="followups.visittask")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["lead"], name="merged_by_lead", condition=Q(ended_at__isnull=True)),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["task"], condition=Q(ended_at__isnull=True), name="task_merged_into_one_visit"
                    ),
                    models.CheckConstraint(condition=~Q(lead=F("task")), name="task_merged_into_another"),
                    models.CheckConstraint(
                        condition=Q(ended_at__isnull=True, ended_by="") | Q(ended_at__isnull=False) & ~Q(ended_by=""),
                        name="merge_ended_by_somebody",
                    ),
                ],
            },
        ),
        history_is_kept("followups_event"),
        history_is_kept("followups_eventvisit"),
        history_is_kept("followups_eventfinding"),
    ]
