"""Warning signals: the policy that gives them, what they looked at, what became of them; none ever vanishes."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from journal.history import history_is_kept

# What a signal said stays, and it ends only with a step that says how.
_KEPT = """
CREATE FUNCTION signal_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (to_jsonb(OLD) - '{state,outcome,closed_on,version}'::text[])
                           <> (to_jsonb(NEW) - '{state,outcome,closed_on,version}'::text[])
       OR OLD.closed_on IS NOT NULL THEN
        RAISE EXCEPTION '% of a signal is refused: what it said stays, and one that ended stays so', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER signal_stays BEFORE UPDATE OR DELETE ON risk_signal FOR EACH ROW EXECUTE FUNCTION signal_stays();
CREATE FUNCTION signal_ends_with_a_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM risk_signalstep s WHERE s.signal_id = NEW.id
                      AND s.kind = CASE NEW.outcome WHEN 'RESOLVED' THEN 'CLOSED' ELSE NEW.outcome END) THEN
        RAISE EXCEPTION 'signal % ends without a step that says how', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER signal_ends_with_a_step AFTER INSERT OR UPDATE ON risk_signal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.closed_on IS NOT NULL)
    EXECUTE FUNCTION signal_ends_with_a_step();
"""
_UNDONE = """
DROP TRIGGER signal_ends_with_a_step ON risk_signal;
DROP FUNCTION signal_ends_with_a_step();
DROP TRIGGER signal_stays ON risk_signal;
DROP FUNCTION signal_stays();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0027_overdue_of_a_class'),
        ('risk', '0002_grade_of_policy'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Signal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('family', models.CharField(max_length=40)),
                ('code', models.CharField(max_length=60)),
                ('level', models.PositiveSmallIntegerField(choices=[(1, '红'), (2, '橙'), (3, '黄')])),
                ('policy_version', models.PositiveIntegerField()),
                ('line_number', models.PositiveIntegerField()),
                ('inputs', models.JSONField()),
                ('source', models.CharField(choices=[('VISIT', '回访'), ('DAY_END', '日终'), ('VALUATION', '估值')], max_length=10)),
                ('occasion', models.CharField(max_length=60)),
                ('report_id', models.BigIntegerField(null=True)),
                ('raised_on', models.DateField()),
                ('raised_at', models.DateTimeField()),
                ('raised_by', models.CharField(max_length=20)),
                ('answer_by', models.DateField()),
                ('state', models.CharField(choices=[('NEW', '待核实'), ('CONFIRMED', '属实待处置'), ('ACTING', '处置中'), ('CLOSED', '已关闭')], db_default='NEW', default='NEW', max_length=10)),
                ('outcome', models.CharField(blank=True, choices=[('EXPLAINED', '已排除'), ('RESOLVED', '已处置'), ('CURED', '已还清逾期'), ('ESCALATED', '并入更高级别预警'), ('REVISED', '报告更正后不再成立'), ('SETTLED', '贷款已结清')], db_default='', default='', max_length=10)),
                ('closed_on', models.DateField(null=True)),
                ('version', models.PositiveIntegerField(db_default=1, default=1)),
                ('loan', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='signals', to='loans.loan')),
            ],
        ),
        migrations.CreateModel(
            name='SignalAction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('words', models.CharField(max_length=200)),
                ('due_on', models.DateField()),
                ('set_by', models.CharField(max_length=20)),
                ('set_at', models.DateTimeField()),
                ('result', models.CharField(blank=True, db_default='', default='', max_length=200)),
                ('evidence', models.CharField(blank=True, db_default='', default='', max_length=80)),
                ('done_on', models.DateField(null=True)),
                ('done_by', models.CharField(blank=True, db_default='', default='', max_length=20)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('signal', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='actions', to='risk.signal')),
            ],
        ),
        migrations.CreateModel(
            name='SignalPolicy',
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
                'constraints': [models.UniqueConstraint(fields=('version',), name='risk_signalpolicy_version_once'), models.CheckConstraint(condition=models.Q(('maker', models.F('checker')), _negated=True), name='risk_signalpolicy_maker_is_not_checker'), models.CheckConstraint(condition=models.Q(models.Q(('checked_at__isnull', True), ('checker', '')), models.Q(models.Q(('checker', ''), _negated=True), ('checked_at__isnull', False)), _connector='OR'), name='risk_signalpolicy_checked_by_someone'), django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('checker', ''), _negated=True), expressions=[('in_force', '&&')], name='risk_signalpolicy_one_in_force')],
            },
        ),
        migrations.CreateModel(
            name='SignalPolicyLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('kind', models.CharField(max_length=40)),
                ('conditions', models.JSONField(default=list)),
                ('result', models.JSONField(default=dict)),
                ('note', models.CharField(max_length=200)),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='risk.signalpolicy')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='SignalStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('CONFIRMED', '核实属实'), ('EXPLAINED', '排除'), ('ACTION', '确定措施'), ('DONE', '措施完成'), ('CLOSED', '关闭'), ('CURED', '逾期已还清'), ('ESCALATED', '并入更高级别'), ('REVISED', '报告更正'), ('SETTLED', '贷款结清')], max_length=10)),
                ('words', models.CharField(blank=True, max_length=200)),
                ('by', models.CharField(max_length=20)),
                ('at', models.DateTimeField()),
                ('business_date', models.DateField()),
                ('action', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='risk.signalaction')),
                ('signal', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='risk.signal')),
            ],
        ),
        migrations.AddIndex(
            model_name='signal',
            index=models.Index(fields=['loan', '-id'], name='signal_by_loan'),
        ),
        migrations.AddIndex(
            model_name='signal',
            index=models.Index(condition=models.Q(('closed_on__isnull', True)), fields=['answer_by', 'id'], name='signal_open'),
        ),
        migrations.AddIndex(
            model_name='signal',
            index=models.Index(fields=['-raised_on', '-id'], name='signal_by_day'),
        ),
        migrations.AddConstraint(
            model_name='signal',
            constraint=models.UniqueConstraint(fields=('loan', 'code', 'occasion'), name='signal_once_an_occasion'),
        ),
        migrations.AddConstraint(
            model_name='signal',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_on__isnull', True)), fields=('loan', 'family'), name='signal_one_open_a_family'),
        ),
        migrations.AddConstraint(
            model_name='signal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_on__isnull', False), ('state', 'CLOSED'), models.Q(('outcome', ''), _negated=True)), models.Q(models.Q(('state', 'CLOSED'), _negated=True), ('closed_on__isnull', True), ('outcome', '')), _connector='OR'), name='closed_signal_says_how'),
        ),
        migrations.AddConstraint(
            model_name='signal',
            constraint=models.CheckConstraint(condition=models.Q(('level__in', [1, 2, 3])), name='signal_has_a_level'),
        ),
        migrations.AddConstraint(
            model_name='signal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('report_id__isnull', False), ('source', 'VISIT')), models.Q(('source', 'VISIT'), _negated=True), _connector='OR'), name='signal_of_a_visit_names_its_report'),
        ),
        migrations.AddIndex(
            model_name='signalaction',
            index=models.Index(condition=models.Q(('done_on__isnull', True)), fields=['due_on'], name='signal_action_open'),
        ),
        migrations.AddConstraint(
            model_name='signalaction',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('done_by', ''), ('done_on__isnull', True), ('result', '')), models.Q(('done_on__isnull', False), models.Q(('done_by', ''), _negated=True), models.Q(('result', ''), _negated=True)), _connector='OR'), name='done_action_says_what_came_of_it'),
        ),
        migrations.AddConstraint(
            model_name='signalaction',
            constraint=models.CheckConstraint(condition=models.Q(('words', ''), _negated=True), name='action_says_what'),
        ),
        migrations.AddConstraint(
            model_name='signalpolicyline',
            constraint=models.UniqueConstraint(fields=('policy', 'number'), name='risk_signalpolicyline_number_once'),
        ),
        migrations.AddConstraint(
            model_name='signalstep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['CONFIRMED', 'EXPLAINED', 'CLOSED']), _negated=True), models.Q(('words', ''), _negated=True), _connector='OR'), name='answer_has_its_reason'),
        ),
        history_is_kept('risk_signalstep'),
        migrations.RunSQL(_KEPT, _UNDONE),
    ]
