"""What the product's reports say, in the form of the one statement that they are compared with."""

import hashlib
import time
from typing import Any

from bench.reports import DAYS, said
from loans.actions import reports
from loans.queries.reports import BANDS, CLASSES, SETTLED, WRITTEN_OFF


def figures(name: str, staff: Any) -> dict[str, Any]:
    """Seconds of a report from its question to its figures, and the hash of its rows."""
    asked = {"from": str(DAYS["before"])} if name == "migration" else {}
    report: Any = {"aging": reports.aging, "migration": reports.migration, "collections": reports.collections}[name]
    start = time.perf_counter()
    found = report(asked=asked, by=staff)
    seconds = time.perf_counter() - start
    if name == "collections":
        return {"seconds": seconds, "sha256": said((r.key, r.due, r.received, r.recovered) for r in found.rows)}
    columns = BANDS if name == "aging" else (*CLASSES, SETTLED, WRITTEN_OFF)
    cells = [
        (row.key, column, cell.loans, cell.balance)
        for row in found.table.rows
        for column, cell in zip(columns, row.cells, strict=True)
        if cell.loans
    ]
    return {"seconds": seconds, "sha256": said(sorted(cells))}


def page(client: Any, name: str) -> float:
    """Seconds of the whole page."""
    start = time.perf_counter()
    response = client.get(f"/book/{name}/")
    assert response.status_code == 200, response.content[-2000:]
    return time.perf_counter() - start


def book(client: Any) -> dict[str, Any]:
    """The whole file read by its browser: seconds, and the hash of its rows without the line of heads."""
    start = time.perf_counter()
    response = client.get("/book/loans.csv")
    content = hashlib.sha256()
    has_begun, seconds = False, 0.0
    for piece in response.streaming_content:
        if not has_begun:
            piece, has_begun = piece.partition(b"\r\n")[2], True
        content.update(piece)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "sha256": content.hexdigest()}
