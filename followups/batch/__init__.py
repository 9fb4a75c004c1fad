"""What runs over many follow-ups at once: planning, off-site checks, and beside them events, assignment and notices."""

from followups.batch.in_force import NoPolicyInForce, PolicyInForce, policy_in_force
from followups.batch.installing import install_default_policy
from followups.batch.planning import (
    OFF_SITE_WORKDAYS_AHEAD,
    Case,
    Day,
    case_of,
    cases_of,
    off_site_cuts,
    planning_day,
    replan,
    replan_cuts,
    replan_evening,
    reports_asked,
    run_off_site,
)

__all__ = [
    "OFF_SITE_WORKDAYS_AHEAD",
    "Case",
    "Day",
    "NoPolicyInForce",
    "PolicyInForce",
    "case_of",
    "cases_of",
    "install_default_policy",
    "off_site_cuts",
    "planning_day",
    "policy_in_force",
    "replan",
    "replan_cuts",
    "replan_evening",
    "reports_asked",
    "run_off_site",
]
