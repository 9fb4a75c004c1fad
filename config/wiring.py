"""The floor plan of the house: which fact wakes which reaction. One screenful."""

from journal import reactions


def install() -> None:
    """Names the reactions to each kind of fact; called once when Django is ready."""
    reactions.install({}, {})
