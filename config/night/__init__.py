"""How a night runs: the lease of a date, its stages cut into chunks that any worker claims, and what is seen of it."""
