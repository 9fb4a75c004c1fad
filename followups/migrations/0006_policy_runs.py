"""Drafts of the follow-up policy, their dry runs, and lines of an approved version that never change."""

import django.db.models.deletion
from django.db import migrations, models


KEEP = """
CREATE FUNCTION approved_policy_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM followups_followuppolicy p WHERE p.id = OLD.policy_id AND p.checker <> '') THEN
        RAISE EXCEPTION 'lines of an approved policy never change' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approved_policy_is_kept BEFORE UPDATE OR DELETE ON followups_followuppolicyline
    FOR EACH ROW EXECUTE FUNCTION approved_policy_is_kept();
"""
DROP = """
DROP TRIGGER approved_policy_is_kept ON followups_followuppolicyline;
DROP FUNCTION approved_policy_is_kept();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('followups', '0010_visit_attempts'),
    ]

    operations = [
        migrations.CreateModel(
            name='PolicyRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content_sha256', models.CharField(max_length=64)),
                ('against_version', models.PositiveIntegerField()),
                ('as_of', models.DateField()),
                ('state', models.CharField(choices=[('RUNNING', 'Running'), ('DONE', 'Done'), ('FAILED', 'Failed')], max_length=8)),
                ('asked_by', models.CharField(max_length=20)),
                ('asked_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('summary', models.JSONField(default=dict)),
                ('failures', models.PositiveSmallIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='PolicyRunLoad',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('unit', models.CharField(max_length=1)),
                ('branch_id', models.BigIntegerField()),
                ('officer_id', models.BigIntegerField()),
                ('starts_on', models.DateField()),
                ('phone_before', models.PositiveIntegerField()),
                ('field_before', models.PositiveIntegerField()),
                ('off_site_before', models.PositiveIntegerField()),
                ('phone_after', models.PositiveIntegerField()),
                ('field_after', models.PositiveIntegerField()),
                ('off_site_after', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='PolicyRunLoan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('loan_id', models.BigIntegerField()),
                ('change', models.CharField(max_length=10)),
                ('before_on', models.DateField(null=True)),
                ('before_method', models.CharField(blank=True, max_length=12)),
                ('before_line', models.PositiveIntegerField(null=True)),
                ('after_on', models.DateField(null=True)),
                ('after_method', models.CharField(blank=True, max_length=12)),
                ('after_line', models.PositiveIntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='PolicyRunPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('after', models.BigIntegerField()),
                ('up_to', models.BigIntegerField()),
                ('loans', models.PositiveIntegerField(null=True)),
                ('totals', models.JSONField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='followuppolicy',
            name='based_on',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='followuppolicy',
            name='purpose',
            field=models.CharField(blank=True, db_default='', max_length=200),
        ),
        migrations.AddField(
            model_name='followuppolicy',
            name='remark',
            field=models.CharField(blank=True, db_default='', max_length=200),
        ),
        migrations.AddField(
            model_name='followuppolicy',
            name='row_version',
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name='followuppolicy',
            name='submitted_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='followuppolicy',
            name='withdrawn_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name='followuppolicy',
            constraint=models.CheckConstraint(condition=models.Q(('withdrawn_at__isnull', True), ('checker', ''), _connector='OR'), name='policy_in_force_stays'),
        ),
        migrations.AddField(
            model_name='policyrun',
            name='policy',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='followups.followuppolicy'),
        ),
        migrations.AddField(
            model_name='policyrunload',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='loads', to='followups.policyrun'),
        ),
        migrations.AddField(
            model_name='policyrunloan',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='loans', to='followups.policyrun'),
        ),
        migrations.AddField(
            model_name='policyrunpart',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='followups.policyrun'),
        ),
        migrations.AddConstraint(
            model_name='policyrun',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'RUNNING')), fields=('policy',), name='policy_run_one_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='policyrunload',
            constraint=models.UniqueConstraint(condition=models.Q(('unit', 'D'), _negated=True), fields=('run', 'unit', 'branch_id', 'officer_id', 'starts_on'), name='policy_run_load_once'),
        ),
        migrations.AddConstraint(
            model_name='policyrunloan',
            constraint=models.UniqueConstraint(fields=('run', 'loan_id'), name='policy_run_loan_once'),
        ),
        migrations.AddConstraint(
            model_name='policyrunpart',
            constraint=models.UniqueConstraint(fields=('run', 'after'), name='policy_run_part_once'),
        ),
        migrations.RunSQL(KEEP, DROP),
    ]
