"""A simulated year of follow-ups: a real book, seeded borrowers, officers who work through the public actions."""
