"""Who looked at which report for which decision; rows are added to and never changed."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from journal.history import history_is_kept


class Migration(migrations.Migration):

    dependencies = [
        ("followups", "0080_review"),
        ('loans', '0027_overdue_of_a_class'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ReportReference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('decision', models.CharField(choices=[('CHANGE', '合同变更'), ('PREPAYMENT', '提前还款'), ('REVIEW', '报告审核'), ('LOAN', '查看贷款')], max_length=10)),
                ('decision_id', models.BigIntegerField(null=True)),
                ('at', models.DateTimeField()),
                ('business_date', models.DateField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('loan', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loans.loan')),
                ('report', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='references', to='followups.visitreport')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('report', 'loan', 'decision', 'decision_id', 'by', 'business_date'), name='reference_once_a_person_and_day', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('decision__in', ['CHANGE', 'PREPAYMENT', 'REVIEW', 'LOAN'])), name='reference_of_a_known_decision'), models.CheckConstraint(condition=models.Q(models.Q(('decision', 'LOAN'), _negated=True), ('decision_id__isnull', True), _connector='OR'), name='looking_at_a_loan_decides_nothing')],
            },
        ),
        history_is_kept("followups_reportreference"),
    ]
