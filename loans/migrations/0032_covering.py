"""Whose class is not that of its days past due is found without the rows."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0031_week_differs'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='position',
            name='position_class_since',
        ),
        migrations.AddIndex(
            model_name='position',
            index=models.Index(condition=models.Q(('overdue_since__isnull', False), models.Q(('five_class', 'PASS'), _negated=True), _connector='OR'), fields=['five_class', 'overdue_since'], include=('loan', 'class_floor'), name='position_class_since'),
        ),
    ]
