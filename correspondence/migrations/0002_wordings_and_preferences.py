"""Wordings that are proposed and decided, what borrowers do not want, and reminders found by day and loan."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The words of a version never change, and the hash that a second person approved is theirs; a preference is ended only.
KEEP = """
CREATE FUNCTION wording_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a wording is never taken out' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.content_sha256 <> encode(sha256(convert_to(concat_ws(E'\\n', NEW.kind, NEW.channel,
            to_char(lower(NEW.in_force), 'YYYY-MM-DD'), NEW.text), 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'wording_is_its_hash: the hash is of other words' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND ((NEW.version, NEW.content_sha256, NEW.maker, NEW.made_at, NEW.purpose)
            IS DISTINCT FROM (OLD.version, OLD.content_sha256, OLD.maker, OLD.made_at, OLD.purpose)
            OR OLD.ended_at IS NOT NULL OR OLD.checker <> '' AND
            (NEW.checker, NEW.checked_at, NEW.remark) IS DISTINCT FROM (OLD.checker, OLD.checked_at, OLD.remark)) THEN
        RAISE EXCEPTION 'wording_is_kept: the words of a version never change' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER wording_is_kept BEFORE INSERT OR UPDATE OR DELETE ON correspondence_template
    FOR EACH ROW EXECUTE FUNCTION wording_is_kept();
CREATE FUNCTION contact_preference_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL OR
            (NEW.id, NEW.party_id, NEW.channel, NEW.ground, NEW.heard, NEW.reason, NEW.business_date,
             NEW.recorded_by_id, NEW.recorded_at) IS DISTINCT FROM
            (OLD.id, OLD.party_id, OLD.channel, OLD.ground, OLD.heard, OLD.reason, OLD.business_date,
             OLD.recorded_by_id, OLD.recorded_at) THEN
        RAISE EXCEPTION 'contact_preference_is_kept: a preference is ended only' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contact_preference_is_kept BEFORE UPDATE OR DELETE ON correspondence_contactpreference
    FOR EACH ROW EXECUTE FUNCTION contact_preference_is_kept();
"""
DROP = """
DROP TRIGGER wording_is_kept ON correspondence_template;
DROP FUNCTION wording_is_kept();
DROP TRIGGER contact_preference_is_kept ON correspondence_contactpreference;
DROP FUNCTION contact_preference_is_kept();
"""
# The hash speaks of kind, channel and first day too.
HASHES = """
UPDATE correspondence_template SET content_sha256 = encode(sha256(convert_to(concat_ws(E'\\n', kind, channel,
    to_char(lower(in_force), 'YYYY-MM-DD'), text), 'UTF8')), 'hex')
"""
HASHES_BACK = """
UPDATE correspondence_template SET content_sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex')
"""
CHANNELS = [("SMS", "短信")]
HEARD = [("COUNTER", "柜面"), ("PHONE", "电话"), ("VISIT", "回访"), ("WRITTEN", "书面"), ("REPLY", "短信回复")]
GROUNDS = [("ASKED", "借款人要求"), ("NOT_THEIRS", "号码不是本人的"), ("DECEASED", "借款人身故")]
REASONS = [
    ("PAID", "已还清逾期"), ("PARTLY_PAID", "最早一期已还"), ("CHANGED", "还款日已变"),
    ("ENDED", "贷款已结清、提前到期或核销"), ("UNWANTED", "借款人不再接收"), ("BY_PERSON", "人工取消"),
]  # fmt: skip
PLACES = ["COUNTER", "PHONE", "VISIT", "WRITTEN", "REPLY"]


def words(**more: object) -> models.CharField:
    return models.CharField(blank=True, db_default="", default="", **{"max_length": 200, **more})


def person(**more: object) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL,
        **more,
    )  # fmt: skip


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("people", "0010_leave"),
        ("loans", "0023_chunks_read_their_part"),
        ("correspondence", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(HASHES, HASHES_BACK),
        migrations.AddField("template", "purpose", words()),
        migrations.AddField("template", "remark", words()),
        migrations.AddField("template", "ended_by", words(max_length=20)),
        migrations.AddField("template", "ended_at", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "template",
            models.UniqueConstraint(
                condition=models.Q(("checker", ""), ("ended_at__isnull", True)), fields=("kind", "channel"),
                name="template_one_waits",
            ),
        ),
        migrations.AddConstraint(
            "template",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("ended_by", "")),
                    models.Q(
                        models.Q(("ended_by", ""), _negated=True), ("checker", ""), ("ended_at__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="template_in_force_stays",
            ),
        ),
        migrations.AlterField("message", "reason", words(choices=REASONS, max_length=20)),
        migrations.RemoveIndex("message", "message_overdue_waiting"),
        migrations.AddIndex(
            "message",
            models.Index(
                condition=models.Q(("kind", "OVERDUE"), ("state", "WAITING")), fields=["expires_on", "loan"],
                name="message_overdue_waiting",
            ),
        ),
        migrations.CreateModel(
            "ContactPreference",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(choices=CHANNELS, max_length=10)),
                ("ground", models.CharField(choices=GROUNDS, max_length=10)),
                ("heard", models.CharField(choices=HEARD, max_length=10)),
                ("reason", models.CharField(max_length=200)),
                ("business_date", models.DateField()),
                ("recorded_at", models.DateTimeField()),
                ("ended_on", models.DateField(null=True)),
                ("ended_heard", words(choices=HEARD, max_length=10)),
                ("ended_reason", words()),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", person(null=True)),
                (
                    "party",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="contact_preferences",
                        to="people.party",
                    ),
                ),
                ("recorded_by", person()),
            ],
            {
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at__isnull", True)), fields=["business_date"],
                        name="contact_preference_new",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)), fields=("party", "channel"),
                        name="contact_preference_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason", ""), _negated=True),
                            ("ground__in", [code for code, _label in GROUNDS]),
                            ("heard__in", PLACES),
                        ),
                        name="contact_preference_says_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at__isnull", True), ("ended_by__isnull", True), ("ended_heard", ""),
                                ("ended_on__isnull", True), ("ended_reason", ""),
                            ),
                            models.Q(
                                ("ended_at__isnull", False), ("ended_by__isnull", False), ("ended_on__isnull", False),
                                ("ended_heard__in", PLACES),
                                models.Q(("ended_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="ended_contact_preference_says_why",
                    ),
                ],
            },
        ),
        migrations.RunSQL(KEEP, DROP),
    ]
