"""What a stage of day end is: a batch function, and how the loans due in it are cut into chunks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from loans.queries.evening import Cuts


class Cutting(Protocol):
    """Where the chunks of a stage end; deterministic, so that a plan lost with its runner is made again alike."""

    def __call__(self, *, as_of: date, size: int) -> Cuts: ...


@dataclass(frozen=True, slots=True)
class Stage:
    """A batch function `(*, as_of, at, after, up_to) -> counts` and where its chunks end."""

    name: str
    work: Callable[..., Mapping[str, Any] | None]
    cuts: Cutting
    # With `loan_ids` the function looks at exactly those, whatever its own search would find.
    takes_ids: bool = False
    # With `found` it does not search: these are the loans that the cuts found, all in one chunk.
    takes_found: bool = False
