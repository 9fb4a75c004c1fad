"""Values of an area moved by an index: proposed by one, applied by another, once a district and day."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('collateral', '0091_recent_valuations'),
    ]

    operations = [
        migrations.CreateModel(
            name='AreaRevaluation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('district', models.CharField(max_length=40)),
                ('change_percent', models.DecimalField(decimal_places=2, max_digits=5)),
                ('valued_on', models.DateField()),
                ('source', models.CharField(max_length=120)),
                ('maker', models.CharField(max_length=20)),
                ('made_at', models.DateTimeField()),
                ('checker', models.CharField(blank=True, db_default='', default='', max_length=20)),
                ('decided_at', models.DateTimeField(null=True)),
                ('is_applied', models.BooleanField(db_default=False, default=False)),
                ('note', models.CharField(blank=True, db_default='', default='', max_length=200)),
                ('counts', models.JSONField(default=dict)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('is_applied', True)), fields=['district', 'valued_on'], name='area_applied')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('decided_at__isnull', True)), fields=('district',), name='area_waits_once'), models.UniqueConstraint(condition=models.Q(('is_applied', True)), fields=('district', 'valued_on'), name='area_once_a_day'), models.CheckConstraint(condition=models.Q(('change_percent__gte', -90), ('change_percent__lte', 100), models.Q(('change_percent', 0), _negated=True)), name='area_changes_within_bounds'), models.CheckConstraint(condition=models.Q(('maker', models.F('checker')), _negated=True), name='area_is_decided_by_another'), models.CheckConstraint(condition=models.Q(models.Q(('checker', ''), ('decided_at__isnull', True), ('is_applied', False)), models.Q(models.Q(('checker', ''), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='decided_area_says_by_whom')],
            },
        ),
    ]
