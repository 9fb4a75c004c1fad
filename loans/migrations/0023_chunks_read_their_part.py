"""What is due and what waits is found by day and loan, so that a chunk of an evening reads its own part only."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0022_accrual'),
    ]

    operations = [
        migrations.RemoveIndex(model_name='position', name='position_due'),
        migrations.AddIndex(
            model_name='position',
            index=models.Index(
                fields=['next_due_on', 'loan'], name='position_due', condition=Q(next_due_on__isnull=False)
            ),
        ),
        migrations.RemoveIndex(model_name='receipt', name='receipt_waiting'),
        migrations.AddIndex(
            model_name='receipt',
            index=models.Index(fields=['loan', 'value_on'], name='receipt_waiting', condition=Q(state='WAITING')),
        ),
    ]
