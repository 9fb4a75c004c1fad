"""Visits to developments and the loans they are for; a visit may look at a development."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('followups', '0090_references'),
        ('loans', '0027_overdue_of_a_class'),
        ('people', '0011_certificates_entered'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='visittask',
            name='subject',
            field=models.CharField(choices=[('LOAN', '借款人和押品'), ('PROPERTY', '仅押品'), ('PROJECT', '楼盘')], db_default='LOAN', default='LOAN', max_length=8),
        ),
        migrations.CreateModel(
            name='ProjectVisit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('estate', models.CharField(max_length=200)),
                ('reason', models.CharField(max_length=300)),
                ('at', models.DateTimeField()),
                ('business_date', models.DateField()),
                ('branch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.branch')),
                ('lead', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='project', to='followups.visittask')),
                ('started_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='ProjectLoan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_shared', models.BooleanField(null=True)),
                ('loan', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loans.loan')),
                ('task', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='in_projects', to='followups.visittask')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='loans', to='followups.projectvisit')),
            ],
        ),
        migrations.AddConstraint(
            model_name='projectvisit',
            constraint=models.CheckConstraint(condition=models.Q(('estate', ''), _negated=True), name='project_has_a_name'),
        ),
        migrations.AddIndex(
            model_name='projectloan',
            index=models.Index(fields=['loan'], name='project_by_loan'),
        ),
        migrations.AddConstraint(
            model_name='projectloan',
            constraint=models.UniqueConstraint(fields=('project', 'loan'), name='loan_once_a_project'),
        ),
        migrations.AddConstraint(
            model_name='projectloan',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('is_shared', True), _negated=True), ('task__isnull', False), _connector='OR'), name='shared_finding_closed_a_task'),
        ),
    ]
