"""How reports were made: the score with its lines."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('followups', '0140_told_results'),
    ]

    operations = [
        migrations.CreateModel(
            name='ReportQuality',
            fields=[
                ('report', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='quality', serialize=False, to='followups.visitreport')),
                ('score', models.PositiveSmallIntegerField()),
                ('rule_version', models.PositiveSmallIntegerField()),
                ('lines', models.JSONField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('score__lte', 100)), name='quality_is_of_a_hundred'), models.CheckConstraint(condition=models.Q(('rule_version__gte', 1)), name='quality_names_its_rule')],
            },
        ),
    ]
