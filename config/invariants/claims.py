"""What a claim is, and what its check found."""

from dataclasses import dataclass

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Check:
    """A claim, how many subjects it speaks of, and the statement that finds what breaks it."""

    code: str
    claim: str
    subjects: str
    offenders: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a check: how many were looked at, how many break the claim, the first of them."""

    code: str
    claim: str
    looked_at: int
    broken: int
    first: tuple[str, ...]

    @property
    def is_ok(self) -> bool:
        return not self.broken
