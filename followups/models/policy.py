"""Policy and checklist as versioned data."""

from django.db import models

from people.models import ApprovablePolicy, PolicyLineBase


class FollowUpPolicy(ApprovablePolicy):
    """When, how and why a loan is followed up (default: `rules.default_policy`)."""


class FollowUpPolicyLine(PolicyLineBase):
    policy = models.ForeignKey(FollowUpPolicy, on_delete=models.PROTECT, related_name="lines")


class Checklist(models.Model):
    """A version of the questions; a visit keeps the version it was made with."""

    version = models.PositiveIntegerField(unique=True)
    items = models.JSONField()
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"checklist v{self.version}"
