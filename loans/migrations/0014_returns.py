"""Unmatched money goes back by two persons' word; a repricing is previewed in chunks before it is proposed."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# An approved return stands before its receipt is RETURNED; what was returned before there were returns stays.
RETURNED = """
CREATE FUNCTION refuse_unapproved_return() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM loans_moneyreturn WHERE receipt_id = NEW.id AND state = 'APPROVED') THEN
        RAISE EXCEPTION 'receipt % goes back without an approved return', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'returned_receipt_was_approved';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER returned_receipt_was_approved AFTER UPDATE OF state ON loans_receipt FOR EACH ROW
    WHEN (NEW.state = 'RETURNED' AND OLD.state <> 'RETURNED') EXECUTE FUNCTION refuse_unapproved_return();

CREATE FUNCTION refuse_changed_return() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state = 'PROPOSED'
       AND to_jsonb(OLD) - ARRAY['state', 'decided_by_id', 'decided_at', 'decision_note']
           = to_jsonb(NEW) - ARRAY['state', 'decided_by_id', 'decided_at', 'decision_note'] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of return % is refused: it is decided, or something else than its decision changes', TG_OP, OLD.id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'return_is_kept';
END $$;
CREATE TRIGGER return_is_kept BEFORE UPDATE OR DELETE ON loans_moneyreturn
    FOR EACH ROW EXECUTE FUNCTION refuse_changed_return();
"""
NO_RETURNED = """
DROP FUNCTION refuse_unapproved_return() CASCADE;
DROP FUNCTION refuse_changed_return() CASCADE;
"""
# While it is previewed only a run's progress changes; then it is as before: decided once, an approved one stopped.
PREVIEWED = """
CREATE OR REPLACE FUNCTION refuse_changed_repricing_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (
        OLD.state = 'PREVIEWING' AND NEW.state IN ('PREVIEWING', 'PROPOSED', 'CANCELLED', 'FAILED')
        AND (OLD.id, OLD.from_on, OLD.to_on, OLD.proposed_by_id, OLD.proposed_at)
            = (NEW.id, NEW.from_on, NEW.to_on, NEW.proposed_by_id, NEW.proposed_at)
        OR (OLD.state = 'PROPOSED' OR OLD.state = 'APPROVED' AND NEW.state = 'CANCELLED')
        AND to_jsonb(OLD) - ARRAY['state', 'decided_by_id', 'decided_at', 'decision_note']
            = to_jsonb(NEW) - ARRAY['state', 'decided_by_id', 'decided_at', 'decision_note']
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of repricing run % is refused: it is decided, or something else than its decision changes', TG_OP,
        OLD.id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'repricing_run_is_kept';
END $$;
"""
PREVIEWED_AT_ONCE = PREVIEWED.replace(
    """OLD.state = 'PREVIEWING' AND NEW.state IN ('PREVIEWING', 'PROPOSED', 'CANCELLED', 'FAILED')
        AND (OLD.id, OLD.from_on, OLD.to_on, OLD.proposed_by_id, OLD.proposed_at)
            = (NEW.id, NEW.from_on, NEW.to_on, NEW.proposed_by_id, NEW.proposed_at)
""",
    "OLD.content_sha256 = '' AND NEW.state = 'PROPOSED'\n",
)


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0013_changes_ended_by'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='MoneyReturn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=200)),
                ('state', models.CharField(choices=[('PROPOSED', '待复核'), ('APPROVED', '已退回'), ('REJECTED', '已驳回')], default='PROPOSED', max_length=10)),
                ('proposed_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(null=True)),
                ('decision_note', models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='repricingrun',
            name='decided_repricing_has_its_checker',
        ),
        migrations.AddField(
            model_name='repricingrun',
            name='failure',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AddField(
            model_name='repricingrun',
            name='failures',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repricingrun',
            name='previewed',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repricingrun',
            name='previewed_up_to',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='repricingrun',
            name='to_preview',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name='repricingrun',
            name='state',
            field=models.CharField(choices=[('PREVIEWING', '试算中'), ('PROPOSED', '待审批'), ('APPROVED', '已批准'), ('REJECTED', '已驳回'), ('CANCELLED', '已撤回'), ('FAILED', '试算未成')], default='PROPOSED', max_length=10),
        ),
        migrations.AddConstraint(
            model_name='repricingrun',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_by__isnull', True), ('state__in', ('PREVIEWING', 'PROPOSED', 'FAILED'))), models.Q(models.Q(('state__in', ('PREVIEWING', 'PROPOSED', 'FAILED')), _negated=True), ('decided_by__isnull', False)), _connector='OR'), name='decided_repricing_has_its_checker'),
        ),
        migrations.AddConstraint(
            model_name='repricingrun',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'PREVIEWING')), fields=('state',), name='one_repricing_preview_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='repricingrun',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('PROPOSED', 'APPROVED', 'REJECTED')), _negated=True), models.Q(('content_sha256', ''), _negated=True), _connector='OR'), name='proposed_repricing_was_previewed'),
        ),
        migrations.AddConstraint(
            model_name='repricingrun',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'FAILED'), models.Q(('failure', ''), _negated=True)), models.Q(models.Q(('state', 'FAILED'), _negated=True), ('failure', '')), _connector='OR'), name='failed_repricing_says_why'),
        ),
        migrations.AddField(
            model_name='moneyreturn',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='moneyreturn',
            name='proposed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='moneyreturn',
            name='receipt',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='returns', to='loans.receipt'),
        ),
        migrations.AddConstraint(
            model_name='moneyreturn',
            constraint=models.CheckConstraint(condition=models.Q(('decided_by__isnull', True), models.Q(('decided_by', models.F('proposed_by')), _negated=True), _connector='OR'), name='return_maker_is_not_checker'),
        ),
        migrations.AddConstraint(
            model_name='moneyreturn',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True), ('state', 'PROPOSED')), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), ('state__in', ('APPROVED', 'REJECTED'))), _connector='OR'), name='decided_return_has_its_checker'),
        ),
        migrations.AddConstraint(
            model_name='moneyreturn',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('PROPOSED', 'APPROVED'))), fields=('receipt',), name='one_return_a_receipt'),
        ),
        migrations.RunSQL(RETURNED, NO_RETURNED),
        migrations.RunSQL(PREVIEWED, PREVIEWED_AT_ONCE),
    ]
