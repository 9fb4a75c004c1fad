"""Two more quality hints: a photo that looks like another loan's, a photo taken away from the home."""

from django.db import migrations, models

CODES = [
    ("QUICK", "作答过快"),
    ("LATE_HOUR", "深夜录入"),
    ("MONTH_END", "月末集中"),
    ("NO_RECORDING", "无录音"),
    ("LOOK_ALIKE", "文字雷同"),
    ("PHOTO_REUSED", "照片重复"),
    ("PHOTO_ALIKE", "照片相似"),
    ("PHOTO_FAR", "拍摄地点远"),
]


class Migration(migrations.Migration):
    dependencies = [("followups", "0102_promises")]

    operations = [
        migrations.AlterField(
            model_name="reporthint", name="code", field=models.CharField(choices=CODES, max_length=12)
        ),
        migrations.RemoveConstraint(model_name="reporthint", name="hint_is_a_known_one"),
        migrations.AddConstraint(
            model_name="reporthint",
            constraint=models.CheckConstraint(
                condition=models.Q(("code__in", [code for code, _label in CODES])), name="hint_is_a_known_one"
            ),
        ),
    ]
