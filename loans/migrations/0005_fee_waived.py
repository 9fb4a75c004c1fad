from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0004_contract'),
    ]

    operations = [
        migrations.AddField(
            model_name='fee',
            name='waived',
            field=models.DecimalField(db_default=0, decimal_places=2, default=0, max_digits=15),
        ),
        migrations.RemoveConstraint(model_name='fee', name='settled_fee_is_paid'),
        migrations.AddConstraint(
            model_name='fee',
            constraint=models.CheckConstraint(condition=models.Q(('settled_on__isnull', True), ('paid', models.F('amount') - models.F('waived')), _connector='OR'), name='settled_fee_is_paid'),
        ),
        migrations.AddConstraint(
            model_name='fee',
            constraint=models.CheckConstraint(condition=models.Q(('waived__gte', 0), ('waived__lte', models.F('amount') - models.F('paid'))), name='fee_waived_within_rest'),
        ),
        migrations.AddConstraint(
            model_name='fee',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('waived', 0), ('waived_on__isnull', True)), models.Q(('waived__gt', 0), ('waived_on__isnull', False)), _connector='OR'), name='waived_fee_has_its_day'),
        ),
    ]
