"""How far a night is, read from its rows: the stage, its chunks, loans a second and when the date may be closed.

The stages to come are expected to take as long as on the date closed last; the one at hand goes on as it went so far.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Sum

from config.night import nights
from config.night.lease import is_held
from journal.models import Chunk, Night, Run


@dataclass(frozen=True, slots=True)
class Progress:
    """A date of a night under way, or stopped."""

    day: date
    through: date
    is_running: bool
    stage: str
    # Which of how many stages.
    number: int
    stages: int
    done: int
    planned: int
    loans_per_second: int | None
    ends_at: datetime | None
    error: str
    again_at: datetime | None


def progress(day: date, names: Sequence[str], *, at: datetime) -> Progress | None:
    """Of the open date, when its night was begun or is asked for; `names` are the stages in their order."""
    night = nights.of(day)
    is_running = is_held(day)
    if night is None and not is_running:
        return None
    waiting = dict(Chunk.objects.filter(business_date=day).values_list("stage").annotate(n=Count("id")))
    found = {row["stage"]: row for row in _runs(day)}
    finished = [name for name in names if name in found and name not in waiting]
    left = [name for name in names if name not in finished]
    stage = left[0] if left else "close"
    row = found.get(stage)
    done = row["chunks"] if row else 0
    seconds = (at - row["began"]).total_seconds() if row else 0.0
    return Progress(
        day=day,
        through=night.through if night else day,
        is_running=is_running,
        stage=stage,
        number=min(len(finished) + 1, len(names)),
        stages=len(names),
        done=done,
        planned=done + waiting.get(stage, 0),
        loans_per_second=round(row["loans"] / seconds) if row and row["loans"] and seconds > 0 else None,
        ends_at=_ends_at(day, left, waiting.get(stage, 0), done, seconds, at) if is_running else None,
        error=night.error if night else "",
        again_at=_again_at(night),
    )


def _runs(day: date) -> Iterable[Mapping[str, Any]]:
    return (
        Run.objects.filter(business_date=day)
        .values("stage")
        .annotate(chunks=Count("id"), loans=Sum("loans"), began=Min("started_at"), ended=Max("finished_at"))
    )


def _ends_at(day: date, left: Sequence[str], waiting: int, done: int, seconds: float, at: datetime) -> datetime | None:
    before = Run.objects.filter(business_date__lt=day).aggregate(day=Max("business_date"))["day"]
    taken = {row["stage"]: row["ended"] - row["began"] for row in _runs(before)} if before else {}
    known = [taken[name] for name in left[1:] if name in taken]
    if done and waiting:
        known.append(timedelta(seconds=seconds * waiting / done))
    elif left and left[0] in taken:
        known.append(taken[left[0]])
    return at + sum(known, timedelta()) if known else None


def _again_at(night: Night | None) -> datetime | None:
    return nights.due_again(night) if night is not None and night.failed_at is not None else None
