"""Risk: a grade for each loan from score, loan-to-value and payment record, by policy lines."""
