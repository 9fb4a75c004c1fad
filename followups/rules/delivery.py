"""Decides what a visit says about whether a home was handed over (交付)."""

from datetime import date
from typing import Final

NOT_DELIVERED: Final = "NOT_DELIVERED"


def delivered(occupancy: str, delivered_on: str, seen_on: date) -> bool | None:
    """Whether the home is handed over, by the answers that were new; None when neither was given.

    A day of hand-over that is past says more than a state of occupancy, one that is ahead says that it is not.
    """
    if delivered_on:
        return date.fromisoformat(delivered_on) <= seen_on
    return occupancy != NOT_DELIVERED if occupancy else None
