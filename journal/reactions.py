"""Holds the wiring that `config.wiring` installs, so that the journal need not know who reacts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol


class Reaction(Protocol):
    """A reconciler: makes its rows agree with what is true for these subjects; run twice = once."""

    def __call__(self, *, subject_ids: Sequence[int], as_of: date | None, at: datetime) -> None: ...


_by_kind: dict[str, tuple[str, ...]] = {}
_functions: dict[str, Callable[..., None]] = {}


def install(by_kind: Mapping[str, Sequence[str]], functions: Mapping[str, Callable[..., None]]) -> None:
    """Replaces the wiring: fact kind → names of reactions, name → function."""
    for kind, names in by_kind.items():
        for name in names:
            if name not in functions:
                raise ValueError(f"{kind} names the unknown reaction {name}")
    _by_kind.clear()
    _by_kind.update({kind: tuple(names) for kind, names in by_kind.items()})
    _functions.clear()
    _functions.update(functions)


def reactions_to(kind: str) -> tuple[str, ...]:
    """Names of the reactions that a fact of this kind wakes."""
    return _by_kind.get(kind, ())


def function_of(name: str) -> Callable[..., None]:
    """The reconciler of a reaction's name; KeyError when nothing of that name is wired."""
    return _functions[name]
