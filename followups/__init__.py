"""Follow-ups (贷后回访): policy, tasks, visits, reports and the clock of each."""
