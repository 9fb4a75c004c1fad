"""Reminders and, later, every word that goes to a borrower."""
