"""Worked examples as tables that an accountant can read; `table` hands them to the tests."""

from pathlib import Path


def table(name: str, number: int = 0) -> list[dict[str, str]]:
    """Rows of the number-th Markdown table of `tests/examples/<name>.md`, by column title."""
    tables: list[list[list[str]]] = [[]]
    for line in Path(__file__).with_name(f"{name}.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("|"):
            tables[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif tables[-1]:
            tables.append([])
    head, _rule, *rows = [each for each in tables if each][number]
    return [dict(zip(head, row, strict=True)) for row in rows]
