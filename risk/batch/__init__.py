"""What risk makes agree by set: grades, and the warning signals that grades, arrears and valuations bring."""

from risk.batch.grading import regrade, regrade_cuts, regrade_evening
from risk.batch.installing import install_default_policy, install_score_policy, install_signal_policy
from risk.batch.signals import warn_of_values

__all__ = [
    "install_default_policy",
    "install_score_policy",
    "install_signal_policy",
    "regrade",
    "regrade_cuts",
    "regrade_evening",
    "warn_of_values",
]
