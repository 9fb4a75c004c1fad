"""Reads of risk: the grade in force, the policy in force."""

from collections.abc import Sequence
from datetime import date

from people.rules.policy import Line, line_from
from risk.models import Grade, GradePolicy


def grade_of(loan_id: int) -> Grade | None:
    """The grade in force of a loan; None before the first grading."""
    return Grade.objects.filter(loan_id=loan_id, superseded_on__isnull=True).first()


def version_in_force(on: date) -> int:
    """The version of the grade policy in force on a day; GradePolicy.DoesNotExist when none is."""
    return GradePolicy.objects.exclude(checker="").values_list("version", flat=True).get(in_force__contains=on)


def policy_in_force(on: date) -> tuple[int, Sequence[Line]]:
    """Version and lines of the grade policy in force on a day; GradePolicy.DoesNotExist when none is."""
    policy = GradePolicy.objects.exclude(checker="").get(in_force__contains=on)
    lines = [
        line_from(line.number, line.kind, line.conditions, line.result, line.note)
        for line in policy.lines.order_by("number")
    ]
    return policy.version, lines
