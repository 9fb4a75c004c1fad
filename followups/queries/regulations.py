"""Reads of the register: items with what follows from each, and the plans that a policy made because of it changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from followups.models.policy import FollowUpPolicy, PolicyRun, PolicyRunState
from followups.models.regulations import Regulation, RegulationParameter, RegulationPolicy
from loans.models import Parameter
from people.models import Staff

MOST = 200


@dataclass(frozen=True)
class ParameterChange:
    """A parameter that follows from a regulation: what it was on the day before, and what it is from the day on."""

    parameter: RegulationParameter
    before: Any


@dataclass(frozen=True)
class PolicyImpact:
    """A version that follows from a regulation, with the newest dry run: how many plans change, and which."""

    policy: FollowUpPolicy
    lines: tuple[int, ...]
    run: PolicyRun | None

    @property
    def changes(self) -> dict[str, int]:
        """Loans whose next visit changes, by the kind of change."""
        found: dict[str, int] = self.run.summary.get("changes", {}) if self.run else {}
        return found

    @property
    def changed(self) -> int:
        return sum(self.changes.values())


def register() -> Sequence[Regulation]:
    """The register, the newest effective first."""
    return list(Regulation.objects.select_related("replaces").order_by("-effective_on", "-id")[:MOST])


def parameter_changes(regulation: Regulation) -> list[ParameterChange]:
    """Parameters that follow from it, each beside the value that stood the day before."""
    rows = list(regulation.parameters.order_by("id"))
    known = Parameter.objects.filter(code__in=[row.code for row in rows]).order_by("in_force")
    periods = [(one.code, one.in_force, one.value) for one in known]
    return [ParameterChange(row, _before(row, periods)) for row in rows]


def _before(row: RegulationParameter, periods: Sequence[tuple[str, Any, Any]]) -> Any:
    held = [
        value for code, period, value in periods
        if code == row.code and (period.lower is None or period.lower < row.from_on)
    ]  # fmt: skip
    return held[-1] if held else None


def policy_impacts(regulation: Regulation) -> list[PolicyImpact]:
    """Versions that follow from it with their newest finished dry run: three statements."""
    links: dict[int, list[RegulationPolicy]] = {}
    for link in regulation.policies.select_related("policy").order_by("id"):
        links.setdefault(link.policy_id, []).append(link)
    runs: dict[int, PolicyRun] = {}
    for run in PolicyRun.objects.filter(policy__in=links, state=PolicyRunState.DONE).order_by("id"):
        runs[run.policy_id] = run
    return [
        PolicyImpact(
            found[0].policy,
            tuple(sorted(link.line_number for link in found if link.line_number is not None)),
            runs.get(policy_id),
        )
        for policy_id, found in links.items()
    ]


def names_of(regulation: Regulation) -> dict[str, str]:
    """Staff number → name of who entered and who decided."""
    numbers = {regulation.maker, regulation.checker}
    return dict(Staff.objects.filter(staff_no__in=numbers).values_list("staff_no", "name"))
