"""What risk makes agree by set: grades, and the warning signals that grades, arrears and valuations bring."""

from risk.batch.grading import install_default_policy, regrade, regrade_cuts, regrade_evening
from risk.batch.signals import install_signal_policy, warn_of_values

__all__ = [
    "install_default_policy",
    "install_signal_policy",
    "regrade",
    "regrade_cuts",
    "regrade_evening",
    "warn_of_values",
]
