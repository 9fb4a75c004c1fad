"""Composite scores of visit reports, and the policy that gives their points."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models

from journal.history import history_is_kept


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0030_day_product'),
        ('risk', '0003_signals'),
    ]

    operations = [
        migrations.CreateModel(
            name='ScorePolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('name', models.CharField(max_length=80)),
                ('in_force', django.contrib.postgres.fields.ranges.DateRangeField()),
                ('maker', models.CharField(max_length=20)),
                ('made_at', models.DateTimeField()),
                ('checker', models.CharField(blank=True, max_length=20)),
                ('checked_at', models.DateTimeField(null=True)),
                ('content_sha256', models.CharField(blank=True, max_length=64)),
            ],
            options={
                'abstract': False,
                'constraints': [models.UniqueConstraint(fields=('version',), name='risk_scorepolicy_version_once'), models.CheckConstraint(condition=models.Q(('maker', models.F('checker')), _negated=True), name='risk_scorepolicy_maker_is_not_checker'), models.CheckConstraint(condition=models.Q(models.Q(('checked_at__isnull', True), ('checker', '')), models.Q(models.Q(('checker', ''), _negated=True), ('checked_at__isnull', False)), _connector='OR'), name='risk_scorepolicy_checked_by_someone'), django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('checker', ''), _negated=True), expressions=[('in_force', '&&')], name='risk_scorepolicy_one_in_force')],
            },
        ),
        migrations.CreateModel(
            name='Score',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('visit_id', models.BigIntegerField()),
                ('report_id', models.BigIntegerField(unique=True)),
                ('policy_version', models.PositiveIntegerField()),
                ('points', models.PositiveSmallIntegerField()),
                ('level', models.CharField(choices=[('LOW', '低风险'), ('MEDIUM', '中风险'), ('HIGH', '高风险')], max_length=10)),
                ('is_forced', models.BooleanField()),
                ('parts', models.JSONField()),
                ('facts', models.JSONField()),
                ('scored_on', models.DateField()),
                ('scored_at', models.DateTimeField()),
                ('scored_by', models.CharField(max_length=20)),
                ('loan', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='scores', to='loans.loan')),
            ],
            options={
                'indexes': [models.Index(fields=['loan', '-id'], name='score_by_loan')],
                'constraints': [models.CheckConstraint(condition=models.Q(('points__lte', 100)), name='score_within_100'), models.CheckConstraint(condition=models.Q(('level__in', ['LOW', 'MEDIUM', 'HIGH'])), name='score_has_a_level'), models.CheckConstraint(condition=models.Q(('is_forced', False), ('level', 'HIGH'), _connector='OR'), name='forced_score_is_high')],
            },
        ),
        migrations.CreateModel(
            name='ScorePolicyLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('kind', models.CharField(max_length=40)),
                ('conditions', models.JSONField(default=list)),
                ('result', models.JSONField(default=dict)),
                ('note', models.CharField(max_length=200)),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='risk.scorepolicy')),
            ],
            options={
                'abstract': False,
                'constraints': [models.UniqueConstraint(fields=('policy', 'number'), name='risk_scorepolicyline_number_once')],
            },
        ),
        history_is_kept("risk_score"),
    ]
