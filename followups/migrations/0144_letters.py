"""Letters to borrowers with their kept PDF, and every delivery of them, both append-only."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from journal.history import history_is_kept


class Migration(migrations.Migration):

    dependencies = [
        ('followups', '0144_line_choices'),
        ('journal', '0003_night'),
        ('loans', '0030_day_product'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Letter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('NOTICE', '回访告知书'), ('RECTIFY', '限期整改通知书'), ('DEMAND', '逾期催收通知书')], max_length=8)),
                ('answer_by', models.DateField()),
                ('total', models.DecimalField(decimal_places=2, max_digits=15, null=True)),
                ('content', models.JSONField()),
                ('content_sha256', models.CharField(max_length=64)),
                ('made_at', models.DateTimeField()),
                ('business_date', models.DateField()),
                ('loan', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='letters', to='loans.loan')),
                ('made_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('measure', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='letters', to='followups.measure')),
                ('pdf', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='journal.exhibit')),
                ('task', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='letters', to='followups.visittask')),
            ],
        ),
        migrations.CreateModel(
            name='LetterDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('way', models.CharField(blank=True, choices=[('IN_PERSON', '当面送达'), ('MAIL', '邮寄签收'), ('LEFT', '留置送达'), ('REFUSED', '拒收'), ('RETURNED', '邮件退回')], max_length=10)),
                ('delivered_on', models.DateField(null=True)),
                ('received_by', models.CharField(blank=True, choices=[('BORROWER', '借款人本人'), ('AGENT', '受托代理人')], max_length=8)),
                ('witnesses', models.CharField(blank=True, max_length=60)),
                ('words', models.CharField(blank=True, max_length=300)),
                ('at', models.DateTimeField()),
                ('business_date', models.DateField()),
                ('by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('letter', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='followups.letter')),
                ('undoes', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='undone_by', to='followups.letterdelivery')),
            ],
        ),
        migrations.AddIndex(
            model_name='letter',
            index=models.Index(fields=['loan', '-id'], name='letter_by_loan'),
        ),
        migrations.AddConstraint(
            model_name='letter',
            constraint=models.UniqueConstraint(fields=('loan', 'kind', 'task', 'measure', 'business_date', 'content_sha256'), name='letter_once_a_day_and_content', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='letter',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'NOTICE'), ('measure__isnull', True), ('task__isnull', False), ('total__isnull', True)), models.Q(('kind', 'RECTIFY'), ('measure__isnull', False), ('task__isnull', True), ('total__isnull', True)), models.Q(('kind', 'DEMAND'), ('measure__isnull', True), ('task__isnull', True), ('total__gt', 0), ('total__isnull', False)), _connector='OR'), name='letter_has_its_cause'),
        ),
        migrations.AddConstraint(
            model_name='letter',
            constraint=models.CheckConstraint(condition=models.Q(('answer_by__gte', models.F('business_date'))), name='letter_asks_for_later'),
        ),
        migrations.AddIndex(
            model_name='letterdelivery',
            index=models.Index(fields=['letter', 'id'], name='delivery_by_letter'),
        ),
        migrations.AddConstraint(
            model_name='letterdelivery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('delivered_on__isnull', False), ('delivered_on__lte', models.F('business_date')), ('undoes__isnull', True), ('way__in', ['IN_PERSON', 'MAIL', 'LEFT', 'REFUSED', 'RETURNED'])), models.Q(('delivered_on__isnull', True), ('received_by', ''), ('undoes__isnull', False), ('way', ''), ('witnesses', ''), models.Q(('words', ''), _negated=True)), _connector='OR'), name='delivery_says_how_and_when'),
        ),
        migrations.AddConstraint(
            model_name='letterdelivery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('way__in', ('IN_PERSON', 'MAIL')), models.Q(('received_by', ''), _negated=True)), models.Q(models.Q(('way__in', ('IN_PERSON', 'MAIL')), _negated=True), ('received_by', '')), _connector='OR'), name='delivery_names_its_receiver'),
        ),
        migrations.AddConstraint(
            model_name='letterdelivery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('way__in', ('LEFT', 'REFUSED')), models.Q(('witnesses', ''), _negated=True)), models.Q(models.Q(('way__in', ('LEFT', 'REFUSED')), _negated=True), ('witnesses', '')), _connector='OR'), name='delivery_names_its_witnesses'),
        ),
        history_is_kept("followups_letter"),
        history_is_kept("followups_letterdelivery"),
    ]
