"""Which question of its visit a file proves, append-only."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from journal.history import history_is_kept


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0151_letters_withdrawn"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AttachmentProof",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("item", models.CharField(blank=True, max_length=40)),
                ("at", models.DateTimeField()),
                (
                    "attachment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proofs",
                        to="followups.visitattachment",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["attachment", "-id"], name="proof_by_attachment")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("item__regex", "^[a-z0-9_]{0,40}$")), name="proof_names_an_item"
                    )
                ],
            },
        ),
        history_is_kept("followups_attachmentproof"),
    ]
