"""The night beside its floor: an ordinary one, a peak one, a quiet one, one run twice, thirty missed, one killed."""

import time
from datetime import date, timedelta
from typing import Any

from bench.bank import url_of
from bench.book import MEASURED_ON
from bench.statements import statements

HANDED = ("journal_entry", "risk_grade", "followups_visittask", "followups_taskevent")
_STAGES = (
    "bill", "pay suspense", "pay receipts", "age", "classify", "non accrual", "facts", "end grades", "grade",
    "follow up", "close",
)  # fmt: skip


def floor(name: str, day: date = MEASURED_ON) -> dict[str, Any]:
    """The floor of a night; each stage is one transaction of the application's role. Seconds by stage."""
    import psycopg2

    night = statements("floor/night.sql")
    connection = psycopg2.connect(url_of(name))
    connection.autocommit = True
    cursor = connection.cursor()
    values = _days(cursor, day)
    seconds: dict[str, float] = {}
    start = time.perf_counter()
    for stage in _STAGES:
        began = time.perf_counter()
        word, _space, money = stage.partition(" ")
        text = night[word].replace("{money}", night[money]) if word == "pay" else night[stage]
        cursor.execute(text, values)
        seconds[stage] = round(time.perf_counter() - began, 4)
    total = time.perf_counter() - start
    connection.close()
    return {"seconds": total, "statements": len(_STAGES), "stages": seconds}


def _days(cursor: Any, day: date) -> dict[str, date]:
    """The day, and up to which due day this and the last close recognise."""
    cursor.execute(
        "SELECT (SELECT max(day) FROM loans_workday WHERE is_workday AND day <= %(day)s - 1), "
        "(SELECT max(day) FROM loans_workday WHERE is_workday AND day <= %(day)s - 2)",
        {"day": day},
    )
    recognised, before = cursor.fetchone()
    return {"day": day, "recognised": recognised, "recognised_before": before}


def days_from(first: date, count: int) -> list[date]:
    return [first + timedelta(days=each) for each in range(count)]
