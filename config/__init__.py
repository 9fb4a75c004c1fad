"""Composition root: settings, URLs, Celery, the wiring of facts to reactions, day end, commands."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
