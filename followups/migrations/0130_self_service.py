"""自助填报: a visit may be made by the borrower's own answers; its code is longer than the others."""

from django.db import migrations, models

METHODS = [
    ("OFF_SITE", "非现场检查"),
    ("PHONE", "电话回访"),
    ("FIELD", "实地走访"),
    ("VIDEO", "视频回访"),
    ("COUNTER", "网点面谈"),
    ("SELF_SERVICE", "自助填报"),
]


class Migration(migrations.Migration):
    dependencies = [("followups", "0120_photo_hints")]

    operations = [
        migrations.AlterField(
            model_name=model, name="method", field=models.CharField(choices=METHODS, max_length=12)
        )
        for model in ("visittask", "visit", "visitattempt")
    ]
