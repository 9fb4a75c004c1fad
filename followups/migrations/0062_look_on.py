"""On which evening a follow-up is looked at next for what people are told of; and what nobody has, by an index."""

from datetime import date

from django.db import migrations, models
from django.db.models import Q

# A task that changes in what notices depend on is looked at again the same evening.
_AGAIN = """
CREATE FUNCTION task_is_looked_at_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.look_on := '1970-01-01';
    RETURN NEW;
END $$;
CREATE TRIGGER task_is_looked_at_again BEFORE UPDATE ON followups_visittask FOR EACH ROW
WHEN (OLD.look_on = NEW.look_on AND OLD.look_on <> '1970-01-01'
      AND (OLD.due_on, OLD.opens_on, OLD.level, OLD.assigned_to_id, OLD.paused_until, OLD.state = 'SUBMITTED')
          IS DISTINCT FROM
          (NEW.due_on, NEW.opens_on, NEW.level, NEW.assigned_to_id, NEW.paused_until, NEW.state = 'SUBMITTED'))
EXECUTE FUNCTION task_is_looked_at_again();
"""
_NO_MORE = """
DROP TRIGGER task_is_looked_at_again ON followups_visittask;
DROP FUNCTION task_is_looked_at_again();
"""
_OPEN = Q(closed_on__isnull=True, is_light=False) & (~Q(method="OFF_SITE") | Q(evidence__isnull=False))


class Migration(migrations.Migration):
    dependencies = [("followups", "0061_outcomes")]

    operations = [
        migrations.AddField(
            "visittask",
            "look_on",
            models.DateField(default=date(1970, 1, 1), db_default=date(1970, 1, 1), editable=False),
        ),
        migrations.AddIndex(
            "visittask",
            models.Index(
                fields=["look_on"], include=["branch"], name="task_to_tell", condition=_OPEN & ~Q(state="SUBMITTED")
            ),
        ),
        migrations.AddIndex(
            "visittask",
            models.Index(
                fields=["due_on"],
                include=["branch"],
                name="task_to_give",
                condition=_OPEN
                & Q(state="PLANNED")
                & (Q(assigned_to__isnull=True) | Q(proposed_second__isnull=True) & (Q(method="FIELD") | Q(level=1))),
            ),
        ),
        migrations.RunSQL(_AGAIN, _NO_MORE),
    ]
