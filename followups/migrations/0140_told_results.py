"""What customers are to be told of an approved visit, and every telling of it, append-only."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from journal.history import history_is_kept


class Migration(migrations.Migration):

    dependencies = [
        ('followups', '0130_self_service'),
        ('people', '0090_relations'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='notice',
            name='code',
            field=models.CharField(choices=[('LIMIT_80', '时限已用 80%'), ('LIMIT_100', '时限已到未办'), ('LIMIT_120', '超时限 20% 未办'), ('RED', '红色任务'), ('FIRST_75', '首次回访：放款第 75 天未完成'), ('FIRST_85', '首次回访：放款第 85 天未完成'), ('FIRST_90', '首次回访：放款第 90 天未完成'), ('NOBODY', '无人可派'), ('TELL_80', '结果待告知：时限已用 80%'), ('TELL_100', '结果待告知：时限已到'), ('TELL_120', '结果待告知：超时限 20%'), ('REASSIGN', '申请改派，待决定'), ('ANSWERED', '改派申请已有答复')], max_length=10),
        ),
        migrations.AlterField(
            model_name='taskevent',
            name='kind',
            field=models.CharField(choices=[('PLANNED', '生成任务'), ('BROUGHT_FORWARD', '提前'), ('RESCHEDULED', '改约'), ('ASSIGNED', '分派'), ('STARTED', '开始回访'), ('SUBMITTED', '提交报告'), ('RETURNED', '退回修改'), ('APPROVED', '审核通过'), ('CLOSED', '办结'), ('CANCELLED', '撤销'), ('HANDED_TO_PERSON', '转人工'), ('ATTEMPTED', '联系客户'), ('METHOD_CHANGED', '改变方式'), ('SECOND_SIGNED', '协办人签署意见'), ('FILE_ADDED', '添加附件'), ('FILE_REMOVED', '移除附件'), ('PAUSED', '计时暂停'), ('RESUMED', '恢复计时'), ('SECOND_PROPOSED', '建议协办人'), ('LEVELLED', '均衡提前'), ('ALARMED', '首次回访告警'), ('SKIP_ASKED', '申请免访'), ('SKIP_REFUSED', '不同意免访'), ('REASSIGN_ASKED', '申请改派'), ('REASSIGN_REFUSED', '不同意改派'), ('ENDORSED', '主管审核，待风险审核'), ('TO_TELL', '结果待告知客户'), ('TOLD', '已告知客户'), ('TOLD_UNDONE', '更正：尚未告知')], max_length=20),
        ),
        migrations.CreateModel(
            name='CustomerResult',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('why', models.JSONField(default=list)),
                ('since', models.DateField()),
                ('tell_by', models.DateField()),
                ('told_on', models.DateField(null=True)),
                ('branch', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.branch')),
                ('report', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='followups.visitreport')),
                ('task', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='result', to='followups.visittask')),
            ],
        ),
        migrations.CreateModel(
            name='ResultTelling',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(blank=True, choices=[('PHONE', '电话'), ('COUNTER', '网点面告'), ('FIELD', '上门'), ('VIDEO', '视频'), ('LETTER', '书面函件'), ('APP', '手机银行')], max_length=8)),
                ('heard_by', models.CharField(blank=True, choices=[('BORROWER', '借款人本人'), ('AGENT', '受托代理人')], max_length=8)),
                ('told_at', models.DateTimeField(null=True)),
                ('words', models.CharField(max_length=300)),
                ('at', models.DateTimeField()),
                ('business_date', models.DateField()),
                ('by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('result', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='tellings', to='followups.customerresult')),
                ('undoes', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='undone_by', to='followups.resulttelling')),
            ],
        ),
        migrations.AddField(
            model_name='customerresult',
            name='told',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='followups.resulttelling'),
        ),
        migrations.AddIndex(
            model_name='resulttelling',
            index=models.Index(fields=['result', 'id'], name='telling_by_result'),
        ),
        migrations.AddConstraint(
            model_name='resulttelling',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('told_at__isnull', False), ('told_at__lte', models.F('at')), ('undoes__isnull', True), models.Q(('channel', ''), _negated=True), models.Q(('heard_by', ''), _negated=True)), models.Q(('channel', ''), ('heard_by', ''), ('told_at__isnull', True), ('undoes__isnull', False)), _connector='OR'), name='telling_says_how_and_when'),
        ),
        migrations.AddConstraint(
            model_name='resulttelling',
            constraint=models.CheckConstraint(condition=models.Q(('words', ''), _negated=True), name='telling_says_what'),
        ),
        migrations.AddIndex(
            model_name='customerresult',
            index=models.Index(condition=models.Q(('told__isnull', True)), fields=['branch', 'tell_by', 'id'], name='result_untold'),
        ),
        migrations.AddIndex(
            model_name='customerresult',
            index=models.Index(condition=models.Q(('told__isnull', False)), fields=['told_on', 'id'], name='result_told'),
        ),
        migrations.AddConstraint(
            model_name='customerresult',
            constraint=models.CheckConstraint(condition=models.Q(('tell_by__gte', models.F('since'))), name='result_is_told_after_approval'),
        ),
        migrations.AddConstraint(
            model_name='customerresult',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('told__isnull', True), ('told_on__isnull', True)), models.Q(('told__isnull', False), ('told_on__isnull', False)), _connector='OR'), name='told_result_has_its_day'),
        ),
        history_is_kept("followups_resulttelling"),
    ]
