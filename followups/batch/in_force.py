"""The follow-up policy of a day as the planner reads it: its lines, and what they make it look at."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from followups.models import FollowUpPolicyLine
from followups.rules import default_policy
from people.rules.policy import Line, line_from

_FOREVER = 36_500


class NoPolicyInForce(LookupError):
    """No approved follow-up policy covers the day."""


@dataclass(frozen=True)
class PolicyInForce:
    """The approved policy of a day, read."""

    version: int
    lines: tuple[Line, ...]
    from_on: date

    def asks(self, *facts: str) -> bool:
        """Does any line name one of these facts?"""
        return any(condition.fact in facts for line in self.lines for condition in line.conditions)

    def steps(self) -> list[dict[str, Any]]:
        """The steps of arrears as bands of days past due, each with the rules that answer it or more."""
        found: dict[str, int] = {}
        for line in self.lines:
            if line.kind == default_policy.OVERDUE:
                found[line.result["rule"]] = max(found.get(line.result["rule"], 0), int(line.result["from_day"]))
        ordered = sorted(found.items(), key=lambda step: step[1])
        ends = [day - 1 for _rule, day in ordered[1:]] + [_FOREVER]
        return [
            {"from_day": day, "until_day": end, "rules": [rule for rule, _day in ordered[index:]]}
            for index, ((_rule, day), end) in enumerate(zip(ordered, ends, strict=True))
        ]

    def roles(self) -> set[str]:
        """Roles that lines ask for."""
        return {str(line.result["role"]) for line in self.lines if line.result.get("role")}

    def limits(self) -> list[int]:
        """Days past due from which on a line that is no step of arrears holds, or does not any more."""
        asked = [
            condition
            for line in self.lines
            for condition in line.conditions
            if line.kind != default_policy.OVERDUE and condition.fact == "days_past_due" and condition.value is not None
        ]
        days = {int(each.value) for each in asked if each.op not in (">", "<=")}
        return sorted(days | {int(each.value) + 1 for each in asked if each.op not in (">=", "<")})


def policy_in_force(as_of: date) -> PolicyInForce:
    """The approved policy of the day; NoPolicyInForce when there is none."""
    in_force = FollowUpPolicyLine.objects.exclude(policy__checker="").filter(policy__in_force__contains=as_of)
    rows = list(in_force.select_related("policy").order_by("number"))
    if not rows:
        raise NoPolicyInForce(f"no follow-up policy is in force on {as_of}")
    policy = rows[0].policy
    lines = tuple(line_from(row.number, row.kind, row.conditions, row.result, row.note) for row in rows)
    return PolicyInForce(policy.version, lines, policy.in_force.lower or date.min)
