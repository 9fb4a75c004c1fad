"""Pages of follow-ups: the desk, a task, the visit form, the review desk, a report."""
