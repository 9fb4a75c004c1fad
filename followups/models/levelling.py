"""Which branches' weeks were levelled, and with what known: an evening looks again where something happened since."""

from django.db import models

from people.models import Branch


class LevelledBranch(models.Model):
    """A note of the machine about its own work; without it the branch's weeks are looked at again."""

    branch = models.OneToOneField(Branch, on_delete=models.PROTECT, primary_key=True, related_name="+")
    # The last event of a task that had been written when the weeks were looked at.
    events_until = models.BigIntegerField()
    # The week that ran, and ceiling, reserve and gap, with which they were.
    monday = models.DateField()
    rule = models.CharField(max_length=40)
