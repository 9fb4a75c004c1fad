"""Who belongs together: spouse and co-borrower, told once for both."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0011_certificates_entered'),
    ]

    operations = [
        migrations.CreateModel(
            name='PartyRelation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('SPOUSE', '配偶'), ('CO_BORROWER', '共同借款人')], max_length=12)),
                ('known_on', models.DateField()),
                ('ended_on', models.DateField(null=True)),
                ('at', models.DateTimeField()),
                ('entered_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('other', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='relations_of_others', to='people.party')),
                ('party', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='relations', to='people.party')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('party__lt', models.F('other'))), name='relation_is_of_two'), models.UniqueConstraint(condition=models.Q(('ended_on__isnull', True)), fields=('party', 'other', 'kind'), name='relation_open_once'), models.CheckConstraint(condition=models.Q(('ended_on__isnull', True), ('ended_on__gte', models.F('known_on')), _connector='OR'), name='relation_ends_after_it_began'), models.CheckConstraint(condition=models.Q(('kind__in', ['SPOUSE', 'CO_BORROWER'])), name='relation_of_a_known_kind')],
            },
        ),
    ]
