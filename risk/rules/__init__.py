"""Pure rules of risk: facts in, grade and its explanation out."""
