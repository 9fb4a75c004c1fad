"""An officer's visits by their limits in an index; keys that another index begins with lose their own."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('followups', '0190_late_steps'),
    ]

    operations = [
        migrations.AlterField(
            model_name='event',
            name='customer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='people.party'),
        ),
        migrations.AlterField(
            model_name='event',
            name='loan',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='loans.loan'),
        ),
        migrations.AlterField(
            model_name='eventvisit',
            name='event',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='visits', to='followups.event'),
        ),
        migrations.AlterField(
            model_name='taskevent',
            name='task',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='followups.visittask'),
        ),
        migrations.AlterField(
            model_name='visittask',
            name='loan',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='tasks', to='loans.loan'),
        ),
        migrations.AddIndex(
            model_name='visittask',
            index=models.Index(condition=models.Q(('closed_on__isnull', True), ('is_light', False), models.Q(models.Q(('method', 'OFF_SITE'), _negated=True), ('evidence__isnull', False), _connector='OR')), fields=['assigned_to', 'due_on'], name='task_of_officer'),
        ),
    ]
