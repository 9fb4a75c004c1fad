"""Pure rules of follow-ups: plan, diff, explain; states; clocks; checklists; report content."""
