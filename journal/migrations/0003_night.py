"""Chunks of day end as rows that any worker claims, and nights as rows that stay when Celery forgets."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("journal", "0002_statistics"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="loans",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.CreateModel(
            name="Chunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("business_date", models.DateField()),
                ("stage", models.CharField(max_length=40)),
                ("number", models.PositiveIntegerField()),
                ("after", models.BigIntegerField()),
                ("up_to", models.BigIntegerField(null=True)),
                ("loans", models.PositiveIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("business_date", "stage", "number"), name="chunk_planned_once_a_date"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("up_to__gt", models.F("after"))), name="chunk_holds_loans"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Night",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("business_date", models.DateField(unique=True)),
                ("through", models.DateField()),
                ("asked_at", models.DateTimeField()),
                ("failures", models.PositiveIntegerField(db_default=0, default=0)),
                ("failed_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, db_default="")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("through__gte", models.F("business_date"))), name="night_looks_ahead"
                    )
                ],
            },
        ),
    ]
